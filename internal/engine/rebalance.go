package engine

// This file moves queued tasks between workers while the world is stopped. Moved tasks may
// exceed a worker's share.

// dealing is the layer that moves queued tasks between workers.
type dealing struct{ backpressure }

// handBackLocked gives tasks that have lost their worker to other workers, in order of
// acceptance. It drops pinned tasks, and all tasks if the pool has dropped its queue.
func (e *dealing) handBackLocked(tasks []*Task, then *after) {
	if len(tasks) == 0 {
		return
	}
	if e.dispatch.binding == picked {
		tasks = append(tasks, e.takeOrphansLocked()...)
	}
	sortByOrder(tasks)
	for _, t := range tasks {
		switch {
		case e.dropped.Load():
			e.dropLocked(e.shared, t, errDroppedByStop, then)
		case t.pinned():
			e.dropLocked(e.shared, t, errWorkerGone, then)
		default:
			e.dealLocked(t, then)
		}
	}
	then.call(e.EndVainWaits)
}

// dealLocked dispatches a task that is in no queue.
func (e *dealing) dealLocked(t *Task, then *after) {
	v := e.roster.view.Load()
	var w *Worker
	switch {
	case e.late() || len(v.routees) == 0:
	case t.shunnedBy() != nil:
		w = e.besides(t.shunnedBy(), t, v)
	case e.dispatch.binding == picked:
		w = onlyOne(v)
	case e.dispatch.binding == hashed && t.key() != "":
		w = e.dispatch.ofKey(t.key(), v)
	default:
		w = e.drawAwakeLocked(v)
	}
	q := e.shared
	if w != nil {
		q = w.q
	}
	if e.late() {
		q.insertLocked(t)
		then.wake(q.late.wakeLocked(q))
		return
	}
	e.queueLocked(q, w, t)
	e.wakeForTaskLocked(q, w, then)
}

// drawAwakeLocked draws a worker whose handler does not wait for the pool, since it might
// wait for this very task. If all handlers wait, it draws any worker.
func (e *dealing) drawAwakeLocked(v *view) *Worker {
	w, _ := e.dispatch.draw(v)
	for range v.eligible {
		if !e.deadlocks.waits(&w.hand) {
			break
		}
		w, _ = e.dispatch.draw(v)
	}
	return w
}

// rebalanceLocked moves keyed tasks to the workers of their keys after a change of the
// workers. It takes one pass over the queued tasks, however many workers have come or gone.
// Tasks without a key stay where they are, as do retries for another worker than that of their
// key.
func (e *dealing) rebalanceLocked(then *after) {
	v := e.roster.view.Load()
	if e.dispatch.binding != hashed || len(v.routees) == 0 {
		return
	}
	var moving []*Task
	for _, w := range v.routees {
		q := w.q
		w.recallLocked(q)
		q.rings.Filter(func(t *Task) bool {
			if !isQueued(t) || t.key() == "" || t.pinned() || t.shunnedBy() != nil || e.dispatch.ofKey(t.key(), v) == w {
				return true
			}
			if t.load().hop() != 0 {
				q.moved--
			}
			moving = append(moving, t)
			return false
		})
		q.lowerLocked()
	}
	if len(moving) == 0 {
		return
	}
	sortByOrder(moving)
	for _, t := range moving {
		e.dealLocked(t, then)
	}
	then.call(e.EndVainWaits)
	e.readdressWaitersLocked()
}

// rescue hands on the tasks that a worker has returned to its queue after that queue was
// emptied. They were in its batch and had been moved too often to be recalled.
func (e *dealing) rescue(w *Worker) {
	e.world(func(then *after) {
		tasks := w.takePinsLocked(w.q)
		if w.q.owner != nil || e.dropped.Load() {
			tasks = append(tasks, w.q.takeAllLocked()...)
		}
		e.handBackLocked(tasks, then)
	})
	e.progressed()
}

// EndVainWaits ends the waits of handlers for their own pool if a change of the workers has
// made one of them vain. It is called when a worker is gone and its successor, if any, has
// joined, and when tasks have moved to other workers.
func (e *dealing) EndVainWaits() { e.deadlocks.endVain() }

// takeOrphansLocked takes the orphans out of the shared queue. If only one worker is left
// for them, it also takes the tasks of that worker, so that all can be queued in order.
func (e *dealing) takeOrphansLocked() []*Task {
	tasks := e.shared.takeAllLocked()
	e.orphans.Store(0)
	if w := onlyOne(e.roster.view.Load()); w != nil && !w.leaving.Load() {
		w.recallLocked(w.q)
		tasks = append(tasks, w.q.takeUnpinnedLocked()...)
	}
	return tasks
}

// adoptOrphansLocked binds the orphans to the workers that there are now.
func (e *dealing) adoptOrphansLocked(then *after) {
	if e.late() || e.shared.rings.Len() == 0 {
		return
	}
	if e.dispatch.binding == picked && onlyOne(e.roster.view.Load()) == nil {
		then.call(e.wakeIdle)
		return
	}
	tasks := e.takeOrphansLocked()
	sortByOrder(tasks)
	for _, t := range tasks {
		e.dealLocked(t, then)
	}
}

// dealOrphan binds the first orphan to w, which is about to look for a task, unless w has a
// task that comes first. It is used with custom dispatch only.
func (e *dealing) dealOrphan(w *Worker) {
	if e.dispatch.binding != picked {
		return
	}
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	if w.q.paused || w.suspended || w.leaving.Load() || w.abandoned.Load() || w.rare != nil && w.rare.breaker == breakerOpen {
		return
	}
	t := e.shared.peekLocked()
	if t == nil {
		e.countOrphansLocked()
		return
	}
	if w.batch != nil && w.at < len(w.batch) {
		return
	}
	if own := w.q.peekLocked(); own != nil && own.before(t) {
		return
	}
	e.shared.rings.Pop()
	e.shared.lowerLocked()
	e.countOrphansLocked()
	state := t.load()
	if state.hop() != 0 {
		e.shared.moved--
	}
	if !t.swap(state, state.of(w.index)) {
		return // cannot happen: settling the orphan needs the lock of the shared queue
	}
	w.q.rings.PushFront(t, t.priority())
	w.q.raiseLocked(t.priority())
	if state.hop() != 0 {
		w.q.moved++
	}
}
