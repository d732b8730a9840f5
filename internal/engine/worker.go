package engine

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/goroutine"
)

// A Worker is the mailbox of a worker's actor. A goroutine runs it only while it has
// something to do: system messages, messages to the worker itself, or tasks. A panic or
// a runtime.Goexit of the actor ends there: the task is settled, its waiters are told,
// and then the failure is escalated.
type Worker struct {
	engine *Engine
	q      *taskQueue // its own, or the shared one under late binding; never nil
	index  int        // in the words of its tasks; set when it joins
	poke   atomic.Bool
	_      [7]byte

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

	// Only for the goroutine that runs it, unless somebody interrupts the task: see
	// Engine.endRunningLocked.
	hand     hand
	runner   *runner
	at       int // index in batch of the next task
	pace     workerPace
	lastCtx  *Context
	failures int32 // attempts that failed in a row; -1: none has ended since the trial began

	// interrupts is held while the task in hand is settled from outside.
	interrupts sync.Mutex
	live       *Context // guarded by interrupts; that of the task in hand, once it has been used

	mailbox
	membership
}

// membership is what the roster knows of a worker. It is written while the world is
// stopped.
type membership struct {
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
	leaving    atomic.Bool // it takes no further task
	occupied   atomic.Bool // it has claimed a task since it was parked
	abandoned  atomic.Bool // its handler was abandoned
	worked     atomic.Bool // it is gone, and has settled a task
}

// rareWorker is what few workers have.
type rareWorker struct {
	pins      []*Task          // under late binding: tasks for this worker alone, in order
	counters  map[string]int64 // what it reported
	breaker   breakerState
	cooling   alarmEntry // set while the breaker is open
	delayed   bool       // its restart is
	watch     *watch     // on the handler; nil: none
	goroutine goroutine.ID
}

// A hand is the task that a worker runs.
type hand struct {
	task        *Task // nil: none
	word        word  // of the task while it runs
	ctx         *Context
	value       any          // what Context.Keep was given
	started     atomic.Int64 // engine time; written only if it changes
	settled     bool         // the handler's goroutine has settled the task, or decided on a retry
	attempt     attempt
	interrupted bool  // the task was settled from outside; written under interrupts
	cause       error // why its context ends then; likewise
}

var _ actor.Mailbox = (*Worker)(nil)

// NewWorker returns the props of a further worker, which joins the pool when it is
// spawned.
func (e *Engine) NewWorker() *actor.Props { return e.newWorker(e.cfg.Worker(e.sched), nil) }

// Adopt returns the props of a worker that stands for a foreign actor; nil if the
// pool's tasks cannot be given to one.
func (e *Engine) Adopt(foreign *actor.PID) *actor.Props {
	props := e.cfg.Adopt(foreign)
	if props == nil {
		return nil
	}
	return e.newWorker(props, foreign)
}

func (e *Engine) newWorker(props *actor.Props, foreign *actor.PID) *actor.Props {
	w := &Worker{engine: e, parked: true, q: &e.shared, pace: newWorkerPace()}
	w.foreign = foreign
	if !e.late() {
		w.q = &taskQueue{owner: w}
	}
	props.Configure(actor.WithMailbox(func() actor.Mailbox { return w }))
	if !e.cfg.Handled && e.cfg.Watchdog.Grace > 0 {
		props.Configure(actor.WithSenderMiddleware(w.dropLateAnswers))
	}
	return props
}

// shard is the worker's shard of the meter.
func (w *Worker) shard() uint32 { return uint32(w.index) }

// load is the number of tasks that the worker runs or has queued.
func (w *Worker) load() int {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	n := 0
	if w.q.owner != nil {
		n = w.q.exactLocked()
	}
	if w.hasTaskLocked() {
		n++
	}
	return n
}

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
	if w.occupied.Load() {
		w.occupied.Store(false)
		w.engine.pace.busy(-1)
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
	w.engine.sched.awake.Add(1)
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

// wakeForLocked returns a worker to be scheduled for a task that was put into q, or nil.
func (e *Engine) wakeForLocked(q *taskQueue) *Worker {
	if q.late != nil {
		return q.late.wakeLocked(q)
	}
	if q.owner != nil && q.owner.wakeOwnLocked(q) {
		return q.owner
	}
	return nil
}

// schedule has a worker run that was unparked.
func (w *Worker) schedule() {
	if w.dispatcher == actor.Dispatcher(w.engine.sched) {
		w.engine.sched.push(w)
		return
	}
	// The user's dispatcher may run the worker at once, and locks may be held here.
	go w.dispatcher.Schedule(func() { w.workOn(newRunner()) })
}

// workOn runs the worker on a goroutine of the user's dispatcher.
func (w *Worker) workOn(r *runner) {
	done := false
	defer func() {
		if !done { // runtime.Goexit in the worker's actor: another goroutine goes on
			go w.workOn(r)
		}
	}()
	w.work(r)
	done = true
}

// rareLocked makes room for what few workers have.
func (w *Worker) rareLocked() *rareWorker {
	if w.rare == nil {
		w.rare = new(rareWorker)
	}
	return w.rare
}

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
