package engine

import "slices"

// claimLocked claims the next tasks: one or, if the worker's last tasks were short, a
// batch. For everyone else claimed tasks are still queued. Claiming a batch does not touch
// the tasks, which would load each into the cache while others wait for the lock.
// claimLocked returns false if there is nothing to do.
func (w *Worker) claimLocked(q *taskQueue, r *runner) bool {
	if q.paused || !w.ableLocked() {
		return false
	}
	if w.rare != nil && len(w.rare.pins) > 0 {
		w.claimPinLocked(q, r)
		return true
	}
	if q.late != nil && q.claimed > 0 && r.now > q.late.recallAt {
		q.recallOverdueLocked(r.now)
	}
	if q.rings.Len() == int(q.dead) && q.claimed == 0 {
		q.sweepLocked()
	}
	var shunned *Task // the first one that w may claim
	if q.late != nil && q.late.shunned.count > 0 && !w.stateless() {
		shunned = q.late.shunned.firstForLocked(w)
		if shunned != nil && w.claimShunnedLocked(q, r, shunned) {
			return true
		}
	}
	if q.rings.Len() == 0 {
		return q.late != nil && w.stealLocked(q, r)
	}
	if q.moved > 0 || q.dead > 0 {
		return w.claimOneLocked(q, r) || q.late != nil && w.stealLocked(q, r)
	}
	n := w.claimable(w.pace.batch(w.gauges, q))
	if w.gauges.orphans.Load() > 0 {
		n = 1
	}
	priority := q.rings.Top()
	if q.late == nil || q.late.shunned.count == 0 {
		w.takeLocked(q, r, q.rings.PopMore(r.batch[:0], n), 0, priority)
	} else {
		w.takeLocked(q, r, q.popBesideShunnedLocked(shunned, r.batch[:0], n), 0, priority)
	}
	q.lowerLocked()
	return true
}

// claimShunnedLocked claims a task that a worker shuns, unless a task of the rings comes first.
func (w *Worker) claimShunnedLocked(q *taskQueue, r *runner, t *Task) bool {
	if next := q.peekLocked(); next != nil && next.before(t) {
		return false
	}
	q.late.shunned.removeLocked(t)
	w.takeLocked(q, r, append(r.batch[:0], t), t.load().hop(), t.priority())
	q.lowerLocked()
	return true
}

// claimOneLocked claims the next task of a queue that has dead or moved entries.
func (w *Worker) claimOneLocked(q *taskQueue, r *runner) bool {
	if q.peekLocked() == nil {
		return false
	}
	t := q.rings.Pop()
	hop := t.load().hop()
	if hop != 0 {
		q.moved--
	}
	w.takeLocked(q, r, append(r.batch[:0], t), hop, t.priority())
	q.lowerLocked()
	return true
}

// claimPinLocked claims the first task that is pinned to the worker.
func (w *Worker) claimPinLocked(q *taskQueue, r *runner) {
	t := w.rare.pins[0]
	w.rare.pins = slices.Delete(w.rare.pins, 0, 1)
	q.late.pinned--
	w.takeLocked(q, r, append(r.batch[:0], t), t.load().hop(), t.priority())
}

// takeLocked makes the tasks the worker's batch. counted leaves out the first one, which
// starts at once.
func (w *Worker) takeLocked(q *taskQueue, r *runner, tasks []*Task, hop word, priority int) {
	w.batch, w.at = tasks, 0
	w.hop, w.priority, w.begun = hop, priority, r.now
	w.counted = int32(len(tasks)) - 1
	q.claimed += w.counted
	if q.late != nil {
		q.late.addBatchLocked(w)
	}
	if !w.hand.occupied.Load() {
		w.hand.occupied.Store(true)
		w.gauges.pace.busy(1)
	}
	w.refreshLocked(q)
}

// returnLocked ends the batch. It puts what has not started back to the front of the queue,
// and enters the outcomes of the others into the ledger.
func (w *Worker) returnLocked(q *taskQueue, r *runner) {
	w.layBackLocked(q, r)
	q.dead -= r.dead
	r.dead = 0
	q.claimed -= w.counted
	w.counted = 0
	for o, n := range r.settled {
		if n > 0 {
			w.outcomes[o] += n
			r.settled[o] = 0
		}
	}
	w.ran += r.ran
	r.ran = 0
	w.reclaimLocked(q, r)
	if q.late != nil {
		q.late.removeBatchLocked(w)
	}
	clear(w.batch)
	w.batch, w.at = nil, 0
	if q.deadlines != nil {
		q.deadlines.trimLocked()
	}
	w.refreshLocked(q)
}

// layBackLocked puts claimed tasks that have not started back to the front of the queue.
// The batch's own goroutine calls it, so no other goroutine reads the batch meanwhile, and
// the tasks need not be marked as moved: they can be claimed in batches and their cells can
// be reused.
func (w *Worker) layBackLocked(q *taskQueue, r *runner) {
	if w.at == len(w.batch) {
		return
	}
	r.stray = r.stray || q.gone || w.leaving.Load() || w.gauges.dropped.Load()
	rest := w.batch[w.at:]
	kept := rest[:0]
	for _, t := range rest {
		state := t.load()
		switch {
		case state.hop() != w.hop: // another goroutine has moved it
		case state.status() != queued:
			q.dead--
		case w.setAsideLocked(q, t):
		default:
			kept = append(kept, t)
		}
	}
	q.insertAllLocked(kept)
	clear(rest)
	w.batch = w.batch[:w.at]
}

// setAsideLocked puts a task of the worker's batch that is not for every worker back into its
// list. It returns false if the task belongs into the rings.
func (w *Worker) setAsideLocked(q *taskQueue, t *Task) bool {
	switch {
	case q.late == nil:
		return false
	case t.pinned():
		w.pinLocked(q, t)
	case t.shunnedBy() != nil:
		q.shunLocked(t)
	default:
		return false
	}
	return true
}

// reclaimLocked takes back finished tasks that the engine made. The others stay in r.free,
// for unlink.
func (w *Worker) reclaimLocked(q *taskQueue, r *runner) {
	kept := 0
	for i, t := range r.free[:r.frees] {
		if state := t.load(); state&flagOwned != 0 {
			if state&flagAnswered != 0 {
				t.body.Disowned()
			}
			t.Clear()
			q.spares.putLocked(t)
		} else {
			r.free[kept] = t
			kept++
		}
		if i >= kept {
			r.free[i] = nil
		}
	}
	r.frees = kept
}

// stealLocked claims half of the tasks that another worker has claimed and not started, or
// one of them if the stealing worker's pace is unknown or its breaker is not closed.
func (w *Worker) stealLocked(q *taskQueue, r *runner) bool {
	for _, victim := range q.late.batches {
		if len(victim.batch) < 2 || victim.hop == hopMask {
			continue
		}
		victim.countBatchLocked(q)
		take := min(1, int(victim.counted))
		if w.pace.mean >= 0 {
			take = w.claimable((int(victim.counted) + 1) / 2)
		}
		if victim.hop+hopOne == hopMask {
			take = min(take, 1) // a batch that cannot be recalled has only one task, which starts at once
		}
		tasks := r.batch[:0]
		for _, t := range victim.batch {
			if len(tasks) == take {
				break
			}
			if t == nil {
				continue
			}
			if state := t.load(); state.status() == queued && state.hop() == victim.hop && t.swap(state, state.moved()) {
				tasks = append(tasks, t)
			}
		}
		victim.countBatchLocked(q)
		if len(tasks) > 0 {
			w.takeLocked(q, r, tasks, victim.hop+hopOne, victim.priority)
			return true
		}
	}
	return false
}
