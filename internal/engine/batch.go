package engine

// countBatchLocked makes the worker's part of q.claimed exact. That part is the number of
// tasks in its batch that are queued or dead. begun reports whether the worker has begun the
// batch: it has started a task of it.
func (w *Worker) countBatchLocked(q *taskQueue) (begun bool) {
	n := int32(0)
	for _, t := range w.batch {
		if t == nil {
			begun = true
			continue
		}
		switch state := t.load(); {
		case state.hop() != w.hop:
		case state.status() == queued || state.dead():
			n++
		default:
			begun = true
		}
	}
	q.claimed += n - w.counted
	w.counted = n
	return begun
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
		if !w.setAsideLocked(q, t) {
			recalled = append(recalled, t)
		}
	}
	q.insertAllLocked(recalled)
	w.countBatchLocked(q)
}

// readBatchLocked reads the words from the last task to the first. The worker goes the
// other way, so the reading sees at most one task running. If a later task has started, the
// handler of a cut task has returned.
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

// addBatchLocked adds to t the outcomes of the worker's batch that are not in
// Worker.outcomes yet.
func (w *Worker) addBatchLocked(t *tally) {
	reading := w.readBatchLocked()
	t.add(&reading.settled)
}

// inHandLocked returns the task in hand, settled or not, or nil.
func (w *Worker) inHandLocked() *Task {
	reading := w.readBatchLocked()
	return reading.task
}

// suspendLocked stops the worker from taking tasks, or lets it go on.
func (w *Worker) suspendLocked(suspended bool) {
	w.suspended = suspended
	w.recallLocked(w.q)
	w.refreshLocked(w.q)
	if suspended {
		w.poke.Store(true)
	}
}

// eachBatchLocked calls f with each worker that has claimed tasks from the queue.
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

// exactLocked returns the exact number of queued tasks.
func (q *taskQueue) exactLocked() int {
	q.recountLocked()
	return q.liveLocked()
}

// takenLocked returns the number of queued tasks that take room: all but one for each worker that
// is about to begin its batch. Such a worker was free just now, and the room that a free worker
// makes must not vanish before its task has started.
func (q *taskQueue) takenLocked() int {
	starting := q.recountLocked()
	return q.liveLocked() - starting
}

// recountLocked makes claimed exact. It returns the number of workers that are about to begin their
// batches.
func (q *taskQueue) recountLocked() (starting int) {
	if q.claimed == 0 && q.dead == 0 {
		return 0
	}
	q.eachBatchLocked(func(w *Worker) {
		if begun := w.countBatchLocked(q); !begun && !w.suspended && !w.leaving.Load() {
			starting++
		}
	})
	return starting
}

// victimLocked returns the task that DropOldest drops: the oldest task of the lowest
// priority. Retries and pinned tasks are spared. It returns nil if there is no such task.
func (q *taskQueue) victimLocked() (victim *Task) {
	q.recallAllLocked()
	q.dropDeadLocked()
	dead := 0
	q.rings.Ascending(func(t *Task) bool {
		switch {
		case !isQueued(t):
			dead++
		case t.past() == nil && !t.pinned():
			victim = t
			return false
		}
		return true
	})
	if dead >= minSweep { // behind a task that is spared
		q.sweepLocked()
	}
	return victim
}

// recallOverdueLocked recalls the batches that have lasted too long, and sets the time of
// the next check.
func (q *taskQueue) recallOverdueLocked(now int64) {
	q.late.recallAt = now + overdueTime
	for _, w := range q.late.batches {
		if now-w.begun > overdueTime {
			w.recallLocked(q)
		}
	}
}

// recallAllLocked puts the tasks of all batches that have not started back into the queue.
func (q *taskQueue) recallAllLocked() {
	q.eachBatchLocked(func(w *Worker) { w.recallLocked(q) })
}

// load returns the number of tasks that the worker runs, holds or has in its own queue.
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
	return n + w.holdsLocked()
}
