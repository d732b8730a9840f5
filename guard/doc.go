// Package guard calls user code, so that a panic, a runtime.Goexit or a call that never
// returns harms only that call. No other package of Troupe may recover from a panic. The
// package is public for extensions of Troupe in modules of their own, such as jetstream.
//
// Which function fits depends on the goroutine:
//
//	Call    on a goroutine that may be ended and may be blocked, such as the user's own
//	Watch   the same, with a function that is told how the call ended (Report: as an error)
//	Apart   on a goroutine that must not be ended but may be blocked
//	Within  on a goroutine that may be blocked for a limited time only
//
// [Is], [As], [Text] and [Try] call methods of errors and other functions that should
// return at once. Never call user code while holding a lock.
package guard
