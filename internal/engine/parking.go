package engine

// refreshLocked updates the counts of the queue after a change of what ableLocked depends
// on.
func (w *Worker) refreshLocked(q *taskQueue) {
	l := q.late
	if l == nil {
		q.ready = w.parked && w.ableLocked()
		return
	}
	if able := w.ableLocked(); able != w.able {
		w.able = able
		if able {
			l.able++
		} else {
			l.able--
		}
		if w.parked && able {
			l.addIdleLocked(w)
		} else {
			l.removeIdleLocked(w)
		}
	}
	if onlyHolds := !w.hasTaskLocked() && w.holdsLocked() > 0; onlyHolds != w.onlyHolds {
		w.onlyHolds = onlyHolds
		if onlyHolds {
			l.onlyHolding++
		} else {
			l.onlyHolding--
		}
	}
	if promised := w.able && w.rare != nil && len(w.rare.pins) > 0; promised != w.promised {
		w.promised = promised
		if promised {
			l.promised++
		} else {
			l.promised--
		}
	}
}

// parkLocked records that no goroutine runs the worker. It reports whether this worker was
// the last busy one.
func (w *Worker) parkLocked(q *taskQueue) (lastBusy bool) {
	w.parked = true
	if w.hand.occupied.Load() && w.holdsLocked() == 0 {
		w.hand.occupied.Store(false)
		lastBusy = w.gauges.pace.busy(-1) == 0
	}
	if q.late == nil {
		q.ready = w.ableLocked()
	} else if w.able {
		q.late.addIdleLocked(w)
	}
	return lastBusy
}

// unparkLocked marks a parked worker as woken. The caller must schedule it. It returns
// false if the worker was not parked.
func (w *Worker) unparkLocked(q *taskQueue) bool {
	if !w.parked || !w.started {
		return false
	}
	w.parked = false
	if q.late == nil {
		q.ready = false
	} else {
		q.late.removeIdleLocked(w)
	}
	return true
}

// wakeOwnLocked unparks a worker that can start a task of its own. If it returns true, the
// caller must schedule the worker.
func (w *Worker) wakeOwnLocked(q *taskQueue) bool {
	if q.paused {
		return false
	}
	if q.late != nil {
		return w.parked && w.ableLocked() && w.unparkLocked(q)
	}
	if !q.ready {
		return false
	}
	q.ready, w.parked = false, false // no need to read the worker, which may not be in the cache
	return true
}

// unpark unparks the worker if it could start a task and nobody has woken it.
func (w *Worker) unpark() bool {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return w.wakeOwnLocked(w.q)
}

// wakeLocked takes an idle worker out of the list and returns it for the caller to
// schedule. It returns nil if there is no task or no idle worker for it, if the tasks are those of
// workers that make their states, or if a woken worker is still on its way: that worker wakes
// the next one if it finds more tasks.
func (l *lateQueue) wakeLocked(q *taskQueue) *Worker {
	if l.waking || q.paused {
		return nil
	}
	var w *Worker
	switch live := q.liveLocked(); {
	case live > int(l.opening):
		w = l.firstIdleLocked()
	case l.shunned.count > 0:
		w = l.idleForShunnedLocked(live)
	}
	if w == nil {
		return nil
	}
	w.unparkLocked(q)
	w.waking, l.waking = true, true
	return w
}
