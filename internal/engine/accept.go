package engine

// Tasks are short if a worker's last ones took less than shortTime each, in
// nanoseconds, and brief if less than briefTime. Short tasks are claimed in batches
// that last for about batchTime, of maxBatch tasks at most. While at least backlog of
// them are queued, only one submission in stampEvery reads the clock; the others use
// the last reading. A batch that has lasted for lateTime is recalled by whoever comes
// to the queue next.
const (
	briefTime = 500
	shortTime = 20_000
	batchTime = 50_000
	lateTime  = 1_000_000
	maxBatch  = 128

	backlog    = 16
	stampEvery = 16
)

// acceptLocked enters a task into the ledger and into the queue q. If t is nil, it
// takes a task of the engine's own and has it filled.
func (e *Engine) acceptLocked(q *taskQueue, t *Task, s *Spec, to *target, number uint64, fill func(Body)) {
	flags := word(0)
	if t == nil {
		t = q.spares.takeLocked(&e.cfg)
		fill(t.body)
		flags = flagOwned
	}
	owner := nobody
	if q.owner != nil {
		owner = q.owner.index
	}
	e.enterLedgerLocked(q, t, s, to, number, owner, flags)
	q.pushLocked(t, s.Priority)
	if q.owner == nil && q.late == nil {
		e.countOrphansLocked()
	}
	if s.Timeout > 0 {
		e.startTimeoutLocked(q, t, s)
	}
}

// enterLedgerLocked makes a fresh task a queued one.
func (e *Engine) enterLedgerLocked(q *taskQueue, t *Task, s *Spec, to *target, number uint64, owner int, flags word) {
	t.describe(s)
	if to.keyed {
		t.extra.hash = to.hash
	}
	if s.Bound {
		flags |= flagBound
	}
	if s.Sender != nil {
		flags |= flagAnswered
	}
	e.stampLocked(q, s.Timeout > 0 || flags&flagAnswered != 0)
	t.enqueued = q.clock
	w := word(number)<<sequenceShift | word(owner)<<workerShift | flags | word(queued)
	t.state.Store(uint64(w))
}

// stampLocked brings the queue's clock up to date, as far as that is worth its cost.
func (e *Engine) stampLocked(q *taskQueue, exact bool) {
	if q.late == nil && q.owner != nil && !exact && q.short && q.rings.Len() > 0 && !q.paused {
		// Senders share the reading, since each queue alone gets few tasks.
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
