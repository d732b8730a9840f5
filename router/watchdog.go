package router

import (
	"time"

	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Watchdog gives up handlers that ignore the end of their contexts. Nothing in Go can
// stop such a handler. Its task has its outcome already; the watchdog has its worker
// replaced, so that the pool has its capacity back, and stops waiting for it. Until
// the handler returns, if it ever does, it is in messages.Stats.Abandoned; what it
// returns reaches nobody.
type Watchdog struct {
	// Grace is how long a handler may go on after its task has been timed out or
	// canceled, more than 0.
	Grace time.Duration
	// Limit is how many abandoned handlers there may be at a time, at least 1. While
	// there are as many, a further one is left to its worker, and looked at again
	// after another grace.
	Limit int
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the values
// make no sense.
func (d Watchdog) Validate() error {
	switch {
	case d.Grace <= 0:
		return invalid.Option("watchdog grace %v <= 0", d.Grace)
	case d.Limit < 1:
		return invalid.Option("watchdog limit %d < 1", d.Limit)
	}
	return nil
}

// A watch is kept on a handler from its task's outcome to its return. It is guarded
// by Router.mu.
type watch struct {
	alarm  deadline.Entry[alarm] // set until the handler is given up
	worker *Worker               // nil: the handler runs in its caller
	cell   *Cell
	since  int64 // when the task got its outcome
	warned bool  // that the limit kept it from being given up
}

// watchLocked begins to watch the handler of a task that has got its outcome from
// others.
func (r *Router) watchLocked(c *Cell) {
	if r.cfg.Watchdog.Grace == 0 {
		return
	}
	wt := &watch{worker: c.worker, cell: c, since: r.now()}
	wt.alarm.Value = wt
	if wt.worker != nil {
		wt.worker.watch = wt
	} else {
		r.callers[c].watch = wt
	}
	r.watchAgainLocked(wt, wt.since)
}

func (r *Router) watchAgainLocked(wt *watch, now int64) {
	r.alarms.Add(&wt.alarm, now+int64(r.cfg.Watchdog.Grace))
	r.setTimerLocked()
}

// endWatchLocked is called when the handler has returned. wt may be nil.
func (r *Router) endWatchLocked(wt *watch, then *after) {
	switch {
	case wt == nil:
	case wt.alarm.Set():
		r.alarms.Remove(&wt.alarm)
	default:
		delete(r.abandoned, wt)
		event := &messages.AbandonedReturned{Pool: r.cfg.Name, Worker: wt.worker.pidOrNil(), TaskID: wt.cell.id()}
		then.calls = append(then.calls, func() { r.notify(event) })
	}
}

// ringLocked gives up the handler, unless too many are already.
func (wt *watch) ringLocked(r *Router, now int64, then *after) {
	if len(r.abandoned) >= r.cfg.Watchdog.Limit {
		if !wt.warned {
			wt.warned = true
			id := wt.cell.id()
			then.calls = append(then.calls, func() {
				r.cfg.Logger.Warn("handler stuck, and not given up: too many are", "pool", r.cfg.Name,
					"task", id, "limit", r.cfg.Watchdog.Limit)
			})
		}
		r.watchAgainLocked(wt, now)
		return
	}
	r.abandoned[wt] = struct{}{}
	event := &messages.WorkerAbandoned{
		Pool: r.cfg.Name, Worker: wt.worker.pidOrNil(), TaskID: wt.cell.id(), Overdue: time.Duration(now - wt.since),
	}
	var stuck goroutine.ID
	if w := wt.worker; w != nil {
		stuck = w.goroutine
		w.abandoned.Store(true)
		r.busy--
		r.leaveLocked(w, then)
	} else {
		stuck = r.callers[wt.cell].goroutine
		delete(r.callers, wt.cell)
	}
	then.calls = append(then.calls, func() {
		event.Stack = goroutine.Stack(stuck)
		r.cfg.Logger.Warn("handler given up: it ignores the end of its context", "pool", r.cfg.Name,
			"task", event.TaskID, "overdue", event.Overdue)
		if wt.worker != nil {
			r.deliver.Tell(wt.worker.supervisor, event) // who publishes it and replaces the worker
		} else {
			r.notify(event)
		}
	})
}
