package engine

import "github.com/troupe-go/troupe/messages"

// A breakerState is that of a worker's breaker.
type breakerState int8

const (
	breakerClosed breakerState = iota // dispatch as usual
	breakerOpen                       // the worker takes no task
	breakerTrial                      // it takes one task, and is sidelined while it has it
)

// noteOutcome counts failures in a row. A worker whose breaker is to open takes no
// further task of its batch. It is for the goroutine that runs the worker.
func (w *Worker) noteOutcome(outcome messages.Outcome) {
	if w.engine.cfg.Breaker.Failures == 0 {
		return
	}
	switch outcome {
	case messages.Succeeded:
		w.failures = 0
	case messages.Failed, messages.Panicked, messages.TimedOut, messages.Quarantined:
		w.failures = max(w.failures, 0) + 1
		if w.tripped() {
			w.poke.Store(true)
		}
	}
}

// tripped reports whether the worker has failed often enough to be sidelined.
func (w *Worker) tripped() bool { return int(w.failures) >= w.engine.cfg.Breaker.Failures }

// breakerActsLocked reports whether the breaker must be looked at, now that the worker
// has put its tasks down.
func (w *Worker) breakerActsLocked() bool {
	if w.engine.cfg.Breaker.Failures == 0 {
		return false
	}
	return w.tripped() || w.rare != nil && w.rare.breaker != breakerClosed
}

// judgeBreaker opens or closes the breaker of a worker that has put a task down.
func (e *Engine) judgeBreaker(w *Worker) {
	e.world(func(then *after) {
		x := w.rareLocked()
		trial := x.breaker == breakerTrial
		switch {
		case w.leaving.Load():
		case trial && w.failures == 0:
			x.breaker = breakerClosed
			e.readmitLocked(w, then)
			then.call(func() { e.notify(&messages.BreakerClosed{Pool: e.cfg.Name, Worker: w.pid}) })
		case (trial && w.failures > 0 || x.breaker == breakerClosed && w.tripped()) && e.othersLocked(w):
			e.openBreakerLocked(w, then)
		case trial: // its probe told nothing, or it is the last
			e.sideLocked(w)
			e.relieveLocked(then)
		}
	})
	e.progressed()
}

func (e *Engine) openBreakerLocked(w *Worker, then *after) {
	x, failures := w.rare, int(w.failures)
	x.breaker = breakerOpen
	until := later(e.now(), e.cfg.Breaker.Cooldown)
	x.cooling.Value = cooled{w}
	e.timer.addAlarm(e, &x.cooling, until)
	e.sidelineLocked(w, then)
	then.call(func() {
		e.notify(&messages.BreakerOpened{Pool: e.cfg.Name, Worker: w.pid, Failures: failures, Until: e.timeOf(until)})
	})
}

// othersLocked reports whether there is a worker besides w that is not sidelined.
func (e *Engine) othersLocked(w *Worker) bool {
	for _, other := range e.roster.view.Load().routees {
		if other != w && !other.sidelined {
			return true
		}
	}
	return false
}

// keepOneLocked puts a worker on trial before its time if all are sidelined.
func (e *Engine) keepOneLocked(then *after) {
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

// tryLocked puts a worker on trial whose cooldown is over. Its goroutine has no task,
// so it does not touch failures.
func (e *Engine) tryLocked(w *Worker, then *after) {
	w.rare.breaker, w.failures = breakerTrial, -1
	e.readmitLocked(w, then)
}

// cooled is the alarm of a worker whose cooldown is over.
type cooled struct{ worker *Worker }

func (a cooled) due(e *Engine, _ int64, _ *after) {
	e.world(func(then *after) {
		if w := a.worker; w.rare.breaker == breakerOpen && !w.leaving.Load() {
			e.tryLocked(w, then)
		}
	})
}
