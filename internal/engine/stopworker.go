package engine

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/guard"
)

// This file ends a worker: it stops the children, cancels the timer, frees the name, and
// tells the supervisor and the watchers.

// finishStop goes on with the stop of a worker after its actor has handled a message. If
// the actor has panicked, Proto.Actor cannot go on, so finishStop does what is left.
func (w *workerMailbox) finishStop(returned bool) {
	ctx := w.invoker.(actor.Context)
	registered := w.registered()
	switch {
	case w.ended:
	case !registered && returned: // Proto.Actor has done everything else
		w.ended = true
		w.tellWatchers(w.engine.deliver)
	case !registered: // it failed in Stopped
		w.ended = true
		w.engine.freeName(&w.Worker)
	case returned: // its children have not stopped yet
	case len(ctx.Children()) > 0:
		w.stopChildren(ctx)
	default:
		w.ended = true
		ctx.CancelReceiveTimeout()
		defer w.engine.freeName(&w.Worker)
		w.lastRead(new(actor.Stopped))
	}
}

// registered reports whether the worker still has its name.
func (w *workerMailbox) registered() bool {
	process, ok := w.engine.cfg.System.ProcessRegistry.GetLocal(w.pid.Id)
	return ok && process == w.process
}

func (w *workerMailbox) stopChildren(ctx actor.Context) {
	for _, child := range ctx.Children() {
		w.engine.cfg.System.Root.Stop(child)
	}
}

// lastRead passes the actor one of its last messages. A failure is logged.
func (w *workerMailbox) lastRead(message any) {
	guard.Watch(func() { w.invoker.InvokeUserMessage(message) }, func(value any) {
		w.engine.deliver.Log(slog.LevelError, "worker failed while stopping", "worker", w.hand.worker, "reason", reasonOf(value))
	})
}

// discard implements runnable. The actor has read no message and reads none.
func (w *workerMailbox) discard() {
	ctx := w.invoker.(actor.Context)
	w.stopChildren(ctx)
	ctx.CancelReceiveTimeout()
	w.engine.cfg.System.ProcessRegistry.Remove(w.pid)
	w.q.mu.Lock()
	mail := w.takeMailLocked()
	w.q.mu.Unlock()
	for _, message := range mail {
		w.engine.deliver.DeadLetter(w.pid, message)
	}
	w.tellWatchers(w.engine.deliver)
}

// farewell ends an abandoned worker whose handler has returned. Proto.Actor regards the
// worker as stopped, and another worker may have its name, so the last messages are passed
// to its actor directly.
func (w *workerMailbox) farewell() {
	w.stopping, w.ended, w.dismissed = true, true, true
	ctx := w.invoker.(actor.Context)
	// Deferred, since the actor may end the goroutine.
	defer w.lastRead(new(actor.Stopped))
	defer ctx.CancelReceiveTimeout()
	defer w.stopChildren(ctx)
	w.lastRead(new(actor.Stopping))
}
