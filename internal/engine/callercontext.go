package engine

import (
	"context"
	"time"

	"github.com/troupe-go/troupe/guard"
)

// A callerContext is the context of a caller, from which the contexts of its tasks are
// derived. Package context asks the parent of a derived context on goroutines of its own:
// when a deadline passes, and when the parent ends. There, a panic of the caller's context
// would end the process.
type callerContext struct {
	context.Context
	done <-chan struct{}
}

// newCallerContext calls the caller's context, on the goroutine of the handler.
func newCallerContext(caller context.Context) context.Context {
	if caller == context.Background() {
		return caller
	}
	return &callerContext{caller, caller.Done()}
}

// Done implements context.Context.
func (c *callerContext) Done() <-chan struct{} { return c.done }

// Err implements context.Context. Package context panics if a context that is done has no
// error.
func (c *callerContext) Err() error {
	err := context.Canceled // if the caller's context fails
	_ = guard.Call(func() { err = c.Context.Err() })
	if err == nil && isClosed(c.done) {
		return context.Canceled
	}
	return err
}

// hasEnded reports whether the caller's context has ended, after the handler has returned.
// A context that fails or blocks counts as one that goes on.
func hasEnded(caller context.Context) bool {
	if caller == context.Background() {
		return false
	}
	err, _ := guard.Try(caller.Err)
	return err != nil
}

// deadlineOf returns the deadline of the caller's context, after the handler has returned. A
// context that fails or blocks counts as one without a deadline.
func deadlineOf(caller context.Context) (at time.Time, ok bool) {
	if caller == context.Background() {
		return at, false
	}
	found, _ := guard.Try(func() (d callerDeadline) {
		d.at, d.ok = caller.Deadline()
		return d
	})
	return found.at, found.ok
}

type callerDeadline struct {
	at time.Time
	ok bool
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Value implements context.Context. Package context looks for its own contexts by a key of
// type *int. Other keys come from the handler; a panic there is the handler's own.
func (c *callerContext) Value(key any) any {
	if _, ok := key.(*int); !ok {
		return c.Context.Value(key)
	}
	var value any
	_ = guard.Call(func() { value = c.Context.Value(key) })
	return value
}
