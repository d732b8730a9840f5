package router

import (
	"github.com/asynkron/protoactor-go/actor"
)

// The workers that take tasks are the routees. Those of them that are sidelined for
// a while are left out of the choice, which is what tasks are dispatched among: a
// worker whose breaker is open or that waits for a delayed restart. Where all are
// sidelined, the choice is all of them: their tasks wait.

// setRouteesLocked replaces the workers that take tasks, in dispatch order. The slice
// must never be changed, but for what is beyond its length.
func (r *Router) setRouteesLocked(workers []*Worker) {
	r.routees.Store(&workers)
	r.chooseLocked()
}

// choiceLocked is the choice, up to date.
func (r *Router) choiceLocked() []*Worker {
	if r.stale {
		r.stale = false
		r.chooseLocked()
	}
	return *r.choice.Load()
}

// chooseLocked makes the choice anew.
func (r *Router) chooseLocked() {
	routees := r.routees.Load()
	if r.sidelined == 0 {
		r.choice.Store(routees)
		return
	}
	var choice []*Worker
	for _, w := range *routees {
		if !w.sidelined {
			choice = append(choice, w)
		}
	}
	if len(choice) == 0 {
		choice = *routees
	}
	r.choice.Store(&choice)
}

// sideLocked brings sidelined up to date, after a change of what it depends on.
func (r *Router) sideLocked(w *Worker) {
	sidelined := w.routed && (w.delayed || w.breaker == breakerOpen ||
		w.breaker == breakerTrial && (w.taken || w.own.Len() > 0))
	if sidelined == w.sidelined {
		return
	}
	w.sidelined = sidelined
	if sidelined {
		r.sidelined++
	} else {
		r.sidelined--
	}
	if _, eager := r.picker.(custom); eager { // it looks at the choice without the lock
		r.chooseLocked()
		return
	}
	r.stale = true
}

// chosenLocked is called when w got a task or is rid of one: while it is on trial it
// is in the choice only without one.
func (w *Worker) chosenLocked() {
	if w.breaker == breakerTrial {
		w.router.sideLocked(w)
	}
}

// benchLocked sidelines a worker: its queue goes to others.
func (r *Router) benchLocked(w *Worker, then *after) {
	w.refreshLocked()
	r.sideLocked(w)
	r.recallLocked(w)
	r.handBackLocked(w, then)
	r.keepOneLocked(then)
}

// readmitLocked has a worker in the choice again, and gives it its share: its keys,
// and what is queued for workers that are sidelined since there was no other.
func (r *Router) readmitLocked(w *Worker, then *after) {
	w.refreshLocked()
	r.sideLocked(w)
	r.relieveLocked(then)
	r.rebalanceLocked(then)
	if w.own.Len() > 0 && w.able && !r.paused {
		then.schedule(w.unparkLocked())
	}
	then.schedule(r.wakeLocked())
}

// relieveLocked gives what is queued for workers that are sidelined, since there was
// no other, to the choice.
func (r *Router) relieveLocked(then *after) {
	if r.sidelined == 0 || r.own == 0 || r.sidelined == len(*r.routees.Load()) {
		return
	}
	var cells []*Cell
	for _, w := range *r.routees.Load() {
		if w.sidelined && w.breaker != breakerTrial {
			cells = append(cells, w.takeOwnLocked()...)
		}
	}
	r.moveLocked(r.withSharedLocked(cells), then)
}

// unsideLocked forgets that a worker that leaves is sidelined.
func (r *Router) unsideLocked(w *Worker) {
	w.delayed, w.breaker = false, breakerClosed
	if w.cooling.Set() {
		r.endAlarmLocked(&w.cooling)
	}
	r.sideLocked(w)
}

// Sideline leaves a worker that has failed out of the choice until it has been
// restarted, which will be a while.
func (r *Router) Sideline(pid *actor.PID) {
	var then after
	r.mu.Lock()
	if w := r.byID[pid.Id]; w != nil && w.suspended && !w.leaving {
		w.delayed = true
		r.benchLocked(w, &then)
	}
	r.mu.Unlock()
	then.run()
}
