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

// Cancel settles every unsettled task with the given ID as [Canceled], with [ErrCanceled],
// whether it is queued, running, held or waiting for a retry. ID is the ID of a [Task] or, for a
// task without one, the number that the pool gave it, as [Result.TaskID] has it. A task that
// still waits for room is not accepted yet and is not canceled. Cancel also works while the pool
// is paused or draining.
//
// A sender gets a *[CancelReport] after the tasks are settled and their senders told. An empty
// ID is answered with a *[Result] with [ErrInvalidOption].
type Cancel struct{ ID string }

// CancelReport is the answer to a [Cancel].
type CancelReport struct {
	Canceled int // how many tasks were settled; 0: there was no unsettled task with that ID
}

// NotifyRoom asks to be told, once, when the queue has room for a task. Use it in an actor that
// produces tasks: it asks, sends when the *[Room] arrives, and asks again. If every sender does
// so and sends one task within 100 ms of its Room, a task is rejected only if a retry takes the
// place, fewer workers are available, or dispatch binds the task to a worker without room.
//
// Without a sender, NotifyRoom is a no-op. If the pool is stopping or has no workers left, the
// answer is a *[Result] with [ErrPoolStopped] or [ErrNoWorkers].
//
// When there is too little room for all, these rules apply:
//
//   - Submitters that wait for room (Block) are admitted first.
//   - Actors are answered in the order in which they asked, one for each free place.
//   - The place is not reserved: another sender may take it. But for 100 ms, or until the next
//     task is accepted, the pool tells no other actor of it.
//
// Where dispatch binds tasks to workers early, there is room if any eligible worker has some. By
// key, and with a custom dispatch or a broadcast, the task may still be for a worker that has
// none.
type NotifyRoom struct{}

// Room is the answer to a [NotifyRoom].
type Room struct {
	// Free is how many tasks the queue would have accepted when the answer was sent:
	// math.MaxInt if the queue is unbounded. A producer that has the pool to itself may send
	// as many. Others should send one.
	Free int
}

// Report adds to the counters of the worker that sends it to its parent. The
// counters are found in [Stats.Custom], summed, and in [WorkerStats.Custom].
type Report struct{ Counters map[string]int64 }

func (GetStats) control()   {}
func (Resize) control()     {}
func (Pause) control()      {}
func (Resume) control()     {}
func (Drain) control()      {}
func (Finish) control()     {}
func (Broadcast) control()  {}
func (Cancel) control()     {}
func (NotifyRoom) control() {}
