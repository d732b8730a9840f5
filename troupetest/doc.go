// Package troupetest helps to test programs that use Troupe.
//
// [TimeLimit] ends a test that hangs. A task that waits for something that never happens
// is the commonest fault of a concurrent test; the stacks of all goroutines show where.
package troupetest
