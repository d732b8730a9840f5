package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A Context is the context of a task's handler. Most handlers never use theirs, so the
// standard context behind it is made when it is first needed. It ends at the latest when
// the handler has returned.
//
// A context that was never used carries nothing of its task but the deadline and the
// attributes. So a worker reuses it for the next task of the same caller.
type Context struct {
	base   *base
	hand   *hand
	caller context.Context
	dueAt  atomic.Int64          // the task's deadline, engine time; 0: never
	attrs  atomic.Pointer[extra] // the task's; nil: none
	bound  bool

	// used says that no other task may get this context: std or ended is or will be set, or
	// somebody has read the attributes or waits. A goroutine sets used before it reads
	// dueAt or attrs, and the worker checks used after writing them.
	used atomic.Bool

	over     atomic.Bool // the task was settled from outside
	returned atomic.Bool // the handler that used it has returned

	attempt int
	traced  traced // set only with a tracer

	mu     sync.Mutex
	std    context.Context // guarded by mu; nil until needed
	cancel func(error)     // guarded by mu; set with std
	ended  error           // guarded by mu; why the task is over; nil while it is not; written once
}

var _ context.Context = (*Context)(nil)

// contextKey is the key that leads from any context derived from a Context back to it.
type contextKey struct{}

// FromContext returns the Context that ctx was derived from, or nil.
func FromContext(ctx context.Context) *Context {
	c, _ := ctx.Value(contextKey{}).(*Context)
	return c
}

// Task returns the ID, the key, the priority and the headers that the submitter gave the
// task. The caller must not change the headers.
func (c *Context) Task() router.TaskView {
	c.used.Store(true)
	x := c.attrs.Load()
	if x == nil {
		return router.TaskView{}
	}
	return router.TaskView{ID: x.id, Key: x.key, Priority: x.priority, Headers: x.headers}
}

// Handler returns the context that is passed to the handler.
func (c *Context) Handler() context.Context {
	if c.traced.handler != nil {
		return c.traced.handler
	}
	return c
}

// Keep stores the handler's answer for the task's sender. It is called before the handler
// returns to the engine.
func (c *Context) Keep(value any) { c.hand.value = value }

// Answered reports whether the task has a sender or its Spec was Told. Only the goroutine
// that runs the task may call it.
func (c *Context) Answered() bool { return c.hand.word&flagAnswered != 0 }

// Raced reports whether the task may run in several copies: then what Keep was given is the
// answer. Only the goroutine that runs the task may call it.
func (c *Context) Raced() bool { return c.hand.race() != nil }

// Work returns Config.Work.
func (c *Context) Work() any { return c.base.work }

// Sequence returns the pool's number of the task. Only the goroutine that runs the task may
// call it.
func (c *Context) Sequence() int64 { return int64(c.hand.word.sequence()) }

// Attempt returns the number of the attempt, from 1.
func (c *Context) Attempt() int { return c.attempt }

// Report adds n to the worker's counter of the given name.
func (c *Context) Report(name string, n int64) { c.hand.report(map[string]int64{name: n}) }

// Deadline returns the deadline of the task. For a task that is bound to its caller, it
// returns the earlier of the task's and the caller's deadlines.
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
	return c.base.timeOf(at), true
}

func newContext(b *base, h *hand, t *Task) *Context {
	c := &Context{
		base: b, hand: h, caller: t.caller(), bound: t.load()&flagBound != 0, attempt: t.attempts(),
	}
	c.dueAt.Store(t.due)
	c.attrs.Store(t.extra)
	return c
}

// traced is the tracer's part of a Context.
type traced struct {
	handler context.Context // what the handler gets; nil: the Context itself
	ended   func(messages.Outcome, error)
}
