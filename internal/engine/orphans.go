package engine

// takeOrphansLocked takes the tasks out of the shared queue that have lost their worker
// and, if one worker is left for them, those that it has, so that all can be queued in
// order.
func (e *dealing) takeOrphansLocked() []*Task {
	tasks := e.shared.takeAllLocked()
	e.orphans.Store(0)
	if w := onlyOne(e.roster.view.Load()); w != nil && !w.leaving.Load() {
		w.recallLocked(w.q)
		tasks = append(tasks, w.q.takeUnpinnedLocked()...)
	}
	return tasks
}

// adoptOrphansLocked binds the tasks that were accepted while there was no worker to
// bind them to.
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

// dealOrphan binds the first task of the shared queue to w, which is about to look for
// a task, unless w has one that comes before it.
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
		return // only the lock of its queue lets others settle it, so this cannot happen
	}
	w.q.rings.PushFront(t, t.priority())
	w.q.raiseLocked(t.priority())
	if state.hop() != 0 {
		w.q.moved++
	}
}
