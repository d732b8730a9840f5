// Package soak tests pools under load, with all faults at once. It has no code but its
// test.
//
// TestSoak submits tasks from many producers while tasks panic, fail, time out, are
// canceled or ignore their contexts, and while the pool is resized, paused and stopped.
// At the end every task must have been accounted for, and no goroutine or memory may
// be left.
//
//	go test ./internal/soak                  # 20,000 tasks
//	go test ./internal/soak -soak 200000     # more of them
//	make soak                                # a million, under the race detector
package soak
