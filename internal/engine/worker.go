package engine

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/internal/watchers"
)

// A Worker is the part of a worker that its queue, the roster and the goroutine that
// settles its task use. The worker's actor and goroutine use workerMailbox, which embeds a
// Worker.
//
// Fields that each task needs lie side by side, since with many workers each cache line is
// fetched from another processor's cache.
type Worker struct {
	q          *taskQueue // its own, or the shared one under late binding; never nil
	gauges     *gauges
	runs       runnable
	dispatcher actor.Dispatcher // the user's; nil: the engine's scheduler runs the worker
	index      int              // in the words of its tasks; set when it joins
	parking
	poke atomic.Bool // visit the queue before the batch is done
	claim
	rare *rareWorker // guarded by q.mu; nil: nothing in it

	// Only the goroutine that runs the worker uses these, except when the task in hand is
	// settled from outside: see settling.endRunningLocked.
	runner   *runner
	at       int // index in batch of the next task
	pace     workerPace
	failures int32        // attempts that failed in a row; -1: none has ended since the trial began
	handled  atomic.Int32 // attempts since the life of the state, or of the actor, began; counted if workers are recycled
	hand     hand

	workRecord
	member
}

// A claim describes what a worker has claimed of its queue. The lock of the queue guards
// it.
type claim struct {
	batch    []*Task // in the buffer of its runner; nil: nothing
	counted  int32   // tasks of the batch that are counted in taskQueue.claimed
	batchAt  int32   // the worker's index in lateQueue.batches plus one; 0: it is not there
	hop      word    // of the tasks in the batch
	priority int     // of the tasks in the batch
	begun    int64   // when the batch was claimed
}

// A parking says whether a worker is about to take a task, or could take one. The lock of
// its queue guards it.
type parking struct {
	parked    bool        // no goroutine runs the worker or is about to
	started   bool        // the worker has joined
	suspended bool        // its supervisor decides what happens to it
	listed    bool        // it is in lateQueue.idle
	waking    bool        // it was woken for the shared queue and has not reached it
	opening   bool        // under late binding: counted in lateQueue.opening
	able      bool        // under late binding: counted in lateQueue.able
	promised  bool        // under late binding: counted in lateQueue.promised
	onlyHolds bool        // under late binding: counted in lateQueue.onlyHolding
	leaving   atomic.Bool // it takes no further task; written while the world is stopped
	idle      chain.Link[*Worker]
}

// A workRecord sums up what a worker has done. The lock of its queue guards it.
type workRecord struct {
	outcomes tally // of its tasks, except those of the current batch that its own goroutine settled
	retried  int64 // attempts that were retried
	ran      int64 // nanoseconds that its attempts took
}

// A runnable is the mailbox of a worker's actor.
type runnable interface {
	// work runs the worker until it has nothing to do.
	work(r *runner)
	// finish settles the task in hand, whose handler has returned err.
	finish(t *Task, err error)
	// takeMailLocked returns the messages to the worker itself that it has not read.
	takeMailLocked() []any
	// discard ends a worker that has not joined.
	discard()
	PostSystemMessage(message any)
}

// A member has the roster's fields of a worker. They are written while the world is stopped,
// except where noted.
type member struct {
	pid          *actor.PID
	supervisor   *actor.PID
	foreign      *actor.PID  // the actor it stands for; nil: none
	rosterAt     int         // its index in roster.workers
	place        int         // in view.routees
	routed       bool        // in view.routees
	sidelined    bool        // passed over by dispatch
	restarts     int64       // guarded by the lock of its queue
	failedStarts int32       // failed starts in a row; guarded by the lock of its queue
	abandoned    atomic.Bool // its handler was abandoned
	worked       atomic.Bool // set by strike: it had finished or settled an attempt
	recycled     atomic.Bool // it stops to be replaced by another
	bereft       atomic.Bool // the actor that it stands for has terminated
}

// rareWorker has the fields that few workers need.
type rareWorker struct {
	pins      []*Task // under late binding: tasks for this worker alone, in order
	breaker   breakerState
	cooling   alarmEntry // set while the breaker is open
	delayed   bool       // it waits for a delayed restart
	starting  bool       // it makes its state
	slow      bool       // that takes long: it is sidelined meanwhile
	watch     *watch     // on the handler; nil: none
	goroutine goroutine.ID
	failures  *actor.RestartStatistics // for the strategy; nil: the actor has not failed
	watchers  watchers.Watchers
	renewal   *renewal              // nil: it is never recycled
	holdings  *holdings             // nil: it has never held a task
	copies    chain.Chain[*copyRun] // that it has not begun
	shunner   *shunner              // nil: it has shunned no task
}

// A breakerState is the state of a worker's breaker.
type breakerState int8

const (
	breakerClosed breakerState = iota // dispatch as usual
	breakerOpen                       // the worker takes no task
	breakerTrial                      // the worker takes one task, and is sidelined while it has it
)

// shard returns the worker's shard of the meter.
func (w *Worker) shard() uint32 { return uint32(w.index) }

// hasTaskLocked reports whether the worker runs a task, settled or not. It may hold others.
func (w *Worker) hasTaskLocked() bool { return w.batch != nil }

// busyLocked reports whether the worker runs or holds a task.
func (w *Worker) busyLocked() bool { return w.hasTaskLocked() || w.holdsLocked() > 0 }

// ableLocked reports whether the worker could start a task now. q.mu must be held.
func (w *Worker) ableLocked() bool {
	return w.started && !w.suspended && !w.leaving.Load() && !w.hasTaskLocked() && (w.rare == nil || w.rare.ableLocked())
}

// ableLocked reports whether the worker may start another task, given its breaker and the tasks
// that it holds.
func (x *rareWorker) ableLocked() bool {
	if x.breaker == breakerOpen {
		return false
	}
	hs := x.holdings
	return hs == nil || hs.tasks.Len() == 0 || hs.tasks.Len() < hs.limit && x.breaker == breakerClosed
}

// rareLocked returns w.rare, and makes it first if it is nil.
func (w *Worker) rareLocked() *rareWorker {
	if w.rare == nil {
		w.rare = new(rareWorker)
	}
	return w.rare
}

// watchers returns the actors that watch the worker, and its PID.
func (w *Worker) watchers() (list *watchers.Watchers, self *actor.PID) {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return &w.rareLocked().watchers, w.pid
}

// tellWatchers tells the watchers that the worker has stopped.
func (w *Worker) tellWatchers(d *deliver.Deliverer) {
	list, self := w.watchers()
	list.Tell(d, self)
}

// onTrialLocked reports whether the worker is on trial, during which it takes one task.
func (w *Worker) onTrialLocked() bool { return w.rare != nil && w.rare.breaker == breakerTrial }

// address returns the PID of the worker, or of the actor that it stands for.
func (w *Worker) address() *actor.PID {
	if w.foreign != nil {
		return w.foreign
	}
	return w.pid
}
