package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
)

// Held is a task that stays in hand after Receive has returned: see [Hold]. Its methods may be
// called from any goroutine.
type Held struct{ holding engine.Holding }

// Hold keeps the current task in hand after Receive has returned, until Done is called. Call it
// in the Receive of a worker of [PropsFromProducer] when the answer will come later: from
// another actor, a future or a goroutine.
//
// Meanwhile the task is running for the pool and counts as the worker's load. It can time out
// and be canceled. The worker gets messages to itself and continuations of ReenterAfter, but,
// unless [WithMaxHeld] says otherwise, no other task.
//
// A worker that the strategy resumes keeps its held tasks. If it is restarted, they are retried
// under [WithRetry], and else canceled. If it is stopped, they are canceled. A poisoned worker,
// a drain and a resize to fewer workers wait for them. The watchdog ignores them.
//
// Once the context of the Held has ended because of a timeout or cancellation, do not respond: the
// sender is answered by the pool, or by another attempt or copy of the task.
//
// Use the actor's context only in Receive and in continuations of ReenterAfter. In other
// goroutines, send with ctx.ActorSystem().Root. The pool notices an answer that the actor sends
// with its own context, and tells the sender nothing more. It cannot tell which task an answer is
// for if the worker holds several of one sender, unless a continuation of ReenterAfter gives it.
//
// Hold returns the same Held if it is called again for the same task. Outside of a task, it
// returns one that is already settled.
func Hold(ctx actor.Context) *Held {
	return engine.Hold(ctx, newHolding).Outer.(*Held)
}

func newHolding() *engine.Holding {
	h := new(Held)
	h.holding.Outer = h
	return &h.holding
}

// Done ends the task: it has succeeded if err is nil. Otherwise this attempt has failed with
// err, as with [Fail]. Done only ends the task: the worker responds to the sender as ever. If
// Receive has not returned yet, Done takes effect when it does. All calls but the first, and
// those for a task that was settled in another way, do nothing.
func (h *Held) Done(err error) { h.holding.Done(err) }

// Context returns a context that ends with the task, or with this attempt of it. Its cause says
// why: messages.ErrTaskTimeout, messages.ErrCanceled, messages.ErrPoolStopped, or
// context.Canceled after Done.
func (h *Held) Context() context.Context { return h.holding.Context() }

// Fail makes the current task of a worker of [PropsFromProducer] fail with err when Receive
// returns. The policies for retry, quarantine and breaker apply. If the task is not retried, its
// sender gets a *messages.Result with Err set, unless the worker has responded already. The error
// may name the outcome: see [WithOutcome]. Only the first call for a task counts. Outside of a
// task, and with a nil err, Fail does nothing.
func Fail(ctx actor.Context, err error) { engine.Fail(ctx, err) }

// WithMaxHeld sets how many tasks one worker may hold: see [Hold]. At the limit it gets no
// further task. The default is 1: a worker that holds a task gets no other. With a handler
// instead of actors, it is an error.
func WithMaxHeld(n int) Option {
	return option(func(c *config) error {
		if n < 1 {
			return invalid.Option("max held %d < 1", n)
		}
		c.maxHeld = n
		return nil
	})
}

// WithErrorResponses makes a task fail, as [Fail] does, if the worker answers its sender with an
// error, or with a *messages.Result that has Err set. The worker must answer with its own context:
// see [Hold]. The answer reaches the sender unchanged if the task fails for good; if it is
// retried, the sender gets the answer of the last attempt. By default any answer is a success.
// With a handler instead of actors, it is an error.
func WithErrorResponses() Option {
	return option(func(c *config) error {
		c.errorResponses = true
		return nil
	})
}
