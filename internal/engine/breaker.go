package engine

import "github.com/troupe-go/troupe/messages"

// judgeBreaker opens or closes the breaker of a worker that has returned its batch.
func (e *membership) judgeBreaker(w *Worker) {
	e.world(func(then *after) {
		x := w.rareLocked()
		trial := x.breaker == breakerTrial
		switch {
		case w.leaving.Load():
		case trial && w.failures == 0:
			x.breaker = breakerClosed
			e.readmitLocked(w, then)
			then.call(func() { e.notify(&messages.BreakerClosed{Pool: e.name, Worker: w.pid}) })
		case (trial && w.failures > 0 || x.breaker == breakerClosed && e.tripped(w)) && e.othersLocked(w):
			e.openBreakerLocked(w, then)
		case trial: // its probe was not conclusive, or no other worker is left
			e.sideLocked(w)
			e.relieveLocked(then)
		}
	})
	e.progressed()
}

func (e *membership) openBreakerLocked(w *Worker, then *after) {
	x, failures := w.rare, int(w.failures)
	x.breaker = breakerOpen
	until := later(e.now(), e.cfg.Breaker.Cooldown)
	x.cooling.Value = cooled{e, w}
	e.timer.addAlarm(&x.cooling, until)
	e.sidelineLocked(w, then)
	then.call(func() {
		e.notify(&messages.BreakerOpened{Pool: e.name, Worker: w.pid, Failures: failures, Until: e.timeOf(until)})
	})
}

// othersLocked reports whether there is a worker besides w that is not sidelined.
func (e *membership) othersLocked(w *Worker) bool {
	for _, other := range e.roster.view.Load().routees {
		if other != w && !other.sidelined {
			return true
		}
	}
	return false
}

// cooled is the alarm that ends the cooldown of a worker.
type cooled struct {
	engine *membership
	worker *Worker
}

// due implements alarm.
func (a cooled) due(int64) {
	e := a.engine
	e.world(func(then *after) {
		if w := a.worker; w.rare.breaker == breakerOpen && !w.leaving.Load() {
			e.tryLocked(w, then)
		}
	})
}
