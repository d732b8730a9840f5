// Package soak tests pools under load, with all faults at once. It has no code but its
// test.
//
// TestSoak submits tasks from many producers, one by one, by Map and Each, and in groups,
// while tasks panic, fail, time out, are canceled, ignore their contexts or name their
// outcomes, and while the pool is resized, paused and stopped. In some seasons the workers
// have states, which fail to start or to close, and are recycled for all reasons. At the end
// every task must have been accounted for, every function given to OnSettled called once,
// every state closed once, and no goroutine or memory may be left.
//
//	go test ./internal/soak                  # 20,000 tasks
//	go test ./internal/soak -soak 200000     # more of them
//	make soak                                # a million, under the race detector
package soak
