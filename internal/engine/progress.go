package engine

// progressed acts on what a change may have made possible: it wakes workers for shunned tasks,
// admits waiting submitters, and notifies callers that wait until the pool is quiet.
func (e *backpressure) progressed() {
	e.wakeForShunned()
	if e.waits.some.Load() {
		e.admitWaiting()
	}
	if e.quiet.wanted.Load() {
		e.whenIdle()
	}
}

// sideIfOnTrial sidelines a worker on trial that has got its probe. Submitters that wait for
// it look for another worker.
func (e *backpressure) sideIfOnTrial(w *Worker) {
	e.world(func(*after) { e.sideLocked(w) })
	e.progressed()
}

// whenIdle notifies the callers that wait until the pool is quiet, if it is.
func (e *backpressure) whenIdle() {
	if e.quiet.wanted.Load() {
		e.world(e.quietLocked)
	}
}

func (e *backpressure) quietLocked(then *after) {
	s := &e.quiet
	if !s.wanted.Load() || !e.isQuietLocked() {
		return
	}
	s.wanted.Store(false)
	if s.done != nil {
		close(s.done)
		s.done = nil
	}
	then.calls = append(then.calls, s.drained...)
	s.drained = nil
}

// isQuietLocked reports whether nothing is queued or held and no handler runs, except
// abandoned ones.
func (e *backpressure) isQuietLocked() bool {
	if e.delays.count.Load() > 0 || e.callers.count() > 0 || len(e.races.parked) > 0 {
		return false
	}
	quiet := true
	e.queuesLocked(func(q *taskQueue) {
		if q.exactLocked() > 0 || q.late != nil && q.late.pinned+q.late.shunned.count > 0 {
			quiet = false
		}
	})
	for _, w := range e.roster.workers {
		quiet = quiet && (!w.busyLocked() || w.abandoned.Load())
	}
	return quiet
}
