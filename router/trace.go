package router

import (
	"context"

	"github.com/troupe-go/troupe/messages"
)

// A Tracer follows tasks, from where they are submitted to where they are done, which
// may be elsewhere and much later. It is safe for concurrent use. Whoever submits or does
// the task waits for it; a panic in it is logged, and the task goes on without.
type Tracer interface {
	// Submitted is called before the task is admitted. It returns the headers that the
	// task is to have instead of its own, which must not be written to, and a function
	// that is called with the error that the task is rejected with, nil if it has been
	// accepted.
	Submitted(ctx context.Context, task Traced) (headers map[string]string, admitted func(error))
	// Begun is called before each attempt. It returns the context for the handler, which
	// must be derived from ctx, and a function that is called with what the attempt has
	// come to, when its handler has returned: that is before whoever waits for the task is
	// told, unless the task has been timed out or canceled by then. The outcome is that of
	// the attempt, also where another one follows.
	Begun(ctx context.Context, task Traced) (handler context.Context, ended func(messages.Outcome, error))
}

// Traced is what a [Tracer] sees of a task.
type Traced struct {
	Pool     string
	ID       string // at the submission, empty if the submitter named none
	Key      string
	Priority int
	Headers  map[string]string // must not be changed
	Worker   string            // the ID of its PID; empty at the submission, and where the task runs in its caller
	Attempt  int               // from 1; 0 at the submission
}

// traced is the tracer's part of a Context.
type traced struct {
	handler context.Context // what the handler gets; nil: the Context itself
	ended   func(messages.Outcome, error)
}

// Handler is the context that the handler gets.
func (c *Context) Handler() context.Context {
	if c.traced.handler != nil {
		return c.traced.handler
	}
	return c
}

func (r *Router) tracedTask(c *Cell) Traced {
	task := Traced{Pool: r.cfg.Name, Priority: c.priority()}
	if attrs := c.attrs(); attrs != nil {
		task.ID, task.Key, task.Headers = attrs.ID, attrs.Key, attrs.Headers
	}
	return task
}

// traceSubmission tells the tracer of a task before it is admitted, and returns how to
// tell it of the admission.
func (r *Router) traceSubmission(ctx context.Context, c *Cell) (admitted func(error)) {
	admitted = func(error) {}
	defer r.deliver.Survive("tracer", nil)
	headers, tell := r.cfg.Tracer.Submitted(ctx, r.tracedTask(c))
	c.Attrs().Headers = headers
	if tell == nil {
		return admitted
	}
	return func(err error) {
		defer r.deliver.Survive("tracer", nil)
		tell(err)
	}
}

// beginTrace tells the tracer of the attempt at c that is about to begin.
func (c *Context) beginTrace(task *Cell) {
	r := c.router
	defer r.deliver.Survive("tracer", nil)
	c.traced = traced{} // a worker may give c to several tasks
	seen := r.tracedTask(task)
	seen.ID, seen.Attempt = task.id(), c.attempt
	if c.worker != nil {
		seen.Worker = c.worker.id
	}
	handler, ended := r.cfg.Tracer.Begun(c, seen)
	c.traced = traced{handler, ended}
}

// endTrace tells the tracer what the attempt has come to.
func (c *Context) endTrace(task *Cell, outcome messages.Outcome, err error) {
	if c.traced.ended != nil {
		c.tellEnd(task, outcome, err)
	}
}

// tellEnd may be called where a panic has just been recovered: hence the goroutine of
// its own.
func (c *Context) tellEnd(task *Cell, outcome messages.Outcome, err error) {
	ended := c.traced.ended
	c.traced.ended = nil
	if task.isSettled() { // by others, under mu
		outcome, err = c.router.interruption(task, err)
	}
	c.router.deliver.Run("tracer", nil, func() { ended(outcome, err) })
}

// interruption is what the attempt has come to whose task got its outcome from others,
// when its handler has returned: it may not have noticed.
func (r *Router) interruption(task *Cell, err error) (messages.Outcome, error) {
	r.mu.Lock()
	outcome := task.Outcome()
	r.mu.Unlock()
	reason := messages.ErrCanceled
	if outcome == messages.TimedOut {
		reason = messages.ErrTaskTimeout
	}
	if err == nil {
		return outcome, reason
	}
	return outcome, because(reason, err)
}
