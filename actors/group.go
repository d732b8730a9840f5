package actors

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// Group is a number of tasks of a pool that are waited for together. Use [Pool.Group] to make
// one. All its methods may be called by any number of goroutines and in any order; a group
// can be used again after [Group.Wait].
type Group[In, Out any] struct {
	collector collector[In, Out]
	pool      *Pool[In, Out]
	invalid   error // what is wrong with the group; nil: nothing
}

// Group returns a group without tasks. The tasks get the values of ctx, and the end of ctx
// cancels those that are not settled, queued or running: their error is messages.ErrCanceled
// together with what ended ctx, as that of [Pool.Ask].
//
// If an option makes no sense, or ctx is nil, every Submit and Wait return an error that
// wraps messages.ErrInvalidOption.
func (p *Pool[In, Out]) Group(ctx context.Context, opts ...GroupOption) *Group[In, Out] {
	config, err := newGroupConfig(opts)
	if err == nil && ctx == nil {
		err = errNilContext
	}
	return &Group[In, Out]{pool: p, invalid: err, collector: collector[In, Out]{
		Context: ctx, engine: p.engine, max: config.max, failFast: config.failFast,
	}}
}

// Submit submits a task as part of the group. If it returns nil, the task was accepted. An
// error is one of [Pool.Ask] before a task is accepted. The first error of a group, be it
// that of a task or of a rejected Submit, is what Wait returns.
//
// With [MaxInFlight], Submit blocks while too many tasks of the group are unsettled, until
// the context of the group ends or the [Timeout] of the task is over. With [NoWait] it
// returns messages.ErrQueueFull instead. After the first error of a group with [FailFast],
// Submit returns messages.ErrCanceled together with that error.
func (g *Group[In, Out]) Submit(in In, opts ...TaskOption) error {
	err := g.submit(in, opts)
	if err != nil {
		g.collector.failed(err)
	}
	return err
}

func (g *Group[In, Out]) submit(in In, opts []TaskOption) error {
	if g.invalid != nil {
		g.pool.engine.Rejected(g.invalid)
		return g.invalid
	}
	var s engine.Spec
	if err := g.pool.describe(&s, opts, nil); err != nil {
		return err
	}
	c := &g.collector
	full := false
	if !c.enter() {
		full = true
		if err := g.await(&s); err != nil {
			c.engine.RejectedUnder(c.Context, err)
			return err
		}
	}
	err := c.submit(in, &s)
	if err != nil && full && c.Err() != nil { // the end of the context has settled a task, which made a place
		return engine.Because(g.fullError(), err)
	}
	return err
}

func (g *Group[In, Out]) fullError() error {
	return fmt.Errorf("%w: %d tasks of the group are unsettled", messages.ErrQueueFull, g.collector.max)
}

// await waits for a place in a group that is full.
func (g *Group[In, Out]) await(s *engine.Spec) error {
	c := &g.collector
	if s.Mode != engine.MayWait {
		return g.fullError()
	}
	w := newWaiter()
	if c.apply(w) {
		return nil
	}
	placed := false
	defer func() {
		if !placed { // also if the context of the group fails
			c.withdraw(w)
		}
	}()
	var expired chan struct{}
	if s.Timeout > 0 {
		begun := time.Now()
		expired = make(chan struct{})
		defer time.AfterFunc(s.Timeout, func() { close(expired) }).Stop()
		defer func() { s.Timeout = max(s.Timeout-time.Since(begun), 1) }()
	}
	for {
		c.pause(true, w.ready, c.Done(), expired)
		switch {
		case c.placed(w):
			placed = true
			return nil
		case isClosed(expired):
			return engine.Because(g.fullError(), messages.ErrTaskTimeout)
		case isClosed(c.Done()):
			return engine.Because(g.fullError(), guard.Cause(c.Context))
		}
	}
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// Wait returns when all tasks of the group have been settled, with the first error in time:
// that of a task, as [Pool.Ask] returns it, or that of a rejected Submit. It returns nil if
// there was none. Handlers that ignore their cancellation may still run. Tasks that are
// submitted meanwhile are waited for as well.
//
// In a handler of the same pool, a task for which Wait would wait in vain is canceled with
// messages.ErrDeadlock, if the handler has made the group with its own context.
func (g *Group[In, Out]) Wait() error {
	if g.invalid != nil {
		return g.invalid
	}
	c, w := &g.collector, newWaiter()
	for !c.idle(w) {
		c.pause(false, w.ready, nil, nil)
	}
	c.unwatch()
	return c.firstError()
}

// Answers yields the answers of the group in the order in which the tasks settle. It ends
// when every task that was submitted has been settled and its answer yielded. Tasks may be
// submitted before the loop, inside it, or by the group's own handlers. Until there is a
// loop, the group keeps the answers. Each answer is yielded once, to one loop if there are
// several; a loop that is broken off leaves the rest to the next one. A rejected Submit has
// no answer, since it returns the error.
//
// In a handler of the same pool, Answers looks for deadlocks as Wait does.
func (g *Group[In, Out]) Answers() iter.Seq[Answer[In, Out]] {
	return func(yield func(Answer[In, Out]) bool) {
		if g.invalid != nil {
			return
		}
		var numbers engine.Numerals
		c, w := &g.collector, newWaiter()
		defer c.retire(w)
		for {
			r, ok, more := c.take(w)
			switch {
			case ok:
				if !yield(r.answer(&numbers)) {
					return
				}
			case !more:
				c.unwatch()
				return
			default:
				c.pause(false, w.ready, nil, nil)
			}
		}
	}
}
