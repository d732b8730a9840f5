package engine

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A Context is the context of a task's handler. Most handlers never look at theirs, so
// the standard context behind it is made when first needed. From then on it ends at the
// latest when the handler has returned.
//
// A context that was never used carries nothing of its task but the deadline and the
// attributes, so a worker gives it to the next task of the same caller.
type Context struct {
	engine  *Engine
	worker  *Worker    // nil under CallerRuns
	run     *callerRun // under CallerRuns
	caller  context.Context
	bound   bool
	attempt int
	traced  traced // set only with a tracer

	dueAt atomic.Int64          // of the task, engine time; 0: never
	attrs atomic.Pointer[extra] // of the task; nil: none

	// used says that std or ended is or will be set, or that somebody has the attributes
	// or waits: no other task gets this context. Who sets it does so before reading dueAt
	// or attrs, and the worker checks it after writing them.
	used atomic.Bool

	over     atomic.Bool // the task was settled from outside
	returned atomic.Bool // the handler that used it has returned

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

// Task returns the ID, the key and the headers that the submitter gave the task. The
// headers must not be changed.
func (c *Context) Task() router.TaskView {
	c.used.Store(true)
	x := c.attrs.Load()
	if x == nil {
		return router.TaskView{}
	}
	return router.TaskView{ID: x.id, Key: x.key, Priority: x.priority, Headers: x.headers}
}

// RunHandled does the task that a worker has in hand. It is for the worker's actor.
func (e *Engine) RunHandled(t *Task) {
	if w := e.roster.worker(t.load().worker()); w != nil && w.hand.task == t && !w.hand.settled {
		w.hand.ctx.finish(t, t.body.Run(w.hand.ctx))
	}
}

// Keep keeps the answer of the handler for the task's sender. It is called before
// the handler returns to the engine.
func (c *Context) Keep(value any) { c.hand().value = value }

// Answered reports whether the task has a sender. It is for the goroutine that runs the
// task.
func (c *Context) Answered() bool { return c.hand().word&flagAnswered != 0 }

// Work returns what the engine's Config has under that name.
func (c *Context) Work() any { return c.engine.cfg.Work }

// Attempt returns the number of the attempt, from 1.
func (c *Context) Attempt() int { return c.attempt }

// Report adds n to the counter of the task's worker.
func (c *Context) Report(name string, n int64) { c.engine.counters.report(c.engine, c.worker, name, n) }

// Deadline returns that of the task or, if the caller's end is the task's, the earlier
// of both.
func (c *Context) Deadline() (time.Time, bool) {
	own, ok := c.ownDeadline()
	if c.bound {
		if at, limited := c.caller.Deadline(); limited && (!ok || at.Before(own)) {
			return at, true
		}
	}
	return own, ok
}

func (c *Context) ownDeadline() (time.Time, bool) {
	at := c.dueAt.Load()
	if at == 0 {
		return time.Time{}, false
	}
	return c.engine.timeOf(at), true
}

// Done is closed when the task is over; [context.Cause] says why.
func (c *Context) Done() <-chan struct{} { return c.standard().Done() }

// Err is context.DeadlineExceeded after a timeout and context.Canceled after any other
// end.
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

// use says that the context is used: no other task gets it, and whoever settles the task
// from outside ends it. If that has happened, it is ended here.
func (c *Context) use() {
	c.used.Store(true)
	if cause := c.enliven(); cause != nil && c.endFor(cause) {
		c.cancelFor(cause)
	}
}

// enliven makes c the context that ends with the task in hand. It returns why the task
// has been settled from outside already, if it has.
func (c *Context) enliven() (cause error) {
	w := c.worker
	if w == nil {
		return nil
	}
	w.interrupts.Lock()
	defer w.interrupts.Unlock()
	if c.returned.Load() {
		return nil
	}
	w.live = c
	if w.hand.interrupted {
		c.over.Store(true)
		cause = w.hand.cause
	}
	return cause
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
		c.engine.deliver.Run("context", nil, func() { c.cancelFor(cause) })
	}
}

// timerLag is how long the timer of a context may lag behind the engine's.
const timerLag = 10 * time.Millisecond

// cancelFor ends the standard context. After a timeout that is left to its own timer,
// which is set to the same instant, because only that makes its Err DeadlineExceeded.
// cancelFor waits for that timer, since the caller's context may end as soon as the
// waiter is told and would be taken for the cause. It does not wait if the caller's own
// deadline comes first, since the caller may have promised it in vain.
func (c *Context) cancelFor(cause error) {
	c.mu.Lock()
	std, cancel := c.std, c.cancel
	c.mu.Unlock()
	if cancel == nil {
		return
	}
	if !errors.Is(cause, messages.ErrTaskTimeout) {
		cancel(cause)
		return
	}
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
}

// release ends a context whose handler has returned, and frees what it holds.
func (c *Context) release() {
	if cancel := c.takeCancel(); cancel != nil {
		cancel(context.Canceled)
	}
}

// dismiss is release for places where nothing recovers a panic of the user's code.
func (c *Context) dismiss() {
	if cancel := c.takeCancel(); cancel != nil {
		c.engine.deliver.Run("context", nil, func() { cancel(context.Canceled) })
	}
}

// takeCancel says that the context has ended, and returns what frees it, nil if there
// is nothing to free. It does so once, since the user's code may panic in that.
func (c *Context) takeCancel() func(error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endForLocked(context.Canceled)
	cancel := c.cancel
	c.cancel = nil
	return cancel
}

// retire ends a context that no further task is given and that was not used; but a
// goroutine left behind by a handler may be about to. It may be called under locks.
func (c *Context) retire() {
	c.returned.Store(true)
	if c.endFor(context.Canceled) {
		go c.dismiss()
	}
}

func (e *Engine) newContext(t *Task, w *Worker) *Context {
	c := &Context{
		engine: e, worker: w, caller: t.callerOrBackground(), bound: t.load()&flagBound != 0, attempt: t.attempts(),
	}
	c.dueAt.Store(t.due)
	c.attrs.Store(t.extra)
	return c
}

// contextFor returns a context for the task: the last one of the worker, if that was
// not used and would be the same.
func (w *Worker) contextFor(t *Task, bound bool) *Context {
	caller := t.callerOrBackground()
	if last := w.lastCtx; last != nil && last.bound == bound && last.caller == caller && t.past() == nil && !last.used.Load() {
		if last.dueAt.Load() != t.due {
			last.dueAt.Store(t.due)
		}
		if last.attrs.Load() != t.extra {
			last.attrs.Store(t.extra)
		}
		if !last.used.Load() { // else a goroutine left behind may have read them before
			return last
		}
	}
	w.endLastContext()
	c := w.engine.newContext(t, w)
	if t.past() == nil && isComparable(caller) {
		w.lastCtx = c
	}
	return c
}

// endLastContext ends a context that no further task is given.
func (w *Worker) endLastContext() {
	if w.lastCtx != nil {
		w.lastCtx.retire()
		w.lastCtx = nil
	}
}

// isComparable reports whether == on ctx cannot panic.
func isComparable(ctx context.Context) bool {
	return ctx == context.Background() || reflect.TypeOf(ctx).Kind() == reflect.Pointer
}
