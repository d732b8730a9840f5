package engine

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/mailbox"
)

// A workerMailbox is the mailbox of a worker's actor, and runs the worker. A goroutine runs
// the worker only while it has something to do: system messages, messages to the worker
// itself, or tasks. It recovers from a panic or a runtime.Goexit of the actor: it settles
// the task, notifies its waiters, and then escalates the failure.
type workerMailbox struct {
	Worker
	engine  *Engine
	invoker actor.MessageInvoker
	process actor.Process // its entry in the registry of names

	// Guarded by the lock of the worker's queue.
	system mailbox.FIFO
	mail   mailbox.FIFO // messages to the worker itself
	struck bool         // nobody reads messages any more

	// Only the goroutine that runs the worker uses these.
	doing      any  // the message that the actor handles, if it is not a task
	failure    any  // why the actor failed last; nil after its restart
	stopping   bool // it has been told to stop
	ended      bool // it has stopped
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
	if e.cfg.Produce != nil {
		w.hand.state = new(workerState)
	}
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
	w.process, _ = w.engine.cfg.System.ProcessRegistry.GetLocal(self.Self().Id)
	w.q.mu.Lock() // a Watch may come first, since the name is registered before
	w.pid, w.supervisor = self.Self(), self.Parent()
	w.q.mu.Unlock()
	w.hand.worker = w.pid.Id
}

// Start is called when the worker has been spawned. It reads no message before Join.
func (w *workerMailbox) Start() { w.engine.spawned(&w.Worker) }

// PostSystemMessage queues a message of the actor system. A SuspendMailbox takes effect at
// once: before the supervisor learns of the failure, and so before a decision to resume the
// worker can arrive.
func (w *workerMailbox) PostSystemMessage(message any) {
	switch message.(type) {
	case *actor.SuspendMailbox:
		w.suspendFailed()
		w.engine.wakeForShunned()
	case *actor.Watch, *actor.Unwatch:
		list, self := w.watchers()
		list.Handle(w.engine.deliver, self, message)
	default:
		w.post(&w.system, message)
		if _, stop := message.(*actor.Stop); stop {
			w.hand.state.interrupt() // after the post, so that no task gets a state whose context has ended
		}
	}
}

// PostUserMessage queues a message to the worker itself, which is not a task. If the worker is
// gone, the message becomes a Proto.Actor dead letter.
func (w *workerMailbox) PostUserMessage(message any) {
	refuse := func(envelope any) { w.engine.deliver.Refuse(w.pid, envelope) }
	unbatch(message, maxNesting, func(envelope any) {
		if !w.post(&w.mail, envelope) {
			refuse(envelope)
		}
	}, func(batch any, _ error) { refuse(batch) })
}

// UserMessageCount returns the number of messages and tasks that wait for this worker
// alone.
func (w *workerMailbox) UserMessageCount() int {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	n := w.mail.Len()
	if w.q.owner != nil {
		n += w.q.exactLocked()
	}
	return n
}

// post queues a message and schedules the worker. It returns false if the worker is gone.
func (w *workerMailbox) post(to *mailbox.FIFO, message any) bool {
	taken, wake := w.push(to, message)
	if wake {
		w.engine.sched.schedule(&w.Worker)
	}
	return taken
}

// push queues a message. wake says that the caller must schedule the worker.
func (w *workerMailbox) push(to *mailbox.FIFO, message any) (taken, wake bool) {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	if w.struck {
		return false, false
	}
	to.Push(message)
	w.poke.Store(true)
	return true, w.unparkLocked(w.q)
}

// suspendFailed suspends a worker that has failed. It drops resumes that are still queued,
// since they are answers to earlier failures. It returns the statistics of the worker's
// failures, which belong to the strategy.
func (w *workerMailbox) suspendFailed() *actor.RestartStatistics {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	x := w.rareLocked()
	if x.failures == nil {
		x.failures = actor.NewRestartStatistics()
	}
	w.suspendLocked(true)
	w.system.Drop(func(message any) bool { _, resume := message.(*actor.ResumeMailbox); return resume })
	return x.failures
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
	mail := w.mail.Waiting()
	w.mail, w.struck = mailbox.FIFO{}, true
	return mail
}

func envelop(message any, sender *actor.PID) any {
	if sender == nil {
		return message
	}
	return &actor.MessageEnvelope{Message: message, Sender: sender}
}

// NewWorker returns the props of another worker, which joins the pool at Join.
// All workers share one Props.
func (e *Engine) NewWorker() *actor.Props {
	if e.workerProps.Load() == nil { // the options in them are user code, so no lock is held
		e.workerProps.CompareAndSwap(nil, e.cfg.WorkerProps(e.sched).Configure(
			actor.WithMailbox(func() actor.Mailbox { return newWorkerMailbox(e) })))
	}
	return e.workerProps.Load()
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
