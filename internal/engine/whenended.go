package engine

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe/guard"
)

// WhenEnded calls call when ctx ends, on a goroutine of its own, with what has ended ctx. For
// a context that never ends, it does nothing. The caller must call stop when it is no longer
// interested, since ctx keeps call alive until then. stop neither waits for call nor runs
// user code.
//
// WhenEnded itself runs methods of ctx, which are user code.
func (e *Engine) WhenEnded(ctx context.Context, call func(cause error)) (stop func()) {
	stop = func() {}
	if ctx == nil {
		return stop
	}
	done := ctx.Done()
	if done == nil {
		return stop
	}
	forget := context.AfterFunc(&watchedContext{Context: ctx, done: done}, func() { call(causeOf(ctx)) })
	return func() { forget() }
}

// causeOf returns what has ended a caller's context. If the context fails or blocks, it is
// context.Canceled.
func causeOf(caller context.Context) error {
	cause, err := guard.Try(func() error { return guard.Cause(caller) })
	if err != nil {
		return context.Canceled
	}
	return cause
}

// A watchedContext is a caller's context whose end package context watches. Package context
// asks it when the watch begins, and again when it ends, which may be on a goroutine that
// the pool needs. So the caller's context is asked only the first time.
type watchedContext struct {
	context.Context
	done  <-chan struct{}
	once  sync.Once
	inner any // what the caller's context has for the key of package context
}

// Done implements context.Context.
func (c *watchedContext) Done() <-chan struct{} { return c.done }

// Err implements context.Context.
func (c *watchedContext) Err() error {
	if isClosed(c.done) {
		return context.Canceled
	}
	return nil
}

// Value implements context.Context. Package context asks for one key only, by which it finds
// its own contexts.
func (c *watchedContext) Value(key any) any {
	c.once.Do(func() {
		_ = guard.Call(func() { c.inner = c.Context.Value(key) })
	})
	return c.inner
}
