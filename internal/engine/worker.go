package engine

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/goroutine"
)

// A Worker is a worker as its queue, the roster and whoever settles its task see it. Its
// actor and its goroutine are in workerMailbox, which embeds it.
type Worker struct {
	gauges     *gauges
	runs       runnable
	dispatcher actor.Dispatcher // the user's; nil: the engine's scheduler runs the worker
	q          *taskQueue       // its own, or the shared one under late binding; never nil
	index      int              // in the words of its tasks; set when it joins
	poke       atomic.Bool
	_          [7]byte

	// Guarded by q.mu.
	batch    []*Task             // what it has claimed, the room of its runner; nil: nothing
	counted  int32               // tasks of the batch, as counted in q.claimed
	batchAt  int                 // its index in q.batches plus one; 0: it has no batch
	hop      word                // that of the tasks in its batch
	priority int                 // of the tasks in its batch
	begun    int64               // when it claimed the batch
	idle     chain.Link[*Worker] // in lateQueue.idle
	listed   bool                // it is there
	parked   bool                // no goroutine runs it or is about to
	waking   bool                // it was woken for the shared queue and has not come
	able     bool                // under late binding: counted in lateQueue.able
	promised bool                // under late binding: counted in lateQueue.promised
	outcomes tally               // of its tasks, but for those of the batch that it has settled itself
	retried  int64               // attempts that were not the last
	ran      int64               // nanoseconds that its tasks took
	rare     *rareWorker

	// Only for the goroutine that runs it, unless somebody settles the task in hand from
	// outside: see settling.endRunningLocked.
	hand     hand
	runner   *runner
	at       int // index in batch of the next task
	pace     workerPace
	failures int32 // attempts that failed in a row; -1: none has ended since the trial began

	member
}

// A runnable is the mailbox of a worker's actor.
type runnable interface {
	// work runs the worker until it has nothing to do.
	work(r *runner)
	// finish settles the task in hand, whose handler has returned err.
	finish(t *Task, err error)
	// takeMailLocked returns the messages to the worker itself that it has not read.
	takeMailLocked() []any
	PostSystemMessage(message any)
}

// A member is what the roster knows of a worker. It is written while the world is
// stopped.
type member struct {
	id         string // of pid
	pid        *actor.PID
	supervisor *actor.PID
	foreign    *actor.PID  // the actor it stands for; nil: none
	rosterAt   int         // its index in roster.workers
	place      int         // in view.routees
	routed     bool        // in view.routees
	started    bool        // Start has been called
	suspended  bool        // its supervisor decides what happens to it
	sidelined  bool        // passed over by dispatch
	restarts   int64       // guarded by the lock of its queue
	barren     int32       // failed starts in a row; guarded by the lock of its queue
	leaving    atomic.Bool // it takes no further task
	abandoned  atomic.Bool // its handler was abandoned
	worked     atomic.Bool // it is gone, and has settled a task
}

// rareWorker is what few workers have.
type rareWorker struct {
	pins      []*Task // under late binding: tasks for this worker alone, in order
	breaker   breakerState
	cooling   alarmEntry // set while the breaker is open
	delayed   bool       // its restart is
	watch     *watch     // on the handler; nil: none
	goroutine goroutine.ID
}

// A breakerState is that of a worker's breaker.
type breakerState int8

const (
	breakerClosed breakerState = iota // dispatch as usual
	breakerOpen                       // the worker takes no task
	breakerTrial                      // it takes one task, and is sidelined while it has it
)

// shard is the worker's shard of the meter.
func (w *Worker) shard() uint32 { return uint32(w.index) }

// hasTaskLocked reports whether the worker has a task in hand, settled or not.
func (w *Worker) hasTaskLocked() bool { return w.batch != nil }

// ableLocked reports whether the worker could start a task now. It needs q.mu.
func (w *Worker) ableLocked() bool {
	return w.started && !w.suspended && !w.leaving.Load() && !w.hasTaskLocked() &&
		(w.rare == nil || w.rare.breaker != breakerOpen)
}

// refreshLocked brings the counts of the shared queue up to date, after a change of
// what ableLocked says.
func (w *Worker) refreshLocked(q *taskQueue) {
	l := q.late
	if l == nil {
		q.ready = w.parked && w.ableLocked()
		return
	}
	if able := w.ableLocked(); able != w.able {
		w.able = able
		if able {
			l.able++
		} else {
			l.able--
		}
		if w.parked && able {
			l.addIdleLocked(w)
		} else {
			l.removeIdleLocked(w)
		}
	}
	if promised := w.able && w.rare != nil && len(w.rare.pins) > 0; promised != w.promised {
		w.promised = promised
		if promised {
			l.promised++
		} else {
			l.promised--
		}
	}
}

// parkLocked says that the goroutine leaves the worker.
func (w *Worker) parkLocked(q *taskQueue) {
	w.parked = true
	if w.hand.occupied.Load() {
		w.hand.occupied.Store(false)
		w.gauges.pace.busy(-1)
	}
	if q.late == nil {
		q.ready = w.ableLocked()
	} else if w.able {
		q.late.addIdleLocked(w)
	}
}

// unparkLocked takes charge of a parked worker: the caller must schedule it. It reports
// false if the worker was not parked.
func (w *Worker) unparkLocked(q *taskQueue) bool {
	if !w.parked || !w.started {
		return false
	}
	w.parked = false
	w.gauges.awake.Add(1)
	if q.late == nil {
		q.ready = false
	} else {
		q.late.removeIdleLocked(w)
	}
	return true
}

// wakeOwnLocked unparks a worker whose own queue has got a task, if it can start it.
func (w *Worker) wakeOwnLocked(q *taskQueue) bool {
	if q.late == nil && !q.ready {
		return false
	}
	return w.parked && !q.paused && w.ableLocked() && w.unparkLocked(q)
}

// unpark takes charge of the worker if it could start a task and nobody has woken it.
func (w *Worker) unpark() bool {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return w.wakeOwnLocked(w.q)
}

// rareLocked makes room for what few workers have.
func (w *Worker) rareLocked() *rareWorker {
	if w.rare == nil {
		w.rare = new(rareWorker)
	}
	return w.rare
}

// onTrialLocked reports whether the worker has a trial, for which one task is enough.
func (w *Worker) onTrialLocked() bool { return w.rare != nil && w.rare.breaker == breakerTrial }

func (w *Worker) pidOrNil() *actor.PID {
	if w == nil {
		return nil
	}
	return w.pid
}

// address is the PID of the worker or of the actor that it stands for.
func (w *Worker) address() *actor.PID {
	if w.foreign != nil {
		return w.foreign
	}
	return w.pid
}
