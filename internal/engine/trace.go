package engine

import (
	"log/slog"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// beginTrace tells the tracer about the attempt that is about to begin.
func (c *Context) beginTrace(t *Task) {
	b, v := c.base, t.view()
	c.traced = traced{} // a worker may reuse c for several tasks
	seen := router.Traced{
		Worker: c.hand.worker,
		Pool:   b.name, ID: t.id(), Key: v.Key, Priority: v.Priority, Headers: v.Headers, Attempt: c.attempt,
	}
	b.tracerFailed(guard.Call(func() {
		handler, ended := b.tracer.Begun(c, seen)
		c.traced = traced{handler, ended}
	}))
}

// endTrace tells the tracer how the attempt has ended, unless it knows. It calls the tracer on
// another goroutine, since a panic may just have been recovered on this one, and since the
// waiter of the task must not wait for a tracer that blocks.
func (c *Context) endTrace(t *Task, outcome messages.Outcome, err error) {
	if state := t.load(); state.settled() { // by another goroutine: the handler may not have noticed
		outcome = state.status().outcome()
		if outcome == messages.Succeeded { // by a copy, which has had this attempt canceled
			outcome = messages.Canceled
		}
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
	c.tellTracer(outcome, err)
}

// tellTracer tells the tracer, once, that the attempt has ended.
func (c *Context) tellTracer(outcome messages.Outcome, err error) {
	c.mu.Lock() // a held task may be settled by two goroutines
	ended := c.traced.ended
	c.traced.ended = nil
	c.mu.Unlock()
	if ended != nil {
		c.base.traces.DoAndWait(c.hand, func() { ended(outcome, err) })
	}
}

// tracerFailed logs that the tracer has failed, unless err is nil.
func (b *base) tracerFailed(err error) {
	if err != nil {
		b.deliver.Log(slog.LevelError, "tracer failed", "error", err)
	}
}
