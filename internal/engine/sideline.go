package engine

import "github.com/asynkron/protoactor-go/actor"

// A worker is sidelined while its breaker is open, while it runs its probe, while it waits for
// a delayed restart, and while it takes long to make its state. Dispatch skips sidelined workers. If all are sidelined, all
// are eligible, and their tasks wait.

// Sideline excludes a worker that has failed from dispatch until it has been restarted. Use
// it for a delayed restart.
func (e *membership) Sideline(pid *actor.PID) {
	e.world(func(then *after) {
		if w := e.roster.byID[pid.Id]; w != nil && w.suspended && !w.leaving.Load() {
			w.rareLocked().delayed = true
			e.sidelineLocked(w, then)
		}
	})
	e.progressed()
}

// readmit takes a worker back into dispatch after its delayed restart or its slow start.
func (e *membership) readmit(w *Worker) {
	e.world(func(then *after) {
		if w.rare.delayed || w.rare.slow {
			w.rare.delayed, w.rare.slow = false, false
			e.readmitLocked(w, then)
		}
	})
	e.progressed()
}

// sidelineLocked excludes a worker from dispatch and gives its queued tasks to others.
func (e *membership) sidelineLocked(w *Worker, then *after) {
	w.refreshLocked(w.q)
	e.sideLocked(w)
	w.recallLocked(w.q)
	if w.q.owner != nil {
		e.handBackLocked(w.q.takeUnpinnedLocked(), then)
		e.rebalanceLocked(then)
	}
	e.keepOneLocked(then)
}

// readmitLocked gives a worker tasks again, and its part of those that are queued: the
// tasks of its keys, and tasks of workers that are sidelined and kept theirs because all
// were.
func (e *membership) readmitLocked(w *Worker, then *after) {
	w.refreshLocked(w.q)
	e.sideLocked(w)
	e.relieveLocked(then)
	e.rebalanceLocked(then)
	if w.wakeOwnLocked(w.q) {
		then.wake(w)
	}
	if e.orphans.Load() > 0 {
		then.call(e.wakeIdle)
	}
	e.admitWaitingLocked(then)
}

// relieveLocked moves the tasks of sidelined workers to workers that are not. A worker
// keeps its tasks while all workers are sidelined.
func (e *membership) relieveLocked(then *after) {
	v := e.roster.view.Load()
	if v.aside == nil || e.late() {
		return
	}
	var tasks []*Task
	for i, w := range v.routees {
		if v.aside[i] && w.rare.breaker != breakerTrial {
			tasks = append(tasks, w.q.takeUnpinnedLocked()...)
		}
	}
	e.handBackLocked(tasks, then)
}

// forgetSidelinedLocked clears the reasons to sideline a worker that leaves.
func (e *membership) forgetSidelinedLocked(w *Worker) {
	w.sidelined = false
	if x := w.rare; x != nil {
		x.delayed, x.slow, x.breaker = false, false, breakerClosed
		e.timer.removeAlarm(&x.cooling)
	}
}

// keepOneLocked starts the trial of one worker early if all are sidelined.
func (e *membership) keepOneLocked(then *after) {
	routees := e.roster.view.Load().routees
	for _, w := range routees {
		if !w.sidelined {
			return
		}
	}
	for _, w := range routees {
		if x := w.rare; x != nil && x.breaker == breakerOpen && !x.delayed && e.timer.removeAlarm(&x.cooling) {
			e.tryLocked(w, then)
			return
		}
	}
}

// tryLocked puts a worker on trial after its cooldown. The worker's goroutine has no task,
// so it does not use failures meanwhile.
func (e *membership) tryLocked(w *Worker, then *after) {
	w.rare.breaker, w.failures = breakerTrial, -1
	e.readmitLocked(w, then)
}
