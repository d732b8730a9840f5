// Package pooltest is the test kit of this repository: systems that log nothing,
// bubbles of virtual time, pools that are checked when a test ends, actors to talk to
// them, and handlers to put into them.
//
// A typical test runs in a bubble, in which time advances only while all goroutines
// wait, and a goroutine that is blocked for ever fails the test:
//
//	pooltest.Bubble(t, func(t *testing.T) {
//		root := pooltest.System().Root
//		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
//		…
//	})
//
// [Open] starts a typed pool and [StartActors] one of user-written actors.
package pooltest
