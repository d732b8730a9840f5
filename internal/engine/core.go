package engine

import (
	"context"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/internal/journal"
)

// A core has the parts of an engine. The layers above coordinate them. Each layer embeds
// the layer below and calls nothing above itself:
//
//	core          has the parts, their locks, and the engine's clock
//	settling      settles tasks: on the goroutine that ran them, or from outside
//	placing       puts tasks into queues and wakes workers
//	backpressure  makes submitters wait for room
//	dealing       moves queued tasks between workers
//	membership    adds, removes and sidelines workers
//	stopping      pauses, drains, finishes and closes the pool
//	admission     accepts or rejects submissions
//	Engine        takes snapshots, and has the rest of the API
type core struct {
	cfg      Config
	contexts bool // a handler or a tracer sees the contexts of tasks
	recycles bool // workers are recycled
	base
	gauges
	journals   journals
	dispatch   *dispatch
	roster     *roster
	sched      *scheduler
	shared     *taskQueue
	timer      timer
	waits      waitList
	delays     delays
	callers    callerRuns
	replies    replies
	deadlocks  deadlocks
	watchdog   watchdog
	quarantine quarantine
	quiet      quiet
	capacity   atomic.Int64 // tasks that may be queued, without AutoCapacity
	recycling  recycling
	races      races
	// startFailure is why the last worker that tried to start has failed; nil: it has started.
	startFailure atomic.Pointer[error]
}

// quiet lets callers wait until nothing is queued and no handler runs.
type quiet struct {
	wanted  atomic.Bool   // somebody waits
	done    chan struct{} // guarded by roster.mu; closed when the pool is quiet; nil: nobody waits in Wait
	drained []func()      // guarded by roster.mu; called when the pool is quiet
}

// Attach adds a journal, which records attempts and outcomes from now on.
func (e *core) Attach(j *journal.Journal) { e.journals.change(j, true) }

// Detach removes a journal.
func (e *core) Detach(j *journal.Journal) { e.journals.change(j, false) }

// OfHandler reports whether ctx belongs to a handler of this pool that still runs. OfHandler
// may run user code.
func (e *core) OfHandler(ctx context.Context) bool { return e.handlerOf(ctx) != nil }

// handlerOf returns the context that ctx was derived from, if this pool gave that to a
// handler that still runs, on a worker or in its caller; otherwise nil. No other task gets the
// context from then on. handlerOf may run user code.
func (e *core) handlerOf(ctx context.Context) *Context {
	c := FromContext(ctx)
	if c == nil || c.base != &e.base {
		return nil
	}
	c.use()
	if c.returned.Load() || !c.hand.inCaller() && !c.hand.occupied.Load() {
		return nil
	}
	return c
}

// noteGoroutine records the goroutine that runs a worker, whose stack may be reported.
func (e *core) noteGoroutine(w *Worker) {
	if !e.watchdog.on() {
		return
	}
	id := goroutine.Current()
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.rareLocked().goroutine = id
}

// handlerReturned ends the watch on a worker's handler, which has returned.
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

// freeName frees the name of a worker, and makes its supervisor and its watchers treat it as
// stopped.
func (e *core) freeName(w *Worker) {
	e.cfg.System.ProcessRegistry.Remove(w.pid)
	e.deliver.TellSystem(w.supervisor, &actor.Terminated{Who: w.pid})
	w.tellWatchers(e.deliver)
}

// late reports whether the pool uses late binding: the next free worker takes a task.
func (e *core) late() bool { return e.dispatch.binding == late }

// setCapacityLocked adapts the capacity to the number of workers.
func (e *core) setCapacityLocked(workers int) {
	capacity := e.cfg.Capacity
	if capacity == AutoCapacity {
		capacity = max(leastCapacity, workersCapacity*workers)
	}
	e.capacity.Store(int64(capacity))
}

// setRouteesLocked replaces the workers in dispatch and updates what depends on their
// number.
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

// shareOf returns the i-th of n workers' share of a capacity.
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

// roomAfterDelays returns the capacity less the room of the tasks that wait for their next
// attempt.
func (e *core) roomAfterDelays() int {
	capacity := int(e.capacity.Load())
	return max(capacity-int(e.delays.count.Load()), 0)
}

// queueOf returns the queue whose lock guards a task with the given word. It returns nil if
// the task's worker is gone: then the task has been moved.
func (e *core) queueOf(w word) *taskQueue {
	if e.late() || w.worker() == nobody {
		return e.shared
	}
	if owner := e.roster.worker(w.worker()); owner != nil {
		return owner.q
	}
	return nil
}

// otherTakesLocked reports whether, under late binding, a worker besides w will take a task: it
// is not sidelined or suspended, and its handler, if it runs one, does not wait for the pool.
func (e *core) otherTakesLocked(w *Worker) bool {
	for _, other := range e.roster.view.Load().routees {
		if other != w && !other.leaving.Load() && !other.sidelined && !other.suspended &&
			(!other.hasTaskLocked() || !e.deadlocks.waits(&other.hand)) {
			return true
		}
	}
	return false
}

// refusal returns why no task is accepted, or nil if tasks are accepted.
func (e *core) refusal() error {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	return e.shared.refusal
}

// hasWorkers reports whether early binding has workers to bind tasks to. While the shared
// queue is locked, the answer does not change.
func (e *core) hasWorkers() bool { return !e.late() && len(e.roster.view.Load().routees) > 0 }

// numberLocked returns the number of a task for which there was no room. It is the turn
// that was drawn for it last, since no other task has that number.
func (e *core) numberLocked(q *taskQueue, turn uint64) uint64 {
	if e.late() || turn == 0 {
		return e.newNumberLocked(q)
	}
	return e.dispatch.number(turn)
}

// newNumberLocked returns the number of a task for which no turn was drawn.
func (e *core) newNumberLocked(q *taskQueue) uint64 {
	if e.late() {
		return uint64(q.submitted)
	}
	return e.dispatch.number(e.dispatch.turns.Add(1))
}

// acceptedLocked returns the number of tasks that have been accepted so far.
func (e *core) acceptedLocked(q *taskQueue) uint64 {
	if e.late() {
		return uint64(q.submitted)
	}
	return e.dispatch.accepted()
}

// countOrphansLocked updates the number of orphans. The shared queue must be locked.
func (e *core) countOrphansLocked() { e.orphans.Store(int64(e.shared.liveLocked())) }
