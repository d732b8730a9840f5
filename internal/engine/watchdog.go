package engine

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// defaultLimit is the default of router.Watchdog.Limit.
const defaultLimit = 100

// A watchdog watches handlers whose tasks others have settled, and detects those that
// ignore cancellation for longer than Grace.
type watchdog struct {
	base    *base
	grace   time.Duration // 0: no handler is watched
	timer   *timer
	limit   int                        // handlers that may be abandoned at once
	expired func(wt *watch, now int64) // called without a lock when a watch is due

	mu         sync.Mutex
	abandoned  map[*watch]struct{} // guarded by mu; abandoned handlers that have not returned
	unreported []*watch            // guarded by mu; abandoned handlers for which no event was published yet
}

// A watch is kept on a handler from the moment others settle its task until it returns.
type watch struct {
	dog    *watchdog
	alarm  alarmEntry // set until the handler is abandoned
	hand   *hand      // with the task
	worker *actor.PID // nil: the handler runs in its caller
	since  int64      // when the task was settled
	warned bool       // guarded by watchdog.mu; it was logged that the limit kept the handler from being abandoned

	// For the report of an abandoned handler.
	id        string // of the task
	overdue   time.Duration
	goroutine goroutine.ID
}

func newWatchdog(b *base, t *timer, cfg *router.Watchdog) watchdog {
	return watchdog{
		base: b, timer: t, grace: cfg.Grace, limit: cmp.Or(cfg.Limit, defaultLimit), abandoned: make(map[*watch]struct{}),
	}
}

// on reports whether handlers are watched.
func (d *watchdog) on() bool { return d.grace > 0 }

// begin watches the handler whose task in the hand h others have settled. worker is nil if
// the handler runs in its caller. begin returns nil if the watchdog is off.
func (d *watchdog) begin(h *hand, worker *actor.PID, t *Task) *watch {
	if !d.on() {
		return nil
	}
	wt := &watch{dog: d, hand: h, worker: worker, since: d.base.now(), id: t.id()}
	wt.alarm.Value = wt
	d.timer.addAlarm(&wt.alarm, later(wt.since, d.grace))
	return wt
}

// due implements alarm.
func (wt *watch) due(now int64) { wt.dog.expired(wt, now) }

// end ends a watch, since the handler has returned. wt may be nil.
func (d *watchdog) end(wt *watch) {
	if wt == nil || d.timer.removeAlarm(&wt.alarm) {
		return
	}
	if d.forget(wt) {
		d.base.notify(&messages.AbandonedReturned{Pool: d.base.name, Worker: wt.worker, TaskID: wt.id})
	}
}

// admit counts a handler as abandoned, unless too many are. In that case first reports
// whether this is the first refusal for the handler.
func (d *watchdog) admit(wt *watch) (admitted, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.abandoned) < d.limit {
		d.abandoned[wt] = struct{}{}
		return true, false
	}
	first = !wt.warned
	wt.warned = true
	return false, first
}

// forget removes a handler from the abandoned ones, and reports whether it was among them.
func (d *watchdog) forget(wt *watch) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, abandoned := d.abandoned[wt]
	delete(d.abandoned, wt)
	return abandoned
}

// report adds an abandoned handler to those to be reported. It returns true if the caller
// must start reportAbandoned.
func (d *watchdog) report(wt *watch) (start bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unreported = append(d.unreported, wt)
	return len(d.unreported) == 1
}

// toReport returns the handlers to report.
func (d *watchdog) toReport() []*watch {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.unreported)
}

// reported removes the first n watches from those to be reported, and reports whether none
// is left.
func (d *watchdog) reported(n int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unreported = d.unreported[n:]
	if len(d.unreported) > 0 {
		return false
	}
	d.unreported = nil
	return true
}

// count returns the number of abandoned handlers.
func (d *watchdog) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.abandoned)
}

// abandonedIDs returns the IDs of the tasks of abandoned handlers, except those whose hand
// is known.
func (d *watchdog) abandonedIDs(known func(*hand) bool) (ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for wt := range d.abandoned {
		if !known(wt.hand) {
			ids = append(ids, wt.id)
		}
	}
	return ids
}
