package messages

import "time"

// QuarantinedTask is a task that a pool has given up for good.
// Its outcome, and what its waiter was told, is Quarantined.
type QuarantinedTask struct {
	Number   int64  // names it in its pool's quarantine
	Task     Task   // what was submitted; its ID is the pool's number if it had none
	Attempts int    // how many times a worker began it
	Worker   string // the ID of the worker that had it last; empty if it ran in its caller
	Err      error  // of the last attempt
	// Panics are those of all attempts, the oldest first, each with its stack.
	Panics []*PanicError
	At     time.Time // when it was given up
}

// ListQuarantine asks for the quarantined tasks. The answer is a *[Quarantine].
type ListQuarantine struct{}

// Quarantine is the answer to a [ListQuarantine]: the tasks, the oldest first.
type Quarantine struct{ Tasks []QuarantinedTask }

// Requeue submits quarantined tasks again, each as a new task of the ledger that
// nobody waits for. The answer is a *[Requeued]. If one cannot be accepted, it and
// those after it stay in quarantine, and the answer says why.
type Requeue struct{ Numbers []int64 }

// Requeued is the answer to a [Requeue].
type Requeued struct {
	Count int   // how many were submitted
	Err   error // why the next one was not; nil if all were
}

// DeleteQuarantined forgets quarantined tasks. Numbers that are not there are no
// error. The answer is a *[Deleted].
type DeleteQuarantined struct{ Numbers []int64 }

// Deleted is the answer to a [DeleteQuarantined].
type Deleted struct{ Count int }

func (ListQuarantine) control()    {}
func (Requeue) control()           {}
func (DeleteQuarantined) control() {}
