package engine

import (
	"cmp"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// This file adds workers to the pool and removes them.

// spawned records a worker that has been spawned and has not joined.
func (e *membership) spawned(w *Worker) {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	e.roster.outside[w.hand.worker] = w
}

// Join lets a spawned worker read its messages and take tasks.
func (e *membership) Join(pid *actor.PID) {
	if w := e.takeSpawned(pid); w != nil {
		e.join(w)
	}
}

// Discard ends a spawned worker that will not join.
func (e *membership) Discard(pid *actor.PID) {
	if w := e.takeSpawned(pid); w != nil {
		w.runs.discard()
	}
}

// takeSpawned returns a worker that has been spawned and has not joined; nil: there is none
// with that PID.
func (e *membership) takeSpawned(pid *actor.PID) *Worker {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	w := e.roster.outside[pid.Id]
	delete(e.roster.outside, pid.Id)
	return w
}

func (e *membership) join(w *Worker) {
	var then after
	if !e.enroll(w, &then) {
		e.stopWorld(func() { e.admitJoinedLocked(&then) })
	}
	then.run(e.sched)
	e.progressed()
}

// enroll gives a worker its place in the roster. It reports whether a resize is under way:
// then EndResize takes the worker into dispatch.
func (e *membership) enroll(w *Worker, then *after) (resizing bool) {
	r := e.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if w.q.owner != nil {
		w.q.mu.Lock()
		defer w.q.mu.Unlock()
		w.q.refusal, w.q.paused = e.shared.refusal, e.shared.paused
	}
	r.enrollLocked(w)
	r.joining = append(r.joining, w)
	w.started = true
	w.refreshLocked(w.q)
	if w.unparkLocked(w.q) { // its Started message waits
		then.wake(w)
	}
	return r.resizing
}

// BeginResize announces that many workers may join. They get tasks of their own when
// EndResize is called.
func (e *membership) BeginResize() {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	e.roster.resizing = true
}

// EndResize takes the workers that have joined since BeginResize into dispatch.
func (e *membership) EndResize() {
	e.world(func(then *after) {
		e.roster.resizing = false
		e.admitJoinedLocked(then)
	})
	e.progressed()
}

// admitJoinedLocked takes the workers that have joined into dispatch.
func (e *membership) admitJoinedLocked(then *after) {
	r := e.roster
	if len(r.joining) == 0 {
		return
	}
	for _, w := range r.joining {
		w.routed = true
	}
	routees := slices.Concat(r.view.Load().routees, r.joining)
	r.joining = nil
	e.setRouteesLocked(routees)
	e.adoptOrphansLocked(then)
	e.relieveLocked(then)
	e.rebalanceLocked(then)
	e.admitWaitingLocked(then)
}

// leave takes w out of dispatch for good and gives its queued tasks to other workers.
func (e *membership) leave(w *Worker) {
	if w.leaving.Load() {
		return
	}
	e.world(func(then *after) { e.leaveLocked(w, then) })
	e.progressed()
}

func (e *membership) leaveLocked(w *Worker, then *after) {
	if w.leaving.Load() {
		return
	}
	if w.routed {
		// The last worker moves into the gap, so that consistent hashing moves the keys of
		// at most two workers.
		routees := slices.Clone(e.roster.view.Load().routees)
		last := len(routees) - 1
		routees[slices.Index(routees, w)] = routees[last]
		e.setRouteesLocked(routees[:last])
	}
	e.departLocked([]*Worker{w}, then)
}

// departLocked removes workers that are no longer in dispatch, or not yet.
func (e *membership) departLocked(workers []*Worker, then *after) {
	var tasks []*Task
	for _, w := range workers {
		w.routed = false
		w.leaving.Store(true)
		w.endShunningLocked()
		w.recallLocked(w.q)
		w.refreshLocked(w.q)
		e.forgetSidelinedLocked(w)
		if w.q.owner != nil {
			w.q.gone = true
			tasks = append(tasks, w.q.takeAllLocked()...)
		}
		tasks = append(tasks, w.takePinsLocked(w.q)...)
		w.loseCopiesLocked(then)
	}
	e.roster.joining = slices.DeleteFunc(e.roster.joining, func(w *Worker) bool { return w.leaving.Load() })
	e.setRouteesLocked(e.roster.view.Load().routees) // one of the workers may have been sidelined
	e.handBackLocked(tasks, then)
	e.rebalanceLocked(then)
	e.keepOneLocked(then)
	if e.orphans.Load() > 0 {
		then.call(e.wakeIdle) // one of the workers may have been woken for an orphan
	}
	e.readdressWaitersLocked()
	e.admitWaitingLocked(then)
}

// Retire takes all but stay workers out of dispatch and returns their PIDs. Sidelined
// workers go first, then the last ones. The retired
// workers finish what they have in hand.
func (e *membership) Retire(stay int) (pids []*actor.PID) {
	e.world(func(then *after) {
		routees := e.roster.view.Load().routees
		stay = min(stay, len(routees)) // workers may have left meanwhile
		if stay == len(routees) {
			return
		}
		workers := slices.Clone(routees)
		slices.SortStableFunc(workers, func(a, b *Worker) int { return cmp.Compare(lastIf(a.sidelined), lastIf(b.sidelined)) })
		leaving := workers[stay:]
		e.setRouteesLocked(slices.Clip(workers[:stay]))
		e.departLocked(leaving, then)
		for _, w := range leaving {
			pids = append(pids, w.pid)
		}
	})
	e.progressed()
	return pids
}

// lastIf returns a sort key that puts sidelined workers last.
func lastIf(sidelined bool) int {
	if sidelined {
		return 1
	}
	return 0
}

// RetireWorker takes the worker with the given PID, or the worker that stands for the actor
// with that PID, out of dispatch. It returns the worker's PID, or nil if there is none.
func (e *membership) RetireWorker(pid *actor.PID) (retired *actor.PID) {
	e.world(func(then *after) {
		for _, w := range e.roster.view.Load().routees {
			if w.address().Equal(pid) {
				e.leaveLocked(w, then)
				retired = w.pid
				return
			}
		}
	})
	e.progressed()
	return retired
}

// Remove forgets a worker that has stopped. It reports whether the worker had finished or
// settled any attempt, whether its handler was abandoned, and whether it stopped to be
// recycled.
func (e *membership) Remove(pid *actor.PID) (worked, abandoned, recycled bool) {
	r := e.roster
	r.mu.Lock()
	w := r.byID[pid.Id]
	r.mu.Unlock()
	if w == nil {
		return false, false, false
	}
	e.leave(w) // a no-op unless the worker stopped without a Stop message; likewise the next
	e.cancelHeld(w)
	e.forgetLimits(w)
	for _, message := range e.strike(w) {
		e.deliver.DeadLetter(pid, message)
	}
	e.isBack(w)
	e.progressed()
	return w.worked.Load(), w.abandoned.Load(), w.recycled.Load()
}

// strike adds what a worker has done to roster.departed, and forgets the worker. It returns
// the messages that the worker has not read.
func (e *membership) strike(w *Worker) (mail []any) {
	r := e.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	r.strikeLocked(w)
	d := &r.departed
	outcomes := w.outcomes
	w.addBatchLocked(&outcomes) // of an abandoned worker
	d.outcomes.add(&outcomes)
	worked := w.retried > 0
	for _, n := range outcomes {
		worked = worked || n > 0
	}
	w.worked.Store(worked)
	if w.q.owner != nil {
		d.submitted += w.q.submitted
		d.outcomes.add(&w.q.unstarted)
	}
	d.restarts += w.restarts
	w.hand.reportTo(&e.counters)
	return w.runs.takeMailLocked()
}
