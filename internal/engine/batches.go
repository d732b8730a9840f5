package engine

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

// recallLateLocked recalls the batches that have lasted too long, now and then.
func (q *taskQueue) recallLateLocked(now int64) {
	q.late.lateAt = now + lateTime
	for _, w := range q.late.batches {
		if now-w.begun > lateTime {
			w.recallLocked(q)
		}
	}
}

// recallAllLocked puts the tasks of all batches that have not started back into the
// queue.
func (q *taskQueue) recallAllLocked() {
	q.eachBatchLocked(func(w *Worker) { w.recallLocked(q) })
}
