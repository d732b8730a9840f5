package engine

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// beginTrace tells the tracer of the attempt that is about to begin.
func (c *Context) beginTrace(t *Task) {
	b, v := c.base, t.view()
	defer b.deliver.Survive("tracer", nil)
	c.traced = traced{} // a worker may give c to several tasks
	seen := router.Traced{
		Worker: c.hand.worker,
		Pool:   b.name, ID: t.id(), Key: v.Key, Priority: v.Priority, Headers: v.Headers, Attempt: c.attempt,
	}
	handler, ended := b.tracer.Begun(c, seen)
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
	c.base.deliver.Run("tracer", nil, func() { ended(outcome, err) })
}

// because says why a task ended that its handler returned err from, unless err says so
// itself.
func because(reason, err error) error {
	if errors.Is(err, reason) {
		return err
	}
	return fmt.Errorf("%w: %w", reason, err)
}
