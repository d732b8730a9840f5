package engine

import (
	"context"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// traced is the tracer's part of a Context.
type traced struct {
	handler context.Context // what the handler gets; nil: the Context itself
	ended   func(messages.Outcome, error)
}

// Handler returns the context that the handler gets.
func (c *Context) Handler() context.Context {
	if c.traced.handler != nil {
		return c.traced.handler
	}
	return c
}

// submitTraced tells the tracer of a task before it is admitted, and whether it was.
func (e *Engine) submitTraced(ctx context.Context, t *Task, s *Spec, fill func(Body)) (err error) {
	admitted := e.traceSubmission(ctx, s)
	err = messages.ErrGoexit // unless admit returns: a custom dispatch may end the goroutine
	defer func() { admitted(err) }()
	return e.admit(ctx, t, s, fill)
}

func (e *Engine) traceSubmission(ctx context.Context, s *Spec) (admitted func(error)) {
	admitted = func(error) {}
	defer e.deliver.Survive("tracer", nil)
	headers, tell := e.cfg.Tracer.Submitted(ctx, router.Traced{
		Pool: e.cfg.Name, ID: s.ID, Key: s.Key, Priority: s.Priority, Headers: s.Headers,
	})
	s.Headers = headers
	if tell == nil {
		return admitted
	}
	return func(err error) {
		defer e.deliver.Survive("tracer", nil)
		tell(err)
	}
}

// beginTrace tells the tracer of the attempt that is about to begin.
func (c *Context) beginTrace(t *Task) {
	e, v := c.engine, t.view()
	defer e.deliver.Survive("tracer", nil)
	c.traced = traced{} // a worker may give c to several tasks
	seen := router.Traced{
		Pool: e.cfg.Name, ID: t.id(), Key: v.Key, Priority: v.Priority, Headers: v.Headers, Attempt: c.attempt,
	}
	if c.worker != nil {
		seen.Worker = c.worker.id
	}
	handler, ended := e.cfg.Tracer.Begun(c, seen)
	c.traced = traced{handler, ended}
}

// endTrace tells the tracer how the attempt has ended. It may be called where a panic
// has just been recovered: hence the goroutine of its own.
func (c *Context) endTrace(t *Task, outcome messages.Outcome, err error) {
	ended := c.traced.ended
	if ended == nil {
		return
	}
	c.traced.ended = nil
	if state := t.load(); state.settled() { // by others: the handler may not have noticed
		outcome = state.status().outcome()
		reason := messages.ErrCanceled
		if outcome == messages.TimedOut {
			reason = messages.ErrTaskTimeout
		}
		if err == nil {
			err = reason
		} else {
			err = because(reason, err)
		}
	}
	c.engine.deliver.Run("tracer", nil, func() { ended(outcome, err) })
}
