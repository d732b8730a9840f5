package engine

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// beginTrace tells the tracer about the attempt that is about to begin.
func (c *Context) beginTrace(t *Task) {
	b, v := c.base, t.view()
	defer b.deliver.Survive("tracer", nil)
	c.traced = traced{} // a worker may reuse c for several tasks
	seen := router.Traced{
		Worker: c.hand.worker,
		Pool:   b.name, ID: t.id(), Key: v.Key, Priority: v.Priority, Headers: v.Headers, Attempt: c.attempt,
	}
	handler, ended := b.tracer.Begun(c, seen)
	c.traced = traced{handler, ended}
}

// endTrace tells the tracer how the attempt has ended. It calls the tracer on another
// goroutine, since a panic may just have been recovered on this one.
func (c *Context) endTrace(t *Task, outcome messages.Outcome, err error) {
	ended := c.traced.ended
	if ended == nil {
		return
	}
	c.traced.ended = nil
	if state := t.load(); state.settled() { // by another goroutine: the handler may not have noticed
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

// because wraps err, which the handler returned, in the reason why the task ended. It
// returns err itself if that wraps the reason already.
func because(reason, err error) error {
	if errors.Is(err, reason) {
		return err
	}
	return fmt.Errorf("%w: %w", reason, err)
}
