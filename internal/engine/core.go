package engine

import (
	"context"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/internal/journal"
)

// A core has the parts of an engine. The layers above it coordinate them. Each layer
// embeds the one below and calls nothing above it:
//
//	core          the parts, their locks, and the engine's clock
//	settling      settles tasks: on the goroutine that ran them, or from outside
//	placing       puts tasks into queues and wakes workers
//	backpressure  has submitters wait for room
//	dealing       moves queued tasks between workers
//	membership    has workers join, leave and be passed over
//	stopping      pauses the pool, drains it, closes it
//	admission     decides what becomes of a submission
//	Engine        takes snapshots, and does what is left
type core struct {
	cfg      Config
	contexts bool // somebody sees the contexts of tasks: the handler, or a tracer
	base
	gauges
	journals   journals
	dispatch   *dispatch
	roster     *roster
	sched      *scheduler
	shared     taskQueue
	timer      timer
	waits      waitList
	delays     delays
	callers    callerRuns
	deadlocks  deadlocks
	watchdog   watchdog
	quarantine quarantine
	quiet      quiet
	capacity   atomic.Int64 // tasks that may be queued, without AutoCapacity
}

// quiet is for those who wait until nothing is queued and no handler runs.
type quiet struct {
	wanted  atomic.Bool   // somebody waits
	done    chan struct{} // guarded by roster.mu; closed then; nil: nobody waits for that
	drained []func()      // guarded by roster.mu; called then
}

// Attach has the attempts and outcomes to come recorded in a journal.
func (e *core) Attach(j *journal.Journal) { e.journals.change(j, true) }

// Detach ends that.
func (e *core) Detach(j *journal.Journal) { e.journals.change(j, false) }

// OfHandler reports whether ctx belongs to one of the pool's own handlers.
func (e *core) OfHandler(ctx context.Context) bool {
	c := FromContext(ctx)
	return c != nil && c.base == &e.base
}

// handlerOf returns the context that a worker of this pool gave a handler and that ctx
// was derived from, or nil. No other task gets it from now on. It runs code of the
// user's.
func (e *core) handlerOf(ctx context.Context) *Context {
	c := FromContext(ctx)
	if c == nil || c.base != &e.base || c.hand.worker == "" {
		return nil
	}
	c.use()
	if c.returned.Load() || !c.hand.occupied.Load() {
		return nil
	}
	return c
}

// noteGoroutine notes who runs a worker, for stacks.
func (e *core) noteGoroutine(w *Worker) {
	if !e.watchdog.on() {
		return
	}
	id := goroutine.Current()
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.rareLocked().goroutine = id
}

// handlerReturned is called when the handler of a worker's task has returned.
func (e *core) handlerReturned(w *Worker) {
	if !e.watchdog.on() {
		return
	}
	w.q.mu.Lock()
	wt := w.rareLocked().watch
	w.rare.watch = nil
	w.q.mu.Unlock()
	e.watchdog.end(wt)
}

// freeName makes the worker's supervisor, and Proto.Actor with it, take the worker for
// stopped. Its name is free.
func (e *core) freeName(w *Worker) {
	e.cfg.System.ProcessRegistry.Remove(w.pid)
	e.deliver.TellSystem(w.supervisor, &actor.Terminated{Who: w.pid})
}

// late reports whether the next free worker takes a task.
func (e *core) late() bool { return e.dispatch.binding == late }

// setCapacityLocked brings the capacity up to date with the number of workers.
func (e *core) setCapacityLocked(workers int) {
	capacity := e.cfg.Capacity
	if capacity == AutoCapacity {
		capacity = max(leastCapacity, workersCapacity*workers)
	}
	e.capacity.Store(int64(capacity))
}

// setRouteesLocked replaces the workers in dispatch, and what depends on their number.
func (e *core) setRouteesLocked(routees []*Worker) {
	e.roster.setRouteesLocked(routees)
	e.setCapacityLocked(len(routees))
	if e.late() {
		return
	}
	capacity := int(e.capacity.Load())
	for i, w := range routees {
		w.place = i
		w.q.share = shareOf(capacity, i, len(routees))
	}
}

// shareOf is the share of a capacity that the i-th of n workers has.
func shareOf(capacity, i, n int) int {
	if capacity == unbounded {
		return unbounded
	}
	share := capacity / n
	if i < capacity%n {
		share++
	}
	return share
}

// roomAfterDelays is the capacity, less what tasks that wait for their next attempt
// take.
func (e *core) roomAfterDelays() int {
	capacity := int(e.capacity.Load())
	return max(capacity-int(e.delays.count.Load()), 0)
}

// queueOf is the queue whose lock guards the place of a task with the given word, nil
// if its worker is gone, and so the task somewhere else by now.
func (e *core) queueOf(w word) *taskQueue {
	if e.late() || w.worker() == nobody {
		return &e.shared
	}
	if owner := e.roster.worker(w.worker()); owner != nil {
		return owner.q
	}
	return nil
}

// refusal says why no task is accepted, nil if one may be.
func (e *core) refusal() error {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	return e.shared.refusal
}

// hasWorkers reports whether tasks are bound early to workers that are there. With the
// lock of the shared queue held, none can join unseen.
func (e *core) hasWorkers() bool { return !e.late() && len(e.roster.view.Load().routees) > 0 }

// numberLocked returns the number of a task for which there was no room: the turns that
// were drawn for it make the number its own.
func (e *core) numberLocked(q *taskQueue) uint64 {
	if e.late() {
		return uint64(q.submitted)
	}
	return e.dispatch.number(e.dispatch.turns.Load())
}

// newNumberLocked returns the number of a task for which no turn was drawn.
func (e *core) newNumberLocked(q *taskQueue) uint64 {
	if e.late() {
		return uint64(q.submitted)
	}
	return e.dispatch.number(e.dispatch.turns.Add(1))
}

// acceptedLocked is the number of tasks that have been accepted so far.
func (e *core) acceptedLocked(q *taskQueue) uint64 {
	if e.late() {
		return uint64(q.submitted)
	}
	return e.dispatch.accepted()
}

// countOrphansLocked brings the number of orphans up to date. The shared queue must be
// locked.
func (e *core) countOrphansLocked() { e.orphans.Store(int64(e.shared.liveLocked())) }
