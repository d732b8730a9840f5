package engine

import (
	"log/slog"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// This file is about the worker's actor: its messages that are not tasks, and its failures.

// read passes the actor a message that is not a task.
func (w *workerMailbox) read(message any) {
	if _, poison := actor.UnwrapEnvelopeMessage(message).(*actor.PoisonPill); poison && w.departWhenFree() {
		return
	}
	w.doing = message
	w.invoker.InvokeUserMessage(message)
	w.doing = nil
}

// obey handles a message of the actor system.
func (w *workerMailbox) obey(message any) {
	if w.ended {
		return
	}
	switch message.(type) {
	case *actor.ResumeMailbox:
		if w.restarting && !w.startLife() {
			return
		}
		w.engine.isBack(&w.Worker) // also without a state, after a failed start
		w.suspend(false)
		w.restarted()
		return
	case *actor.Stop:
		if w.holdsOn() {
			return
		}
		w.stopping = true
		w.hand.endLastContext()
		w.engine.leave(&w.Worker)
		w.engine.cancelHeld(&w.Worker)
		w.endLife()
		w.closeState()
	case *actor.Restart:
		if w.stopping { // a restart would make Proto.Actor forget the stop
			return
		}
		// The worker must not get a task until the actor's children have stopped. Then
		// Proto.Actor resumes it.
		w.restarting = true
		w.suspend(true)
		w.engine.restartHeld(&w.Worker)
		w.closeState()
	}
	if isStarted(message) {
		w.furnish()
	}
	w.doing = message
	w.invoker.InvokeSystemMessage(message)
	w.doing = nil
	switch {
	case w.stopping:
		w.stop().goOn(true)
	case isStarted(message):
		w.startLife()
	}
}

func isStarted(message any) bool {
	_, ok := message.(*actor.Started)
	return ok
}

// restarted counts a completed restart.
func (w *workerMailbox) restarted() {
	if !w.restarting {
		return
	}
	w.restarting = false
	w.q.mu.Lock()
	w.restarts++
	w.q.mu.Unlock()
	w.engine.notify(&messages.WorkerRestarted{Pool: w.engine.name, Worker: w.pid, Reason: w.failure})
	w.failure = nil
}

// fail handles a failure of the actor with a message that is not a task: a panic with the
// given value, or a runtime.Goexit.
func (w *workerMailbox) fail(value any) {
	w.failure = reasonOf(value)
	message := w.doing
	w.doing = nil
	switch message.(type) {
	case *actor.Started:
		w.countFailedStart(newPanic(w.failure))
	case *actor.Restart:
		if !handledRestarting(w.invoker.(actor.Context)) {
			w.replace()
			return
		}
		w.countFailedStart(newPanic(w.failure))
	}
	w.escalate(message)
}

// newPanic returns the error for a panic that no handler of a task has caused: of an actor at its
// start, or of a mailbox. It must be called where the panic was recovered.
func newPanic(value any) *messages.PanicError {
	return &messages.PanicError{Value: reasonOf(value), Stack: fromPanic(debug.Stack())}
}

// failStart handles an error of Config.Produce.
func (w *workerMailbox) failStart(err error) {
	w.failure = err
	message := w.doing
	w.doing = nil
	w.countFailedStart(err)
	w.escalate(message)
}

// countFailedStart counts a start that has failed because of err.
func (w *workerMailbox) countFailedStart(err error) {
	w.engine.startFailure.Store(&err)
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.failedStarts++
}

// handledRestarting reports whether an actor had handled Restarting when its restart failed.
// Proto.Actor forgets a message when it has been handled, and keeps one that has failed, maybe
// an earlier one.
func handledRestarting(ctx actor.Context) bool {
	switch ctx.Message().(type) {
	case nil, *actor.Started:
		return true
	default:
		return false
	}
}

// replace stops a worker whose actor has failed in its last message before a restart.
// Proto.Actor cannot go on with that restart. The supervisor spawns another worker instead.
func (w *workerMailbox) replace() {
	w.restarting = false
	w.engine.deliver.Log(slog.LevelError, "worker failed in Restarting: it is replaced", "worker", w.hand.worker, "reason", w.failure)
	w.post(&w.system, new(actor.Stop))
}

// escalate reports a failure to the supervisor. Proto.Actor's own code for that also calls
// the user's logger, on this goroutine.
func (w *workerMailbox) escalate(message any) {
	switch {
	case w.abandoned.Load(): // its supervisor treats it as stopped
		return
	case w.stopping:
		w.engine.deliver.Log(slog.LevelError, "worker failed while stopping", "worker", w.hand.worker, "reason", w.failure)
		w.stop().goOn(false)
		return
	}
	w.restarting = false
	w.layBack()
	w.engine.deliver.TellSystem(w.supervisor, &actor.Failure{
		Who: w.pid, Reason: w.failure, RestartStats: w.suspendFailed(), Message: message,
	})
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
