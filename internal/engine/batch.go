package engine

// countBatchLocked makes the worker's part of q.claimed exact: the tasks of its batch
// that are queued or dead.
func (w *Worker) countBatchLocked(q *taskQueue) {
	n := int32(0)
	for _, t := range w.batch {
		if t == nil {
			continue
		}
		if state := t.load(); state.hop() == w.hop && (state.status() == queued || state.dead()) {
			n++
		}
	}
	q.claimed += n - w.counted
	w.counted = n
}

// recallLocked puts the tasks of the worker's batch that have not started back into the
// queue.
func (w *Worker) recallLocked(q *taskQueue) {
	if w.batch == nil {
		return
	}
	if w.hop == hopMask { // its only task cannot be moved once more: see dealing.rescue
		w.poke.Store(true)
		return
	}
	var room [maxBatch]*Task
	recalled := room[:0]
	for _, t := range w.batch {
		if t == nil {
			continue
		}
		state := t.load()
		if state.status() != queued || state.hop() != w.hop || !t.swap(state, state.moved()) {
			continue
		}
		if t.pinned() && q.late != nil {
			w.pinLocked(q, t)
		} else {
			recalled = append(recalled, t)
		}
	}
	q.insertAllLocked(recalled)
	w.countBatchLocked(q)
}

// readBatchLocked reads from the last task to the first: the worker goes the other way,
// so one task at most is seen running. What was cut before a task that has started has
// been put down.
func (w *Worker) readBatchLocked() (r batchReading) {
	started := false
	for i := len(w.batch) - 1; i >= 0; i-- {
		t := w.batch[i]
		if t == nil {
			continue
		}
		state := t.load()
		if state.hop() != w.hop {
			continue
		}
		switch s := state.status(); {
		case s == queued:
			r.waiting++
			r.oldest = t.enqueued
		case state.dead():
			r.waiting++
		case s == running:
			r.task, started = t, true
		case s >= cutTimedOut:
			if !started {
				r.task, r.cut, started = t, true, true
			}
		case s >= doneSucceeded:
			r.settled[s.outcome()]++
			started = true
		}
	}
	return r
}

// addBatchLocked adds the outcomes of the worker's batch that are not in outcomes yet.
func (w *Worker) addBatchLocked(t *tally) {
	reading := w.readBatchLocked()
	t.add(&reading.settled)
}

// inHandLocked is the task that the worker runs, settled or not, or nil.
func (w *Worker) inHandLocked() *Task {
	reading := w.readBatchLocked()
	return reading.task
}

// suspendLocked keeps the worker from working, or ends that.
func (w *Worker) suspendLocked(suspended bool) {
	w.suspended = suspended
	w.recallLocked(w.q)
	w.refreshLocked(w.q)
	if suspended {
		w.poke.Store(true)
	}
}

// eachBatchLocked calls f with the workers that have claimed tasks from the queue.
func (q *taskQueue) eachBatchLocked(f func(*Worker)) {
	if q.owner != nil {
		if q.owner.batch != nil {
			f(q.owner)
		}
		return
	}
	if q.late != nil {
		for _, w := range q.late.batches {
			f(w)
		}
	}
}

// exactLocked is the number of queued tasks.
func (q *taskQueue) exactLocked() int {
	q.recountLocked()
	return q.liveLocked()
}

// recountLocked makes claimed exact.
func (q *taskQueue) recountLocked() {
	if q.claimed == 0 && q.dead == 0 {
		return
	}
	q.eachBatchLocked(func(w *Worker) { w.countBatchLocked(q) })
}

// victimLocked is the task that DropOldest drops: the oldest of the lowest priority
// that has not been accepted for a retry, nil if there is none.
func (q *taskQueue) victimLocked() (victim *Task) {
	q.recallAllLocked()
	q.rings.Ascending(func(t *Task) bool {
		if isQueued(t) && t.past() == nil && !t.pinned() {
			victim = t
			return false
		}
		return true
	})
	return victim
}

// recallOverdueLocked recalls the batches that have lasted too long, now and then.
func (q *taskQueue) recallOverdueLocked(now int64) {
	q.late.recallAt = now + overdueTime
	for _, w := range q.late.batches {
		if now-w.begun > overdueTime {
			w.recallLocked(q)
		}
	}
}

// recallAllLocked puts the tasks of all batches that have not started back into the
// queue.
func (q *taskQueue) recallAllLocked() {
	q.eachBatchLocked(func(w *Worker) { w.recallLocked(q) })
}

// load is the number of tasks that the worker runs or has queued.
func (w *Worker) load() int {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	n := 0
	if w.q.owner != nil {
		n = w.q.exactLocked()
	}
	if w.hasTaskLocked() {
		n++
	}
	return n
}
