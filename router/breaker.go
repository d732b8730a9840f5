package router

import (
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Breaker leaves a worker out of the choice that keeps failing. After the cooldown
// it is given one task, its probe: if that succeeds the worker is in the choice
// again, else it is left out for another cooldown. The last worker is never left
// out. A broadcast task for a worker that is left out waits for it.
type Breaker struct {
	// Failures is after how many attempts in a row that failed, panicked or timed out
	// in its hand a worker is left out, at least 1.
	Failures int
	// Cooldown is how long, more than 0.
	Cooldown time.Duration
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the values
// make no sense.
func (b Breaker) Validate() error {
	switch {
	case b.Failures < 1:
		return invalid.Option("breaker after %d failures < 1", b.Failures)
	case b.Cooldown <= 0:
		return invalid.Option("breaker cooldown %v <= 0", b.Cooldown)
	}
	return nil
}

// breakerState is that of a worker's breaker.
type breakerState int8

const (
	breakerClosed breakerState = iota // in the choice
	breakerOpen                       // takes no task
	breakerTrial                      // takes one task, and is in the choice until it has it
)

// noteOutcome counts failures in a row. It is for the worker's goroutine. A worker
// whose breaker is to open takes no further task of its batch.
func (w *Worker) noteOutcome(outcome messages.Outcome) {
	switch outcome {
	case messages.Succeeded:
		w.failures = 0
	case messages.Failed, messages.Panicked, messages.TimedOut, messages.Quarantined:
		w.failures = max(w.failures, 0) + 1
		w.lastOfBatch = w.lastOfBatch || w.tripped()
	}
}

// tripped reports whether the worker has failed often enough to be left out. It is
// for the worker's goroutine.
func (w *Worker) tripped() bool {
	limit := w.router.cfg.Breaker.Failures
	return limit > 0 && w.failures >= limit
}

// breakerLocked opens or closes the breaker of a worker that has put a task down.
func (r *Router) breakerLocked(w *Worker, now int64, then *after) {
	switch {
	case w.leaving:
	case w.breaker == breakerTrial && w.failures == 0:
		w.breaker = breakerClosed
		r.readmitLocked(w, then)
		r.notifyAfter(then, &messages.BreakerClosed{Pool: r.cfg.Name, Worker: w.pid})
	case (w.breaker == breakerTrial && w.failures > 0 || w.breaker == breakerClosed && w.tripped()) && r.othersLocked(w):
		w.breaker = breakerOpen
		until := later(now, r.cfg.Breaker.Cooldown)
		w.cooling.Value = cooled{w}
		r.alarms.Add(&w.cooling, until)
		r.setTimerLocked()
		r.benchLocked(w, then)
		r.notifyAfter(then, &messages.BreakerOpened{
			Pool: r.cfg.Name, Worker: w.pid, Failures: w.failures, Until: r.timeOf(until),
		})
	case w.breaker == breakerTrial: // its probe told nothing, or it is the last
		w.chosenLocked()
		r.relieveLocked(then)
	}
}

// othersLocked reports whether there is a worker besides w that is not sidelined.
func (r *Router) othersLocked(w *Worker) bool {
	others := len(*r.routees.Load()) - r.sidelined
	if !w.sidelined {
		others--
	}
	return others > 0
}

// keepOneLocked puts a worker on trial before its time if no other is left in the
// choice.
func (r *Router) keepOneLocked(then *after) {
	routees := *r.routees.Load()
	if len(routees) == 0 || r.sidelined < len(routees) {
		return
	}
	for _, w := range routees {
		if w.breaker == breakerOpen && !w.delayed {
			r.endAlarmLocked(&w.cooling)
			cooled{w}.ringLocked(r, 0, then)
			return
		}
	}
}

// cooled is the alarm of a worker whose cooldown is over: it is put on trial.
type cooled struct{ *Worker }

func (a cooled) ringLocked(r *Router, _ int64, then *after) {
	a.breaker, a.failures = breakerTrial, -1 // its goroutine has no task, so it does not touch failures
	r.readmitLocked(a.Worker, then)
}
