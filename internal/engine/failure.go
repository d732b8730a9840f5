package engine

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// This file is about the worker's actor: its messages that are not tasks, and its failures.

// read passes the actor a message that is not a task.
func (w *workerMailbox) read(message any) {
	w.doing = message
	w.invoker.InvokeUserMessage(message)
	w.doing = nil
}

// obey handles a message of the actor system.
func (w *workerMailbox) obey(message any) {
	switch message.(type) {
	case *actor.ResumeMailbox:
		w.suspend(false)
		w.restarted()
		return
	case *actor.Stop:
		w.stopping = true
		w.hand.endLastContext()
		w.engine.leave(&w.Worker)
	case *actor.Restart:
		if w.stopping { // a restart would make Proto.Actor forget the stop
			return
		}
		// The worker must not get a task until the actor's children have stopped. Then
		// Proto.Actor resumes it.
		w.restarting = true
		w.suspend(true)
	}
	w.doing = message
	w.invoker.InvokeSystemMessage(message)
	w.doing = nil
	if _, ok := message.(*actor.Started); ok {
		w.setFailedStarts(0)
	}
}

// restarted counts a completed restart.
func (w *workerMailbox) restarted() {
	if !w.restarting {
		return
	}
	w.restarting = false
	w.q.mu.Lock()
	w.failedStarts = 0
	w.restarts++
	w.q.mu.Unlock()
	w.engine.deliver.Tell(w.supervisor, &messages.WorkerRestarted{Pool: w.engine.name, Worker: w.pid, Reason: w.failure})
	w.failure = nil
}

func (w *workerMailbox) setFailedStarts(n int32) {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.failedStarts = n
}

// fail handles a failure of the actor with a message that is not a task.
func (w *workerMailbox) fail(value any) {
	w.failure = reasonOf(value)
	message := w.doing
	w.doing = nil
	switch message.(type) {
	case *actor.Started, *actor.Restart:
		w.q.mu.Lock()
		w.failedStarts++
		w.q.mu.Unlock()
	}
	w.escalate(message)
}

// escalate reports a failure to the supervisor.
func (w *workerMailbox) escalate(message any) {
	if w.abandoned.Load() {
		return // its supervisor treats it as stopped
	}
	if w.stopping {
		w.giveUp()
		return
	}
	w.restarting = false
	w.layBack()
	// EscalateFailure logs the reason, which may run user code. If that code ends the
	// goroutine, another goroutine goes on with the worker.
	defer w.surviveEscalation()
	w.invoker.EscalateFailure(w.failure, message)
}

// layBack puts claimed tasks that have not started back into the queue, for others.
func (w *workerMailbox) layBack() {
	if w.at == len(w.batch) {
		return
	}
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.layBackLocked(w.q, w.runner)
	w.countBatchLocked(w.q)
}

func (w *workerMailbox) surviveEscalation() {
	if value := recover(); value != nil { // a guardian with its own strategy may panic
		w.engine.cfg.Logger.Error("cannot escalate", "pool", w.engine.name, "worker", w.hand.worker, "panic", value)
	}
}

// giveUp ends a worker whose actor failed while it was being stopped. Otherwise Proto.Actor
// would treat the worker, and with it the pool, as neither alive nor stopped.
func (w *workerMailbox) giveUp() {
	if w.gaveUp {
		return
	}
	w.gaveUp = true
	w.engine.cfg.Logger.Error("worker failed while stopping", "pool", w.engine.name, "worker", w.hand.worker, "reason", w.failure)
	w.engine.freeName(&w.Worker)
}

// farewell ends an abandoned worker whose handler has returned. Proto.Actor regards the
// worker as stopped, and another worker may have its name, so the stop messages are passed
// to its actor directly. A failure of the actor here is ignored.
func (w *workerMailbox) farewell() {
	w.stopping, w.gaveUp, w.dismissed = true, true, true
	w.read(&actor.Stopping{})
	for _, child := range w.invoker.(actor.Context).Children() {
		w.engine.cfg.System.Root.Stop(child)
	}
	w.read(&actor.Stopped{})
}

// dropLateAnswers discards responses of an abandoned actor to the sender of its task.
func (w *workerMailbox) dropLateAnswers(next actor.SenderFunc) actor.SenderFunc {
	return func(ctx actor.SenderContext, to *actor.PID, envelope *actor.MessageEnvelope) {
		if w.abandoned.Load() && w.senderInHand().Equal(to) {
			w.engine.deliver.DeadLetter(to, envelope.Message)
			return
		}
		next(ctx, to, envelope)
	}
}

// senderInHand returns the sender of the task in hand of an abandoned worker, or nil.
func (w *workerMailbox) senderInHand() *actor.PID {
	if t := w.hand.task; t != nil {
		return t.body.Sender()
	}
	return nil
}
