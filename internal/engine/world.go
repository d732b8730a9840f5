package engine

// The world of a pool is everything that the locks of its queues guard. Operations that are
// rare and concern several queues stop the world: changes of the workers, pause, drain,
// finish, close, snapshots. Senders and workers that arrive meanwhile wait. Claimed tasks go on.
//
// The order of the locks:
//
//	roster.mu < waitList.mu < delays.mu < race.mu < shared.mu < taskQueue.mu of the
//	workers, in the order of roster.workers < callerRuns.mu, hand.mu, scheduler.mu <
//	watchdog.mu, counters.mu < all others
//
// A goroutine that holds a lock may acquire only locks further to the right. User code is
// never called under a lock.

// world stops the world for f and then does what f has left for later.
func (e *core) world(f func(then *after)) {
	var then after
	e.stopWorld(func() { f(&then) })
	then.run(e.sched)
}

// stopWorld runs f while the world is stopped.
func (e *core) stopWorld(f func()) {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	e.delays.mu.Lock()
	defer e.delays.mu.Unlock()
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if e.late() {
		f()
		return
	}
	for _, w := range e.roster.workers {
		w.q.mu.Lock()
		e.roster.stopped = append(e.roster.stopped, w.q)
	}
	defer func() {
		for i, q := range e.roster.stopped {
			q.mu.Unlock()
			e.roster.stopped[i] = nil
		}
		e.roster.stopped = e.roster.stopped[:0]
	}()
	f()
}

// withShared calls f while the shared queue, and q if that is another one, are locked.
func (e *core) withShared(q *taskQueue, f func()) {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if q != e.shared {
		q.mu.Lock()
		defer q.mu.Unlock()
	}
	f()
}

// queuesLocked calls f with every queue. The world must be stopped.
func (e *core) queuesLocked(f func(*taskQueue)) {
	f(e.shared)
	if e.late() {
		return
	}
	for _, w := range e.roster.workers {
		f(w.q)
	}
}

// queues returns all queues, for callers that do not need them all at one moment.
func (e *core) queues() []*taskQueue {
	queues := []*taskQueue{e.shared}
	if e.late() {
		return queues
	}
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	for _, w := range e.roster.workers {
		queues = append(queues, w.q)
	}
	return queues
}

// sideLocked updates sidelined after a change of what it depends on.
func (e *core) sideLocked(w *Worker) {
	x := w.rare
	sidelined := x != nil && w.routed && (x.delayed || x.slow || x.breaker == breakerOpen ||
		x.breaker == breakerTrial && (w.busyLocked() || w.q.owner != nil && w.q.exactLocked() > 0))
	if sidelined == w.sidelined {
		return
	}
	w.sidelined = sidelined
	e.setRouteesLocked(e.roster.view.Load().routees)
}

// tripped reports whether a worker has failed often enough to be sidelined.
func (e *core) tripped(w *Worker) bool { return int(w.failures) >= e.cfg.Breaker.Failures }
