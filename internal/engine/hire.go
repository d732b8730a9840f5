package engine

import "github.com/asynkron/protoactor-go/actor"

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
	w := newWorkerMailbox(e)
	w.foreign = foreign
	props.Configure(actor.WithMailbox(func() actor.Mailbox { return w }))
	if !e.cfg.Handled && e.watchdog.on() {
		props.Configure(actor.WithSenderMiddleware(w.dropLateAnswers))
	}
	return props
}

// resumeSuspended lets the workers go on whose failure was escalated, when the pool's
// parent has decided so.
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
