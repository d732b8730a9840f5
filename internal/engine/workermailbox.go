package engine

import (
	"github.com/asynkron/protoactor-go/actor"
)

// A workerMailbox is the mailbox of a worker's actor, and runs the worker. A goroutine runs
// the worker only while it has something to do: system messages, messages to the worker
// itself, or tasks. It recovers from a panic or a runtime.Goexit of the actor: it settles
// the task, notifies its waiters, and then escalates the failure.
type workerMailbox struct {
	Worker
	engine  *Engine
	invoker actor.MessageInvoker

	// Guarded by the lock of the worker's queue.
	system fifo
	mail   fifo // messages to the worker itself

	// Only the goroutine that runs the worker uses these.
	doing      any  // the message that the actor handles, if it is not a task
	failure    any  // why the actor failed last; nil after its restart
	stopping   bool // it has been told to stop
	gaveUp     bool // the actor has failed while stopping
	dismissed  bool // the actor of the abandoned worker was told about its end
	restarting bool // it has been told to restart, and has not been resumed since
}

var (
	_ actor.Mailbox = (*workerMailbox)(nil)
	_ runnable      = (*workerMailbox)(nil)
	_ performer     = (*workerMailbox)(nil)
)

// newWorkerMailbox returns the mailbox of a worker that has not joined.
func newWorkerMailbox(e *Engine) *workerMailbox {
	w := &workerMailbox{engine: e}
	w.gauges, w.runs = &e.gauges, w
	w.parked, w.pace = true, newWorkerPace()
	w.q = e.shared
	if !e.late() {
		w.q = &taskQueue{owner: &w.Worker}
	}
	return w
}

// RegisterHandlers is called once, before Start.
func (w *workerMailbox) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	w.invoker = invoker
	if dispatcher != actor.Dispatcher(w.engine.sched) {
		w.dispatcher = dispatcher
	}
	self := invoker.(interface {
		Self() *actor.PID
		Parent() *actor.PID
	})
	w.pid, w.supervisor = self.Self(), self.Parent()
	w.hand.worker = w.pid.Id
}

// Start lets the worker join the pool.
func (w *workerMailbox) Start() { w.engine.join(&w.Worker) }

// PostSystemMessage queues a message of the actor system. A SuspendMailbox takes effect at
// once: before the supervisor learns of the failure, and so before a decision to resume the
// worker can arrive.
func (w *workerMailbox) PostSystemMessage(message any) {
	if _, ok := message.(*actor.SuspendMailbox); ok {
		w.suspendFailed()
		return
	}
	w.post(&w.system, message)
}

// PostUserMessage queues a message to the worker itself, which is not a task.
func (w *workerMailbox) PostUserMessage(message any) {
	_, inner, sender := actor.UnwrapEnvelope(message)
	if batch, ok := inner.(actor.MessageBatch); ok {
		for _, m := range batch.GetMessages() {
			w.post(&w.mail, envelop(m, sender))
		}
		return
	}
	w.post(&w.mail, message)
}

// UserMessageCount returns the number of messages and tasks that wait for this worker
// alone.
func (w *workerMailbox) UserMessageCount() int {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	n := w.mail.len()
	if w.q.owner != nil {
		n += w.q.exactLocked()
	}
	return n
}

func (w *workerMailbox) post(to *fifo, message any) {
	w.q.mu.Lock()
	to.push(message)
	w.poke.Store(true)
	wake := w.unparkLocked(w.q)
	w.q.mu.Unlock()
	if wake {
		w.engine.sched.schedule(&w.Worker)
	}
}

// suspendFailed suspends a worker that has failed. It drops resumes that are still queued,
// since they are answers to earlier failures.
func (w *workerMailbox) suspendFailed() {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.suspendLocked(true)
	w.system.drop(func(message any) bool { _, resume := message.(*actor.ResumeMailbox); return resume })
}

// suspend suspends the worker while its supervisor decides, or resumes it.
func (w *workerMailbox) suspend(suspended bool) {
	w.q.mu.Lock()
	w.suspendLocked(suspended)
	readmit := !suspended && w.rare != nil && w.rare.delayed
	w.q.mu.Unlock()
	if readmit {
		w.engine.readmit(&w.Worker)
	}
}

// takeMailLocked implements runnable.
func (w *workerMailbox) takeMailLocked() []any {
	mail := w.mail.waiting()
	w.mail = fifo{}
	return mail
}

func envelop(message any, sender *actor.PID) any {
	if sender == nil {
		return message
	}
	return &actor.MessageEnvelope{Message: message, Sender: sender}
}

// NewWorker returns the props of another worker, which joins the pool when it is spawned.
// All workers share one Props, unless they need sender middleware that recognizes an
// abandoned worker.
func (e *Engine) NewWorker() *actor.Props {
	if !e.cfg.Handled && e.watchdog.on() {
		return e.onlyWorker(e.cfg.WorkerProps(e.sched), nil)
	}
	if e.workerProps.Load() == nil { // the options in them are user code, so no lock is held
		e.workerProps.CompareAndSwap(nil, e.cfg.WorkerProps(e.sched).Configure(
			actor.WithMailbox(func() actor.Mailbox { return newWorkerMailbox(e) })))
	}
	return e.workerProps.Load()
}

// Adopt returns the props of a worker that stands for a foreign actor. It returns nil if
// the pool's tasks cannot be given to a foreign actor.
func (e *Engine) Adopt(foreign *actor.PID) *actor.Props {
	props := e.cfg.Adopt(foreign)
	if props == nil {
		return nil
	}
	return e.onlyWorker(props, foreign)
}

// onlyWorker adds the mailbox of a single worker to its props.
func (e *Engine) onlyWorker(props *actor.Props, foreign *actor.PID) *actor.Props {
	w := newWorkerMailbox(e)
	w.foreign = foreign
	props.Configure(actor.WithMailbox(func() actor.Mailbox { return w }))
	if !e.cfg.Handled && e.watchdog.on() {
		props.Configure(actor.WithSenderMiddleware(w.dropLateAnswers))
	}
	return props
}

// resumeSuspended resumes the workers whose failures were escalated, when the pool's parent
// has decided so.
func (e *Engine) resumeSuspended() {
	for _, w := range e.roster.all() {
		w.q.mu.Lock()
		suspended := w.suspended
		w.q.mu.Unlock()
		if suspended {
			w.runs.PostSystemMessage(&actor.ResumeMailbox{})
		}
	}
}
