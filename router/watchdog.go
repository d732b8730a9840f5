package router

import (
	"cmp"
	"slices"
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
	// Limit is how many abandoned handlers there may be at a time, 0 meaning 100. While
	// there are as many, a further one is left to its worker, and looked at again
	// after another grace.
	Limit int
}

// defaultLimit is the default of Watchdog.Limit.
const defaultLimit = 100

// Validate returns an error that wraps [messages.ErrInvalidOption] if the values
// make no sense.
func (d Watchdog) Validate() error {
	switch {
	case d.Grace <= 0:
		return invalid.Option("watchdog grace %v <= 0", d.Grace)
	case d.Limit < 0:
		return invalid.Option("watchdog limit %d < 0", d.Limit)
	}
	return nil
}

func (d Watchdog) limit() int { return cmp.Or(d.Limit, defaultLimit) }

// A watch is kept on a handler from its task's outcome to its return. It is guarded
// by Router.mu.
type watch struct {
	alarm  deadline.Entry[alarm] // set until the handler is given up
	worker *Worker               // nil: the handler runs in its caller
	cell   *Cell
	since  int64 // when the task got its outcome
	warned bool  // that the limit kept it from being given up

	// What there is to report, once it has been given up.
	id        string // of the task
	overdue   time.Duration
	goroutine goroutine.ID
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
	r.alarms.Add(&wt.alarm, later(now, r.cfg.Watchdog.Grace))
	r.setTimerLocked()
}

// endWatchLocked is called when the handler has returned. wt may be nil.
func (r *Router) endWatchLocked(wt *watch, then *after) {
	switch {
	case wt == nil:
	case wt.alarm.Set():
		r.endAlarmLocked(&wt.alarm)
	default:
		delete(r.abandoned, wt)
		r.notifyAfter(then, &messages.AbandonedReturned{Pool: r.cfg.Name, Worker: wt.worker.pidOrNil(), TaskID: wt.id})
	}
}

// ringLocked gives up the handler, unless too many are already.
func (wt *watch) ringLocked(r *Router, now int64, then *after) {
	wt.id = wt.cell.id()
	if len(r.abandoned) >= r.cfg.Watchdog.limit() {
		if !wt.warned {
			wt.warned = true
			then.calls = append(then.calls, func() {
				r.warn("handler stuck, and not given up: too many are", "task", wt.id, "limit", r.cfg.Watchdog.limit())
			})
		}
		r.watchAgainLocked(wt, now)
		return
	}
	r.abandoned[wt] = struct{}{}
	wt.overdue = time.Duration(now - wt.since)
	if w := wt.worker; w != nil {
		wt.goroutine = w.goroutine
		w.abandoned.Store(true)
		r.busy--
		r.leaveLocked(w, then)
		then.calls = append(then.calls, w.giveUpName)
	} else {
		wt.goroutine = r.callers[wt.cell].goroutine
		delete(r.callers, wt.cell)
	}
	r.unreported = append(r.unreported, wt)
	if len(r.unreported) == 1 {
		then.calls = append(then.calls, func() { go r.reportAbandoned() })
	}
}

// reportAbandoned publishes an event for each handler given up, until there is none
// that has not been reported. A look at the stacks takes long and stops the world, so
// there is one for all that have come together.
func (r *Router) reportAbandoned() {
	for {
		r.mu.Lock()
		watches := slices.Clone(r.unreported)
		r.mu.Unlock()
		ids := make([]goroutine.ID, len(watches))
		for i, wt := range watches {
			ids[i] = wt.goroutine
		}
		stacks := goroutine.Stacks(ids...)
		for i, wt := range watches {
			r.warn("handler given up: it ignores the end of its context", "task", wt.id, "overdue", wt.overdue)
			r.notify(&messages.WorkerAbandoned{
				Pool: r.cfg.Name, Worker: wt.worker.pidOrNil(), TaskID: wt.id, Overdue: wt.overdue, Stack: stacks[i],
			})
		}
		r.mu.Lock()
		r.unreported = r.unreported[len(watches):]
		if len(r.unreported) == 0 {
			r.unreported = nil
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
	}
}
