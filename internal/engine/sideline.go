package engine

import (
	"github.com/asynkron/protoactor-go/actor"
)

// A worker is sidelined while its breaker is open, while it has its probe, and while it
// waits for a delayed restart. Dispatch passes sidelined workers over; if all are
// sidelined, all are eligible, and their tasks wait.

// Sideline excludes a worker that has failed from dispatch until it has been restarted,
// which will be a while.
func (e *Engine) Sideline(pid *actor.PID) {
	e.world(func(then *after) {
		if w := e.roster.byID[pid.Id]; w != nil && w.suspended && !w.leaving.Load() {
			w.rareLocked().delayed = true
			e.sidelineLocked(w, then)
		}
	})
	e.progressed()
}

// readmit ends that.
func (e *Engine) readmit(w *Worker) {
	e.world(func(then *after) {
		if w.rare.delayed {
			w.rare.delayed = false
			e.readmitLocked(w, then)
		}
	})
	e.progressed()
}

// sideLocked brings sidelined up to date, after a change of what it depends on.
func (e *Engine) sideLocked(w *Worker) {
	x := w.rare
	sidelined := x != nil && w.routed && (x.delayed || x.breaker == breakerOpen ||
		x.breaker == breakerTrial && (w.hasTaskLocked() || w.q.owner != nil && w.q.exactLocked() > 0))
	if sidelined == w.sidelined {
		return
	}
	w.sidelined = sidelined
	e.setRouteesLocked(e.roster.view.Load().routees)
}

// sideIfOnTrial sidelines a worker on trial that has got its probe.
func (e *Engine) sideIfOnTrial(w *Worker) {
	e.world(func(*after) { e.sideLocked(w) })
}

// onTrialLocked reports whether the worker has a trial, for which one task is enough.
func (w *Worker) onTrialLocked() bool { return w.rare != nil && w.rare.breaker == breakerTrial }

// sidelineLocked passes a worker over from now on: its queue goes to others.
func (e *Engine) sidelineLocked(w *Worker, then *after) {
	w.refreshLocked(w.q)
	e.sideLocked(w)
	w.recallLocked(w.q)
	if w.q.owner != nil {
		e.handBackLocked(e.withoutPinned(w.q), then)
		e.rebalanceLocked(then)
	}
	e.keepOneLocked(then)
}

// withoutPinned takes the tasks out of a queue that other workers may do.
func (e *Engine) withoutPinned(q *taskQueue) (tasks []*Task) {
	for _, t := range q.takeAllLocked() {
		if t.pinned() {
			q.pushLocked(t, t.priority())
			if t.load().hop() != 0 {
				q.moved++
			}
		} else {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// readmitLocked has a worker get tasks again, and gives it its share: its keys, and
// what is queued for workers that are sidelined since there was no other.
func (e *Engine) readmitLocked(w *Worker, then *after) {
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

// relieveLocked gives what is queued for workers that are sidelined, since there was no
// other, to those that are not.
func (e *Engine) relieveLocked(then *after) {
	v := e.roster.view.Load()
	if v.aside == nil || e.late() {
		return
	}
	var tasks []*Task
	for i, w := range v.routees {
		if v.aside[i] && w.rare.breaker != breakerTrial {
			tasks = append(tasks, e.withoutPinned(w.q)...)
		}
	}
	e.handBackLocked(tasks, then)
}

// forgetSidelinedLocked forgets that a worker that leaves is sidelined.
func (e *Engine) forgetSidelinedLocked(w *Worker) {
	w.sidelined = false
	if x := w.rare; x != nil {
		x.delayed, x.breaker = false, breakerClosed
		e.timer.removeAlarm(&x.cooling)
	}
}
