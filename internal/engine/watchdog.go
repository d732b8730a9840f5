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

// A watchdog watches handlers whose task has been settled by others, and says which of
// them ignore their cancellation for longer than Grace.
type watchdog struct {
	base    *base
	grace   time.Duration // 0: no handler is watched
	timer   *timer
	limit   int                        // handlers that may be abandoned at once
	expired func(wt *watch, now int64) // called without a lock when a watch is due

	mu         sync.Mutex
	abandoned  map[*watch]struct{} // guarded by mu; handlers that have been abandoned and have not returned
	unreported []*watch            // guarded by mu; those of them of which no event was published
}

// A watch is kept on a handler from the moment its task is settled by others to its
// return.
type watch struct {
	dog    *watchdog
	alarm  alarmEntry // set until the handler is abandoned
	hand   *hand      // with the task
	worker *actor.PID // nil: the handler runs in its caller
	since  int64      // when the task was settled
	warned bool       // guarded by watchdog.mu; that the limit kept it from being abandoned

	// For the report, once it has been abandoned.
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

// begin watches the handler that has a task in the hand h, which others have settled.
// worker is nil if the handler runs in its caller. It returns nil if the watchdog is off.
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

// end ends a watch, which may be nil: the handler has returned.
func (d *watchdog) end(wt *watch) {
	if wt == nil || d.timer.removeAlarm(&wt.alarm) {
		return
	}
	if d.forget(wt) {
		d.base.notify(&messages.AbandonedReturned{Pool: d.base.name, Worker: wt.worker, TaskID: wt.id})
	}
}

// admit counts a handler as abandoned, unless too many are: then first reports whether
// that has not been said of this one.
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

// forget reports whether the handler was abandoned, and ends that.
func (d *watchdog) forget(wt *watch) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, abandoned := d.abandoned[wt]
	delete(d.abandoned, wt)
	return abandoned
}

// report has an abandoned handler reported. It says whether somebody must do so: nobody
// is about to.
func (d *watchdog) report(wt *watch) (start bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unreported = append(d.unreported, wt)
	return len(d.unreported) == 1
}

// toReport returns the handlers to be reported.
func (d *watchdog) toReport() []*watch {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.unreported)
}

// reported forgets the first n watches to be reported, and says whether none is left.
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

// count is the number of abandoned handlers.
func (d *watchdog) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.abandoned)
}

// abandonedIDs are the tasks of the abandoned handlers whose workers are gone, or that
// ran in their callers.
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
