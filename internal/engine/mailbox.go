package engine

import (
	"github.com/asynkron/protoactor-go/actor"
)

// A mailbox has the messages of a worker that are no tasks, and what Proto.Actor hands
// to a mailbox.
type mailbox struct {
	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher

	// Guarded by the lock of the worker's queue.
	system fifo
	mail   fifo // messages to the worker itself

	// Only for the goroutine that runs the worker.
	doing      any   // the message that the actor has, if that is no task
	failure    any   // why the actor failed last; nil after its restart
	stopping   bool  // it has been told to stop
	gaveUp     bool  // it has failed in doing so
	dismissed  bool  // its actor was told its end, after it had been abandoned
	restarting bool  // it has been told to restart, and not been resumed since
	barren     int32 // failed starts in a row; written under the lock
	restarts   int64 // written under the lock
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
func (w *Worker) Start() { w.engine.join(w) }

// PostSystemMessage queues a message of the actor system. A worker that fails is
// suspended at once: before its supervisor hears of it, and so before a decision to
// resume it can come.
func (w *Worker) PostSystemMessage(message any) {
	if _, ok := message.(*actor.SuspendMailbox); ok {
		w.suspendFailed()
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

// UserMessageCount returns the number of messages and tasks that wait for this worker
// alone.
func (w *Worker) UserMessageCount() int {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	n := w.mail.len()
	if w.q.owner != nil {
		n += w.q.exactLocked()
	}
	return n
}

func (w *Worker) post(to *fifo, message any) {
	w.q.mu.Lock()
	to.push(message)
	w.poke.Store(true)
	wake := w.unparkLocked(w.q)
	w.q.mu.Unlock()
	if wake {
		w.schedule()
	}
}

// suspendFailed suspends a worker that has failed. A resume that still waits was for
// what came before the failure.
func (w *Worker) suspendFailed() {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.suspendLocked(true)
	w.system.drop(func(message any) bool { _, resume := message.(*actor.ResumeMailbox); return resume })
}

// suspend keeps the worker from working while its supervisor decides, or ends that.
func (w *Worker) suspend(suspended bool) {
	w.q.mu.Lock()
	w.suspendLocked(suspended)
	readmit := !suspended && w.rare != nil && w.rare.delayed
	w.q.mu.Unlock()
	if readmit {
		w.engine.readmit(w)
	}
}

func (w *Worker) suspendLocked(suspended bool) {
	w.suspended = suspended
	w.recallLocked(w.q)
	w.refreshLocked(w.q)
	if suspended {
		w.poke.Store(true)
	}
}

func envelop(message any, sender *actor.PID) any {
	if sender == nil {
		return message
	}
	return &actor.MessageEnvelope{Message: message, Sender: sender}
}
