package engine

import (
	"time"

	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
)

// expire abandons a handler that ignores its cancellation. If too many handlers are
// abandoned already, it sets another alarm for the handler instead.
func (e *membership) expire(wt *watch, now int64) {
	d := &e.watchdog
	admitted, first := d.admit(wt)
	if !admitted {
		if first {
			e.warn("handler stuck, but not abandoned: too many are", "task", wt.id, "limit", d.limit)
		}
		e.timer.addAlarm(&wt.alarm, later(now, d.grace))
		return
	}
	if !e.abandon(wt) {
		d.forget(wt)
		return
	}
	wt.overdue = time.Duration(now - wt.since)
	if d.report(wt) {
		go e.reportAbandoned()
	}
}

// abandon takes the handler's worker out of the pool. It returns false if the handler has
// returned meanwhile.
func (e *membership) abandon(wt *watch) (done bool) {
	if wt.worker == nil {
		return e.callers.abandon(wt)
	}
	e.world(func(then *after) {
		w := e.roster.byID[wt.hand.worker]
		if w == nil || w.rare == nil || w.rare.watch != wt {
			return
		}
		done = true
		wt.goroutine = w.rare.goroutine
		w.abandoned.Store(true)
		if w.hand.occupied.Swap(false) {
			e.pace.busy(-1)
		}
		e.leaveLocked(w, then)
		e.cancelHeldLocked(w, errHolderStopped, messages.ErrCanceled, then)
		then.call(func() { e.freeName(w) })
	})
	return done
}

// reportAbandoned publishes an event for each abandoned handler until none is unreported.
// Reading the stacks takes long and stops all goroutines, so one reading serves all
// handlers that wait to be reported.
func (e *membership) reportAbandoned() {
	d := &e.watchdog
	for {
		watches := d.toReport()
		ids := make([]goroutine.ID, len(watches))
		for i, wt := range watches {
			ids[i] = wt.goroutine
		}
		stacks := goroutine.Stacks(ids...)
		for i, wt := range watches {
			e.warn("handler abandoned: it ignores cancellation", "task", wt.id, "overdue", wt.overdue)
			e.notify(&messages.WorkerAbandoned{
				Pool: e.name, Worker: wt.worker, TaskID: wt.id, Overdue: wt.overdue, Stack: stacks[i],
			})
		}
		if d.reported(len(watches)) {
			return
		}
	}
}
