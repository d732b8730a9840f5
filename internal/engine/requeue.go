package engine

import (
	"slices"

	"github.com/troupe-go/troupe/router"
)

// delayLocked makes a task wait for its next attempt. The last one, in the hand h of w, is
// over. w is nil if the task ran in its caller. The locks that guard the task's word must
// be held.
func (e *placing) delayLocked(t *Task, h *hand, w *Worker, now int64) {
	d := &e.delays
	d.retries++
	t.remember(h, now, e.cfg.Quarantine != (router.Quarantine{}))
	state := h.word.with(waiting).of(nobody) | flagRetried
	if w != nil && (e.dispatch.binding == picked || t.pinned()) {
		t.past().bound = w
	}
	if w != nil && e.cfg.Retry.Elsewhere && !t.pinned() {
		t.past().shunner = w.shunnerLocked()
	}
	t.enqueued = later(now, h.attempt.retry.delay)
	t.state.Store(uint64(state))
	entry := &t.past().due
	entry.Value = t
	d.tasks.Add(entry, t.enqueued)
	d.count.Add(1)
	if t.enqueued > now {
		e.timer.set(t.enqueued)
	}
}

// releaseDueNow queues the tasks whose next attempt is due.
func (e *placing) releaseDueNow() {
	var then after
	e.releaseDue(e.now(), &then)
	then.run(e.sched)
}

// releaseDue queues the tasks whose next attempt is due, and returns when the next one is.
func (e *placing) releaseDue(now int64, then *after) (next int64) {
	for released := false; ; released = true {
		e.delays.mu.Lock()
		t, due := e.delays.tasks.PopDue(now)
		if due {
			e.delays.count.Add(-1)
			e.requeueLocked(t, then)
		} else {
			next, _ = e.delays.tasks.Next()
		}
		e.delays.mu.Unlock()
		if due {
			continue
		}
		if released { // a handler may wait for a task that is bound to a worker now, or that ran in its caller before
			then.call(e.deadlocks.endVain)
		}
		return next
	}
}

// requeueLocked dispatches a task for a further attempt, even if there is no room.
// delays.mu is held, so no other goroutine settles the task meanwhile. No queue is locked.
func (e *placing) requeueLocked(t *Task, then *after) {
	for {
		q, w := e.retryQueue(t)
		if q == nil { // the task was for a worker that has left
			e.shared.mu.Lock()
			e.dropUnqueuedLocked(e.shared, t, errWorkerGone, then)
			e.shared.mu.Unlock()
			return
		}
		q.mu.Lock()
		if q.gone || t.pinned() && w.leaving.Load() || q.owner != nil && !t.pinned() && e.passedOverLocked(q.owner) {
			q.mu.Unlock()
			continue
		}
		t.past().order = e.acceptedLocked(q)
		e.queueLocked(q, w, t)
		e.wakeForTaskLocked(q, w, then)
		q.mu.Unlock()
		return
	}
}

// boundTo returns the worker that makes the next attempt, or nil if dispatch chooses it.
func (t *Task) boundTo() *Worker {
	w, _ := t.past().bound.(*Worker)
	return w
}

// retryQueue returns the queue for the next attempt of a task, and the worker if the task
// is bound to one. The queue is nil if the task is pinned to a worker that has left.
func (e *placing) retryQueue(t *Task) (*taskQueue, *Worker) {
	v := e.roster.view.Load()
	if t.pinned() {
		w := t.boundTo()
		if w == nil || w.leaving.Load() {
			return nil, nil
		}
		return w.q, w
	}
	if e.late() || len(v.routees) == 0 {
		return e.shared, nil
	}
	if x := t.shunnedBy(); x != nil {
		w := e.besides(x, t, v)
		return w.q, w
	}
	switch e.dispatch.binding {
	case picked:
		w := t.boundTo()
		if w == nil || w.leaving.Load() || w.sidelined {
			w = onlyOne(v)
		}
		if w == nil || w.leaving.Load() {
			return e.shared, nil
		}
		return w.q, w
	case hashed:
		if t.key() != "" {
			w := e.dispatch.ofKey(t.key(), v)
			return w.q, w
		}
	}
	w, _ := e.dispatch.draw(v)
	return w.q, w
}

// besides returns the worker for a task that x shuns, under early binding: another one whose
// handler does not wait for the pool, since it might wait for this very task. If there is no
// such worker, it is x, or any worker if x is passed over. The view must not be empty.
func (e *placing) besides(x *Worker, t *Task, v *view) *Worker {
	var usual *Worker
	if e.dispatch.binding == hashed && t.key() != "" {
		usual = e.dispatch.ofKey(t.key(), v)
	} else {
		usual, _ = e.dispatch.draw(v)
	}
	first := slices.Index(v.eligible, usual)
	for i := range v.eligible {
		w := v.eligible[(first+i)%len(v.eligible)]
		if w != x && !e.deadlocks.waits(&w.hand) {
			return w
		}
	}
	if slices.Contains(v.eligible, x) {
		return x
	}
	return usual
}

// queueLocked puts a task that was accepted before into q, behind those of its priority. w
// is the worker that the task is bound to, or nil.
func (e *placing) queueLocked(q *taskQueue, w *Worker, t *Task) {
	state := t.load().with(queued).of(nobody)
	if w != nil {
		state = state.of(w.index)
	}
	t.state.Store(uint64(state))
	if w != nil && q.late != nil {
		w.pinLocked(q, t)
		return
	}
	if q.late != nil && t.shunnedBy() != nil {
		q.shunLocked(t)
		return
	}
	if state.hop() != 0 {
		q.moved++
	}
	q.pushLocked(t, t.priority())
	if t.due > 0 && q.late == nil { // its deadline may be in the queue of a worker that leaves
		e.setDeadlineLocked(q, t)
	}
	if q.owner == nil && q.late == nil {
		e.countOrphansLocked()
	}
}

// putBack queues the task of w whose attempt has just ended for a retry. The task is
// running until then, and others may have settled it.
func (e *placing) putBack(w *Worker) {
	h := &w.hand
	t, now := w.batch[w.at-1], w.runner.now
	var then after
	e.delays.mu.Lock()
	w.q.mu.Lock()
	h.mu.Lock() // so that a goroutine that settles the task from outside is done with the hand
	settled := h.interrupted
	switch {
	case settled:
	case e.noMoreRetries():
		e.settleUnretriedLocked(t, h, h.attempt.retry, &w.outcomes, &then)
	default:
		w.retried++
		e.delayLocked(t, h, w, now)
	}
	if !settled {
		w.batch[w.at-1] = nil
	}
	h.interrupted, h.cause = false, nil
	h.mu.Unlock()
	w.q.mu.Unlock()
	e.delays.mu.Unlock()
	h.attempt = attempt{}
	if settled {
		t.body.Released()
		t.disown()
	}
	e.handlerReturned(w)
	then.run(e.sched)
	e.releaseDueNow()
}
