package engine

import "math"

// placing is the layer that puts tasks into queues and wakes workers for them.
type placing struct{ settling }

// acceptLocked enters a task into the ledger and into the queue q. If t is nil, it takes
// one of the engine's own tasks and calls fill with its body.
func (e *placing) acceptLocked(q *taskQueue, t *Task, s *Spec, fill func(Body), number uint64) {
	flags := word(0)
	if t == nil {
		t = q.spares.takeLocked(&e.cfg)
		flags = flagOwned
	}
	owner := nobody
	if q.owner != nil {
		owner = q.owner.index
	}
	e.enterLedgerLocked(q, t, s, number, owner, flags)
	if fill != nil {
		fill(t.body)
	}
	e.followLocked(t)
	q.pushLocked(t, s.Priority)
	if q.owner == nil && q.late == nil {
		e.countOrphansLocked()
	}
	if s.Timeout > 0 {
		e.startTimeoutLocked(q, t, s)
	}
}

// enterLedgerLocked turns a fresh task into a queued one.
func (e *placing) enterLedgerLocked(q *taskQueue, t *Task, s *Spec, number uint64, owner int, flags word) {
	w := word(number)<<sequenceShift | word(owner)<<workerShift | flags | s.flags() | word(queued)
	t.state.Store(uint64(w)) // first, since this fetches the task's cache line for writing
	t.describe(s)
	e.stampLocked(q, s.Timeout > 0 || s.Sender != nil || s.Exact)
	t.enqueued = q.clock
}

// followLocked tells whoever follows the pool that a task was accepted.
func (e *placing) followLocked(t *Task) {
	if e.journals.followed.Load() { // inlined, so that a pool that nobody follows pays for no call
		e.tellFollowers(t)
	}
}

func (e *placing) tellFollowers(t *Task) { e.journals.accepted(t, e.timeOf(e.now())) }

// stampLocked updates the queue's clock, unless a recent reading is good enough.
func (e *placing) stampLocked(q *taskQueue, exact bool) {
	if q.late == nil && q.owner != nil && !exact && q.short && q.rings.Len() > 0 && !q.paused {
		// Senders share the reading, since each single queue gets few tasks.
		if q.submitted&(stampEvery-1) != 0 {
			q.clock = max(q.clock, e.dispatch.stamp.Load())
			return
		}
		q.clock = e.now()
		e.dispatch.stamp.Store(q.clock)
		return
	}
	q.unstamped++
	if exact || !q.short || q.paused || q.unstamped >= stampEvery || q.rings.Len() < backlog {
		q.clock, q.unstamped = e.now(), 0
	}
}

// startTimeoutLocked sets the deadline of a task that has just been accepted into q, unless
// the deadline lies beyond the end of engine time.
func (e *placing) startTimeoutLocked(q *taskQueue, t *Task, s *Spec) {
	if t.due == 0 { // else it was set when the task began to wait for room
		t.due = later(q.clock, s.Timeout)
	}
	if t.due == math.MaxInt64 {
		t.due = 0
		return
	}
	e.setDeadlineLocked(q, t)
}

// setDeadlineLocked makes q watch the deadline of a task.
func (e *placing) setDeadlineLocked(q *taskQueue, t *Task) {
	if q.deadlines == nil {
		q.deadlines = new(deadlines)
	}
	q.deadlines.addLocked(t.due, t)
	e.timer.set(t.due)
}

// pinNewLocked accepts a task for one worker alone.
func (e *placing) pinNewLocked(t *Task, s *Spec, w *Worker) {
	q := w.q
	q.submitted++
	t.makeSpecial().pinned = true
	if q.late == nil {
		e.acceptLocked(q, t, s, nil, e.newNumberLocked(q))
		return
	}
	e.enterLedgerLocked(q, t, s, e.newNumberLocked(q), w.index, 0)
	e.followLocked(t)
	w.recallLocked(q) // the pinned task starts before what the worker has claimed of the shared queue
	w.poke.Store(true)
	w.pinLocked(q, t)
	if s.Timeout > 0 {
		e.startTimeoutLocked(q, t, s)
	}
}
