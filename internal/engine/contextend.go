package engine

import (
	"context"
	"log/slog"
	"reflect"
	"time"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// standard returns the standard context and makes it at the first call. Making and ending
// it call the caller's context, which may be user code, so no lock is held meanwhile.
func (c *Context) standard() context.Context {
	c.mu.Lock()
	std := c.std
	c.mu.Unlock()
	if std != nil {
		return std
	}
	c.use()
	std, cancel := c.derive()
	c.mu.Lock()
	if c.std != nil { // another goroutine of the handler was faster
		first := c.std
		c.mu.Unlock()
		cancel(context.Canceled)
		return first
	}
	c.std, c.cancel = std, cancel
	ended := c.ended
	c.mu.Unlock()
	if ended != nil {
		c.cancelFor(ended)
	}
	return std
}

// use marks the context as used. From then on no other task gets it, and a goroutine that
// settles the task from outside ends it. If the task has already been settled, use ends it.
func (c *Context) use() {
	c.used.Store(true)
	if cause := c.hand.enliven(c); cause != nil && c.endFor(cause) {
		c.cancelFor(cause)
	}
}

// derive makes a standard context.
func (c *Context) derive() (std context.Context, cancel func(error)) {
	parent := newCallerContext(c.caller)
	if !c.bound && parent.Done() != nil {
		parent = context.WithoutCancel(parent)
	}
	stop := func() {}
	if at, ok := c.ownDeadline(); ok {
		parent, stop = context.WithDeadlineCause(parent, at, messages.ErrTaskTimeout)
	}
	std, end := context.WithCancelCause(parent)
	return std, func(cause error) {
		defer stop()
		end(cause)
	}
}

// endFor records why the task is over, unless a reason is recorded already. It reports
// whether there is a standard context to cancel.
func (c *Context) endFor(cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endForLocked(cause)
}

func (c *Context) endForLocked(cause error) bool {
	if c.ended != nil {
		return false
	}
	c.ended = cause
	c.used.Store(true)
	return c.std != nil
}

// interrupt ends the contexts of tasks that were settled from outside, unless they have
// already ended. Contexts of callers may block.
func interrupt(endings []ending) {
	var cancels []func()
	var of *base
	for i := range endings {
		if x := endings[i].holding; x != nil {
			x.end(endings[i].cause)
		}
		if e := &endings[i]; e.ctx != nil && e.ctx.endFor(e.cause) {
			of = e.ctx.base
			cancels = append(cancels, func() { e.ctx.cancelFor(e.cause) })
		}
	}
	guard.Together(guard.Limit, cancels, func(err error) { of.contextFailed(err) })
}

// timerLag is how long the timer of a context may lag behind the engine's.
const timerLag = 10 * time.Millisecond

// cancelFor ends the standard context. After a timeout it leaves that to the context's own
// timer, which is set to the same instant, because only that timer makes Err return
// DeadlineExceeded. It waits for that timer, since the caller's context may end as soon as
// the waiter is notified and would be taken for the cause. It does not wait if the caller's
// own deadline comes first, because the caller's context need not end at its deadline.
func (c *Context) cancelFor(cause error) {
	c.mu.Lock()
	std, cancel := c.std, c.cancel
	c.mu.Unlock()
	if cancel == nil {
		return
	}
	if cause != messages.ErrTaskTimeout { //nolint:errorlint // the methods of a cause may be user code
		cancel(cause)
		return
	}
	own, _ := c.ownDeadline()
	if at, ok := std.Deadline(); !ok || !at.Equal(own) {
		return
	}
	awaitTimer(std)
}

// awaitTimer waits until a context has ended at its deadline, which has just passed.
func awaitTimer(std context.Context) {
	lag := time.NewTimer(timerLag)
	defer lag.Stop()
	select {
	case <-std.Done():
	case <-lag.C:
	}
}

// release ends a context whose handler has returned, and frees its resources.
func (c *Context) release() {
	if cancel := c.takeCancel(); cancel != nil {
		cancel(context.Canceled)
	}
}

// dismiss is release for callers that do not recover from a panic of user code.
func (c *Context) dismiss() {
	if cancel := c.takeCancel(); cancel != nil {
		if err := guard.Within(guard.Limit, func() { cancel(context.Canceled) }); err != nil {
			c.base.contextFailed(err)
		}
	}
}

// contextFailed logs that a caller's context has failed.
func (b *base) contextFailed(err error) {
	b.deliver.Log(slog.LevelError, "context of a caller failed", "error", err)
}

// takeCancel marks the context as ended and returns the function that frees it, or nil. It
// returns the function only once, since user code that it calls may panic.
func (c *Context) takeCancel() func(error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endForLocked(context.Canceled)
	cancel := c.cancel
	c.cancel = nil
	return cancel
}

// retire ends an unused context that gets no further task. A goroutine that a handler left
// behind may be about to use it. retire may be called under locks.
func (c *Context) retire() {
	c.returned.Store(true)
	if c.endFor(context.Canceled) {
		go c.dismiss()
	}
}

// Done returns a channel that is closed when the task is over. [context.Cause] says why.
func (c *Context) Done() <-chan struct{} { return c.standard().Done() }

// Err returns context.DeadlineExceeded after a timeout and context.Canceled after any other
// end.
func (c *Context) Err() error { return c.standard().Err() }

// Value returns the caller's value for a key.
func (c *Context) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c
	}
	return c.standard().Value(key)
}

// contextFor returns a context for the task. It reuses the last one if nobody used that and
// a new one would be the same.
func (h *hand) contextFor(b *base, t *Task, bound bool) *Context {
	caller := t.caller()
	if last := h.last; last != nil && last.bound == bound && last.caller == caller && t.past() == nil && !last.used.Load() {
		if last.dueAt.Load() != t.due {
			last.dueAt.Store(t.due)
		}
		if last.attrs.Load() != t.extra {
			last.attrs.Store(t.extra)
		}
		if !last.used.Load() { // else a goroutine left behind by a handler may have read the old values
			return last
		}
	}
	h.endLastContext()
	c := newContext(b, h, t)
	if t.past() == nil && isComparable(caller) {
		h.last = c
	}
	return c
}

// isComparable reports whether == on ctx cannot panic.
func isComparable(ctx context.Context) bool {
	return ctx == context.Background() || reflect.TypeOf(ctx).Kind() == reflect.Pointer
}

// endLastContext ends the last context, which gets no further task.
func (h *hand) endLastContext() {
	if h.last != nil {
		h.last.retire()
		h.last = nil
	}
}

// forgetContext makes sure that ctx, whose task is done, is not ended on behalf of the next
// task.
func (h *hand) forgetContext(ctx *Context) {
	h.last = nil
	ctx.returned.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live = nil
}
