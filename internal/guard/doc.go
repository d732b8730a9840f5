// Package guard calls user code, so that a panic, a runtime.Goexit or a call that never
// returns harms only that call. No other package of Troupe may recover from a panic.
//
// Which function fits depends on the goroutine:
//
//	Call    on a goroutine that may be ended and may be blocked, such as the user's own
//	Watch   the same, with a function that is told how the call ended (Report: as an error)
//	Apart   on a goroutine that must not be ended but may be blocked
//	Within  on a goroutine that may be blocked for a limited time only
//	Lanes   on a goroutine that must not wait at all
//
// User code is never called under a lock.
package guard
