// Package troupetest helps to test programs that use Troupe.
//
// [New], [NewPool], [NewPoolOf] and [NewFuncPool] take the place of the functions of package
// actors with the same names:
//
//	func TestShout(t *testing.T) {
//		pool := troupetest.New(t, shout)
//		text, err := pool.Ask(t.Context(), "hello")
//		…
//	}
//
// Such a pool records what was submitted to it and how each task was settled: see
// [Recorder]. It is stopped when the test ends. Then the test fails if a task is lost, if a
// handler has not returned, if a state of a worker is not closed exactly once, or if a
// goroutine of the test is left. In a bubble of testing/synctest, hours between two attempts
// pass at once.
//
// [Record] and [RecordNamed] do the same for pools that the test does not make itself: pools
// of user-written actors, and pools that the code under test spawns. [VerifyNoLeaks] is the
// check for goroutines alone.
//
// [TimeLimit] ends a test that hangs. A task that waits for something that never happens
// is the commonest fault of a concurrent test; the stacks of all goroutines show where.
//
// docs/testing.md has examples.
package troupetest
