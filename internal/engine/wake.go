package engine

// wakeForLocked returns a worker to schedule for a task that was put into q, or nil.
func (e *placing) wakeForLocked(q *taskQueue) *Worker {
	if q.late != nil {
		return q.late.wakeLocked(q)
	}
	if q.owner != nil && q.owner.wakeOwnLocked(q) {
		return q.owner
	}
	return nil
}

// wakeForTaskLocked notes in then to wake a worker for a task that was put into q. The task
// is for w, or for any worker if w is nil.
func (e *placing) wakeForTaskLocked(q *taskQueue, w *Worker, then *after) {
	switch {
	case w == nil && q.late == nil:
		then.call(e.wakeIdle)
	case w == nil:
		then.wake(q.late.wakeLocked(q))
	case w.wakeOwnLocked(q):
		then.wake(w)
	}
}

// wakeForShunned wakes a worker for a task that workers shun, if there is one for it now: the
// others that could take it may have gone.
func (e *placing) wakeForShunned() {
	if !e.cfg.Retry.Elsewhere || !e.late() {
		return
	}
	e.shared.mu.Lock()
	w := e.shared.late.wakeLocked(e.shared)
	e.shared.mu.Unlock()
	if w != nil {
		e.sched.schedule(w)
	}
}

// block records a wait of a handler for the pool. It returns false, and does nothing, if the
// wait is vain.
func (e *placing) block(wait *poolWait) bool {
	if !e.deadlocks.block(wait) {
		return false
	}
	e.wakeForShunned() // the handler may wait for a task that only its worker would take
	return true
}

// wakeIdle wakes parked workers for orphans. It is used under early binding.
func (e *placing) wakeIdle() {
	wanted := e.orphans.Load()
	for _, w := range e.roster.view.Load().routees {
		if wanted <= 0 {
			return
		}
		w.q.mu.Lock()
		wake := w.wakeOwnLocked(w.q)
		w.q.mu.Unlock()
		if wake {
			wanted--
			e.sched.schedule(w)
		}
	}
}
