package router

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/messages"
)

// A Worker is the mailbox of a worker's actor. Its goroutine lives only while
// there is something to do: it runs the actor and asks the router for the next
// thing. It is where a panic or a runtime.Goexit of the actor ends: the task in
// hand is settled and its waiter told, and then the failure is escalated.
type Worker struct {
	router     *Router
	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher
	id         string     // of pid
	pid        *actor.PID // set by RegisterHandlers, before any use
	supervisor *actor.PID
	foreign    *actor.PID // the actor it stands for; nil: none
	shard      uint32     // of the meter
	runLoop    func()     // w.run, made once

	// Only for the worker's goroutine.
	hold        hold // of the task in hand
	lastCtx     *Context
	doing       any     // the message that the actor has, if that is no task
	stopping    bool    // it has been told to stop
	givenUp     bool    // it has failed in doing so
	dismissed   bool    // its actor has been told its end, after the watchdog gave it up
	restarting  bool    // it has been told to restart, and not been resumed since
	clocked     bool    // the task in hand is timed by itself
	flooded     bool    // the journals have no room for further successes of its batch
	failure     any     // why the actor failed last; nil after its restart
	clock       int64   // the time at which the last task of the batch was settled
	settled     bool    // the task in hand has been settled by its handler
	lastOfBatch bool    // the task in hand is
	mean        int64   // of the time that the last tasks took, nanoseconds; -1 before the first
	cutShort    bool    // a task of the batch that has been done but not measured ended with its context
	batchStart  int64   // when the batch, or the only task, was begun
	busySince   int64   // up to when its time has been recorded
	batchWait   int64   // how long its first task had waited
	spares      []*Cell // released cells, for the router
	timed       []*Cell // cells to be released whose deadlines may still be set
	failures    int     // attempts that failed in a row; -1: none has ended since the trial began
	begun       int64   // tasks begun since it asked the router last
	untimed     int64   // tasks of the batch that have been done but not measured

	// Guarded by router.mu.
	parked        bool // no goroutine runs or is scheduled
	started       bool // Start has been called
	suspended     bool
	leaving       bool // takes no task any more
	routed        bool // in router.routees
	index         int  // in router.workers
	able          bool // started, not suspended, not leaving, nothing in hand
	promised      bool // able, and own is not empty
	waking        bool // on its way from idle to the shared queue
	listed        bool // in router.idle
	own           queue.Queue[Cell]
	system        fifo
	mail          fifo  // messages to the worker itself
	taken         bool  // has a task in hand, and maybe a batch
	retried       int64 // attempts that it made and that were not the last
	delayed       bool  // its restart is
	sidelined     bool  // left out of the choice
	breaker       breakerState
	cooling       deadline.Entry[alarm] // set while the breaker is open
	watch         *watch                // on the handler; nil: none
	goroutine     goroutine.ID          // of run; known to the watchdog alone
	batchPriority int                   // of the tasks of its batch, if counted > 0
	counted       int                   // tasks of its batch, as counted in router.held
	holder        int                   // its index in router.holders, if counted > 0
	counters      map[string]int64      // what it reported
	idle          chain.Link[*Worker]   // in router.idle

	hand hand // guards itself

	_         [64]byte     // keeps the counters off the cache lines of the fields above
	load      atomic.Int64 // tasks in hand and in own
	ran       atomic.Int64 // nanoseconds spent on tasks that have an outcome
	restarts  atomic.Int64
	barren    atomic.Int32 // failed starts in a row
	abandoned atomic.Bool  // its handler has been given up; written under router.mu
	outcomes  [messages.Outcomes + 1]atomic.Int64
	_         [64]byte
}

var _ actor.Mailbox = (*Worker)(nil)

// NewWorker returns the props of a further worker, which joins the pool when it
// is spawned.
func (r *Router) NewWorker() *actor.Props { return r.newWorker(r.cfg.Worker(r.runners), nil) }

// Adopt returns the props of a worker that stands for a foreign actor; nil if the
// pool's tasks cannot be given to one.
func (r *Router) Adopt(foreign *actor.PID) *actor.Props {
	props := r.cfg.Adopt(foreign)
	if props == nil {
		return nil
	}
	return r.newWorker(props, foreign)
}

func (r *Router) newWorker(props *actor.Props, foreign *actor.PID) *actor.Props {
	w := &Worker{router: r, foreign: foreign, parked: true, mean: -1}
	w.runLoop, w.idle.Of = w.run, w
	props.Configure(actor.WithMailbox(func() actor.Mailbox { return w }))
	if !r.cfg.Handled && r.cfg.Watchdog.Grace > 0 {
		props.Configure(actor.WithSenderMiddleware(w.dropLateAnswers))
	}
	return props
}

// dropLateAnswers keeps from the sender of a task what the actor still tells him after
// the watchdog has given it up.
func (w *Worker) dropLateAnswers(next actor.SenderFunc) actor.SenderFunc {
	return func(ctx actor.SenderContext, target *actor.PID, envelope *actor.MessageEnvelope) {
		if w.abandoned.Load() && w.inHandIsFrom(target) {
			w.router.deliver.DeadLetter(target, envelope.Message)
			return
		}
		next(ctx, target, envelope)
	}
}

func (w *Worker) inHandIsFrom(sender *actor.PID) bool {
	w.hand.mu.Lock()
	defer w.hand.mu.Unlock()
	c := w.hand.current
	return c != nil && c.answered() && c.rare.sender.Equal(sender)
}

func (w *Worker) pidOrNil() *actor.PID {
	if w == nil {
		return nil
	}
	return w.pid
}

// RegisterHandlers is called once, before Start.
func (w *Worker) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	w.invoker, w.dispatcher = invoker, dispatcher
	self := invoker.(interface {
		Self() *actor.PID
		Parent() *actor.PID
	})
	w.pid, w.supervisor = self.Self(), self.Parent()
	w.id = w.pid.Id
}

// Start lets the worker join the pool.
func (w *Worker) Start() {
	var then after
	w.router.mu.Lock()
	w.router.joinLocked(w, &then)
	w.router.mu.Unlock()
	then.run()
}

// PostSystemMessage queues a message of the actor system. A worker that fails is
// suspended at once: before its supervisor hears of it, and so before a decision
// to resume it can come.
func (w *Worker) PostSystemMessage(message any) {
	if _, ok := message.(*actor.SuspendMailbox); ok {
		w.router.suspendFailed(w)
		return
	}
	w.post(&w.system, message)
}

// PostUserMessage queues a message to the worker itself. It is not a task.
func (w *Worker) PostUserMessage(message any) {
	_, inner, sender := actor.UnwrapEnvelope(message)
	if batch, ok := inner.(actor.MessageBatch); ok {
		for _, m := range batch.GetMessages() {
			w.post(&w.mail, envelop(m, sender))
		}
		return
	}
	w.post(&w.mail, message)
}

// UserMessageCount is the number of messages and tasks that wait for this worker
// alone.
func (w *Worker) UserMessageCount() int {
	w.router.mu.Lock()
	defer w.router.mu.Unlock()
	return w.mail.len() + w.own.Len()
}

func (w *Worker) post(to *fifo, message any) {
	w.router.mu.Lock()
	to.push(message)
	w.router.recallLocked(w)
	wake := w.parked && w.started
	if wake {
		w.unparkLocked()
	}
	w.router.mu.Unlock()
	if wake {
		w.schedule()
	}
}

func (w *Worker) schedule() { w.dispatcher.Schedule(w.runLoop) }
