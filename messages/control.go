package messages

// Control is a message that a pool obeys itself instead of giving it to a
// worker. It may be sent by pointer or by value. The set is closed.
type Control interface{ control() }

// GetStats asks for a snapshot. The answer is a *[Stats].
type GetStats struct{}

// Resize sets the number of workers, at least 1. Workers that leave finish what
// they have in hand first. The answer, given when the new size is in force, is a
// *[Resized], or a *[Result] with Err set.
type Resize struct{ Size int }

// Resized is the answer to a [Resize].
type Resized struct{ From, To int }

// Pause lets running tasks finish and queued ones wait; new ones are still
// accepted. The answer is a *[Paused], or a *[Result] with Err set if the pool is
// stopping.
type Pause struct{}

// Paused is the answer to a [Pause].
type Paused struct{}

// Resume ends a [Pause]. The answer is a *[Resumed].
type Resume struct{}

// Resumed is the answer to a [Resume].
type Resumed struct{}

// Drain refuses new tasks, finishes the accepted ones and stops the pool. A
// paused pool is resumed for it. The answer, given when the last task has been
// settled and the last handler has returned, is a *[DrainReport].
type Drain struct{}

// Finish refuses new tasks, drops the queued ones, lets the running ones finish and stops
// the pool. Use it when the pool should stop soon, but without canceling running tasks. A
// task whose attempt fails meanwhile is not retried. The pool may be paused, or draining
// already. The answer, given when the last task has been settled and the last handler has
// returned, is a *[DrainReport].
type Finish struct{}

// Broadcast gives Message to every worker, as one task each. All of these tasks are
// admitted or none is; the overflow policy does not apply. Message may be a *[Task].
// The sender gets an answer for every task. If none is admitted, the sender gets a
// single *[Result] instead, with [ErrQueueFull] when there is no room for all.
type Broadcast struct{ Message any }

// Report adds to the counters of the worker that sends it to its parent. The
// counters are found in [Stats.Custom], summed, and in [WorkerStats.Custom].
type Report struct{ Counters map[string]int64 }

func (GetStats) control()  {}
func (Resize) control()    {}
func (Pause) control()     {}
func (Resume) control()    {}
func (Drain) control()     {}
func (Finish) control()    {}
func (Broadcast) control() {}
