package engine

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
)

// defaultLimit is the default of router.Watchdog.Limit.
const defaultLimit = 100

// alarmEntry is one alarm of the timer.
type alarmEntry = deadline.Entry[alarm]

// A watchdog abandons handlers that ignore cancellation.
type watchdog struct {
	mu         sync.Mutex
	abandoned  map[*watch]struct{} // guarded by mu; handlers that have been abandoned and have not returned
	unreported []*watch            // guarded by mu; those of them of which no event was published
}

// A watch is kept on a handler from the moment its task is settled by others to its
// return.
type watch struct {
	alarm  alarmEntry // set until the handler is abandoned
	worker *Worker    // nil: the handler runs in its caller
	run    *callerRun // likewise; nil: it runs on a worker
	since  int64      // when the task was settled
	warned bool       // guarded by watchdog.mu; that the limit kept it from being abandoned

	// For the report, once it has been abandoned.
	id        string // of the task
	overdue   time.Duration
	goroutine goroutine.ID
}

// noteGoroutine notes who runs the worker, for stacks.
func (d *watchdog) noteGoroutine(w *Worker) {
	if w.engine.cfg.Watchdog.Grace == 0 {
		return
	}
	id := goroutine.Current()
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.rareLocked().goroutine = id
}

// watch begins to watch the handler of a task that others have settled. It is called
// under the lock of the task's place.
func (d *watchdog) watch(e *Engine, w *Worker, run *callerRun, t *Task) {
	if e.cfg.Watchdog.Grace == 0 {
		return
	}
	wt := &watch{worker: w, run: run, since: e.now(), id: t.id()}
	wt.alarm.Value = wt
	if w != nil {
		w.rareLocked().watch = wt
	} else {
		run.watch = wt
	}
	e.timer.addAlarm(e, &wt.alarm, later(wt.since, e.cfg.Watchdog.Grace))
}

// returned is called when the handler of the worker's task has returned.
func (d *watchdog) returned(e *Engine, w *Worker) {
	if e.cfg.Watchdog.Grace == 0 {
		return
	}
	w.q.mu.Lock()
	wt := w.rareLocked().watch
	w.rare.watch = nil
	w.q.mu.Unlock()
	d.end(e, wt)
}

// end ends a watch, which may be nil.
func (d *watchdog) end(e *Engine, wt *watch) {
	if wt == nil || e.timer.removeAlarm(&wt.alarm) {
		return
	}
	d.mu.Lock()
	_, abandoned := d.abandoned[wt]
	delete(d.abandoned, wt)
	d.mu.Unlock()
	if abandoned {
		e.notify(&messages.AbandonedReturned{Pool: e.cfg.Name, Worker: wt.worker.pidOrNil(), TaskID: wt.id})
	}
}

// due abandons the handler, unless too many are abandoned already.
func (wt *watch) due(e *Engine, now int64, then *after) {
	d, limit := &e.watchdog, cmp.Or(e.cfg.Watchdog.Limit, defaultLimit)
	d.mu.Lock()
	if len(d.abandoned) >= limit {
		warned := wt.warned
		wt.warned = true
		d.mu.Unlock()
		if !warned {
			then.call(func() { e.warn("handler stuck, but not abandoned: too many are", "task", wt.id, "limit", limit) })
		}
		e.timer.addAlarm(e, &wt.alarm, later(now, e.cfg.Watchdog.Grace))
		return
	}
	d.abandoned[wt] = struct{}{}
	d.mu.Unlock()
	if !wt.abandon(e, then) {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.abandoned, wt)
		return
	}
	wt.overdue = time.Duration(now - wt.since)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unreported = append(d.unreported, wt)
	if len(d.unreported) == 1 {
		then.call(func() { go e.reportAbandoned() })
	}
}

// abandon takes the handler's worker out of the pool. It reports false if the handler
// has returned meanwhile.
func (wt *watch) abandon(e *Engine, then *after) (done bool) {
	w := wt.worker
	if w == nil {
		return e.callers.abandon(wt)
	}
	e.stopWorld(func() {
		if w.rare.watch != wt {
			return
		}
		done = true
		wt.goroutine = w.rare.goroutine
		w.abandoned.Store(true)
		if w.occupied.Swap(false) {
			e.pace.busy(-1)
		}
		e.sched.awake.Add(-1) // its goroutine does not count any more
		e.leaveLocked(w, then)
	})
	if done {
		then.call(w.giveUpName)
	}
	return done
}

// reportAbandoned publishes an event for each abandoned handler, until all have been
// reported. A look at the stacks takes long and stops all goroutines, so there is one
// for all that have come together.
func (e *Engine) reportAbandoned() {
	d := &e.watchdog
	for {
		d.mu.Lock()
		watches := slices.Clone(d.unreported)
		d.mu.Unlock()
		ids := make([]goroutine.ID, len(watches))
		for i, wt := range watches {
			ids[i] = wt.goroutine
		}
		stacks := goroutine.Stacks(ids...)
		for i, wt := range watches {
			e.warn("handler abandoned: it ignores cancellation", "task", wt.id, "overdue", wt.overdue)
			e.notify(&messages.WorkerAbandoned{
				Pool: e.cfg.Name, Worker: wt.worker.pidOrNil(), TaskID: wt.id, Overdue: wt.overdue, Stack: stacks[i],
			})
		}
		if d.reported(len(watches)) {
			return
		}
	}
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
func (d *watchdog) abandonedIDs(known func(*Worker) bool) (ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for wt := range d.abandoned {
		if wt.worker == nil || !known(wt.worker) {
			ids = append(ids, wt.id)
		}
	}
	return ids
}
