package engine

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
)

// A workerStop ends a worker: it stops the children, cancels the timer, frees the name, and
// tells the supervisor and the watchers. Only the goroutine that runs the worker uses it.
type workerStop struct {
	*workerMailbox
	ctx actor.Context
}

// stop returns what ends the worker.
func (w *workerMailbox) stop() workerStop { return workerStop{w, w.invoker.(actor.Context)} }

// discard implements runnable.
func (w *workerMailbox) discard() { w.stop().unborn() }

// goOn goes on with the stop of a worker after its actor has handled a message. If the actor
// has panicked, Proto.Actor cannot go on, so goOn does what is left.
func (s workerStop) goOn(returned bool) {
	registered := s.registered()
	switch {
	case s.ended:
	case !registered && returned: // Proto.Actor has done everything else
		s.ended = true
		s.tellWatchers(s.engine.deliver)
	case !registered: // it failed in Stopped
		s.ended = true
		s.engine.freeName(&s.Worker)
	case returned: // its children have not stopped yet
	case len(s.ctx.Children()) > 0:
		s.stopChildren()
	default:
		s.ended = true
		s.ctx.CancelReceiveTimeout()
		defer s.engine.freeName(&s.Worker)
		s.lastRead(new(actor.Stopped))
	}
}

// registered reports whether the worker still has its name.
func (s workerStop) registered() bool {
	process, ok := s.engine.cfg.System.ProcessRegistry.GetLocal(s.pid.Id)
	return ok && process == s.process
}

func (s workerStop) stopChildren() {
	for _, child := range s.ctx.Children() {
		s.engine.cfg.System.Root.Stop(child)
	}
}

// lastRead passes the actor one of its last messages. A failure is logged.
func (s workerStop) lastRead(message any) {
	guard.Watch(func() { s.invoker.InvokeUserMessage(message) }, func(value any) {
		s.engine.deliver.Log(slog.LevelError, "worker failed while stopping", "worker", s.hand.worker, "reason", reasonOf(value))
	})
}

// unborn ends a worker that has not joined. Its actor has read no message and reads none.
func (s workerStop) unborn() {
	s.stopChildren()
	s.ctx.CancelReceiveTimeout()
	s.engine.cfg.System.ProcessRegistry.Remove(s.pid)
	s.q.mu.Lock()
	mail := s.takeMailLocked()
	s.q.mu.Unlock()
	for _, message := range mail {
		s.engine.deliver.DeadLetter(s.pid, message)
	}
	s.tellWatchers(s.engine.deliver)
}

// abandonedReturned ends an abandoned worker whose handler has returned. Proto.Actor regards
// the worker as stopped, and another worker may have its name, so the last messages are
// passed to its actor directly.
func (s workerStop) abandonedReturned() {
	s.stopping, s.ended, s.dismissed = true, true, true
	s.endLife()
	s.closeState()
	// Deferred, since the actor may end the goroutine.
	defer s.lastRead(new(actor.Stopped))
	defer s.ctx.CancelReceiveTimeout()
	defer s.stopChildren()
	s.lastRead(new(actor.Stopping))
}
