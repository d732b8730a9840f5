package router

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A Context is the context of a task's handler. Most handlers never look at
// theirs, so the standard context behind it is made when first needed. From then on
// it ends at the latest when the handler has returned.
//
// A context that was never asked for its Done, Err or Value carries nothing of its
// task but the deadline, so a worker may give it to the next task of the same caller.
type Context struct {
	caller  context.Context
	bound   bool
	worker  *Worker    // nil under CallerRuns
	run     *callerRun // under CallerRuns
	router  *Router
	attrs   *Attrs
	attempt int
	traced  traced // nothing without a tracer

	dueAt atomic.Int64 // of the task, on the router's clock; 0: never

	used atomic.Bool // std or ended is set or about to be, or it has waited: no other task gets it

	// Guarded by Router.mu.
	waits   int   // goroutines of the handler that wait for tasks of its own pool
	awaited *Cell // what they wait for last, while waits > 0

	mu     sync.Mutex
	std    context.Context // guarded by mu; nil until needed
	cancel func(error)     // guarded by mu; set with std
	ended  error           // guarded by mu; why the task is over, nil while it is not; written once
}

var _ context.Context = (*Context)(nil)

// contextKey leads from any context derived from a Context back to it.
type contextKey struct{}

// FromContext returns the context of the task that ctx was derived from, or nil.
func FromContext(ctx context.Context) *Context {
	c, _ := ctx.Value(contextKey{}).(*Context)
	return c
}

// Attrs are the task's rare attributes, nil if it has none. They must not be
// changed.
func (c *Context) Attrs() *Attrs { return c.attrs }

// Attempt is which attempt this is, from 1.
func (c *Context) Attempt() int { return c.attempt }

// Work is what Config.Work returned.
func (c *Context) Work() any { return c.router.work }

// Report adds n to the counter of the task's worker.
func (c *Context) Report(name string, n int64) { c.router.report(c.worker, name, n) }

// Deadline is that of the task or, if the caller's end is the task's, the
// earlier of both.
func (c *Context) Deadline() (time.Time, bool) {
	own, ok := c.ownDeadline()
	if c.bound {
		if at, limited := c.caller.Deadline(); limited && (!ok || at.Before(own)) {
			return at, true
		}
	}
	return own, ok
}

// ownDeadline is that of the task.
func (c *Context) ownDeadline() (time.Time, bool) {
	at := c.dueAt.Load()
	if at == 0 {
		return time.Time{}, false
	}
	return c.router.timeOf(at), true
}

// Done is closed when the task is over; [context.Cause] says why.
func (c *Context) Done() <-chan struct{} { return c.standard().Done() }

// Err is context.DeadlineExceeded after a timeout and context.Canceled after
// any other end.
func (c *Context) Err() error { return c.standard().Err() }

// Value returns the caller's values.
func (c *Context) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c
	}
	return c.standard().Value(key)
}

// standard makes the standard context when it is first called. That and its end run
// code of the caller's context, which may be the user's, so neither is done under a
// lock.
func (c *Context) standard() context.Context {
	c.mu.Lock()
	std := c.std
	c.mu.Unlock()
	if std != nil {
		return std
	}
	c.used.Store(true) // before its deadline is read: see contextFor
	std, cancel := c.derive()
	c.mu.Lock()
	if c.std != nil { // another goroutine of the handler was quicker
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

// derive makes a standard context.
func (c *Context) derive() (std context.Context, cancel func(error)) {
	parent := c.caller
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

// endFor says why the task is over, unless it is known. It reports whether the context
// is to end for that.
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

// interrupt ends the context for the given reason, unless it has ended already.
func (c *Context) interrupt(cause error) {
	if c.endFor(cause) {
		c.router.deliver.Run("context", nil, func() { c.cancelFor(cause) })
	}
}

// timerLag is how long the timer of a context may lag behind the pool's.
const timerLag = 10 * time.Millisecond

// cancelFor ends the standard context. After a timeout that is left to its own timer,
// which is set to the same instant: only that makes its Err DeadlineExceeded. It is waited
// for, since the caller's context may end as soon as the waiter is told, and would else be
// taken for the cause; but not where the caller's own end comes first, which it may have
// promised in vain.
func (c *Context) cancelFor(cause error) {
	c.mu.Lock()
	std, cancel := c.std, c.cancel
	c.mu.Unlock()
	switch {
	case cancel == nil:
	case errors.Is(cause, messages.ErrTaskTimeout):
		own, _ := c.ownDeadline()
		if at, ok := std.Deadline(); !ok || !at.Equal(own) {
			return
		}
		lag := time.NewTimer(timerLag)
		defer lag.Stop()
		select {
		case <-std.Done():
		case <-lag.C:
		}
	default:
		cancel(cause)
	}
}

// release ends a context whose handler has returned, and frees what it holds.
func (c *Context) release() {
	if cancel := c.takeCancel(); cancel != nil {
		cancel(context.Canceled)
	}
}

// dismiss is release for where a panic of the user's code has nobody to recover it.
func (c *Context) dismiss() {
	if cancel := c.takeCancel(); cancel != nil {
		c.router.deliver.Run("context", nil, func() { cancel(context.Canceled) })
	}
}

// takeCancel says that the context has ended, and returns what frees it, nil if there
// is nothing to free. It does so once, for the user's code may panic in that.
func (c *Context) takeCancel() func(error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endForLocked(context.Canceled)
	cancel := c.cancel
	c.cancel = nil
	return cancel
}

// retire ends a context that no task will be given any more and that nobody has asked
// for anything; but a goroutine left behind by a handler may be about to. It may be
// called under locks.
func (c *Context) retire() {
	if c.endFor(context.Canceled) {
		go c.dismiss()
	}
}

// contextFor returns a context for the cell: the last one of the worker, if
// nothing was asked of it and it would be the same.
func (w *Worker) contextFor(c *Cell) *Context {
	plain := c.rare == nil || c.rare.attrs == nil && c.rare.past == nil
	if last := w.lastCtx; last != nil && plain && last.bound == c.bound &&
		last.caller == c.callerOrBackground() && !last.used.Load() {
		if at := c.dueAt(); last.dueAt.Load() != at {
			last.dueAt.Store(at)
		}
		if !last.used.Load() { // else a goroutine left behind may have read the deadline before
			return last
		}
	}
	w.endLastContext()
	ctx := w.router.newContext(c, w)
	if plain && isComparable(ctx.caller) {
		w.lastCtx = ctx
	}
	return ctx
}

// endLastContext ends a context that no task will be given any more.
func (w *Worker) endLastContext() {
	if w.lastCtx != nil {
		w.lastCtx.retire()
		w.lastCtx = nil
	}
}

func (r *Router) newContext(c *Cell, w *Worker) *Context {
	ctx := &Context{caller: c.callerOrBackground(), bound: c.bound, worker: w, router: r, attrs: c.attrs(), attempt: c.attempts()}
	ctx.dueAt.Store(c.dueAt())
	return ctx
}

func (c *Cell) callerOrBackground() context.Context {
	if c.caller == nil {
		return context.Background()
	}
	return c.caller
}

// isComparable reports whether == on ctx cannot panic.
func isComparable(ctx context.Context) bool {
	return ctx == context.Background() || reflect.TypeOf(ctx).Kind() == reflect.Pointer
}
