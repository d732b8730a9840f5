package actors

import (
	"context"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// A boundTask is the body of a task that is canceled when the context ends with which it was
// submitted. The body within does the work. Ask and Map watch the contexts of their tasks
// themselves.
type boundTask struct {
	engine.Body
	engine *engine.Engine
	task   *engine.Task
	cause  atomic.Pointer[error] // what has ended the context; nil: nothing yet
	stop   func()                // ends the watch on the context; nil once the task is settled
}

// submitBound submits a task that is canceled when ctx ends. The task is not reused.
func (p *running) submitBound(ctx context.Context, t *engine.Task, s *engine.Spec) error {
	b := &boundTask{Body: t.Body(), engine: p.engine, task: t}
	t.Init(b)
	// The watch begins before the submission, so that no end is missed.
	stop := p.engine.WhenEnded(ctx, b.ended)
	b.stop = stop
	accepted := false
	defer func() {
		if !accepted { // also after a panic or a Goexit of user code
			stop()
		}
	}()
	if err := p.engine.Submit(ctx, t, s); err != nil {
		return err
	}
	accepted = true
	b.cancel() // if ctx ended before the task could be canceled
	return nil
}

// ended cancels the task, if it has been accepted.
func (b *boundTask) ended(cause error) {
	b.cause.Store(&cause)
	b.cancel()
}

// cancel cancels the task if its context has ended.
func (b *boundTask) cancel() {
	if cause := b.cause.Load(); cause != nil {
		b.engine.Cancel(b.task, engine.Because(messages.ErrCanceled, *cause))
	}
}

// Settled implements engine.Body.
func (b *boundTask) Settled(s *engine.Settlement) {
	b.stop()
	b.stop = nil // it refers to the context
	b.Body.Settled(s)
}
