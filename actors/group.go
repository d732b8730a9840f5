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
// one. Any number of goroutines may call its methods, in any order. A group may be used again
// after [Group.Wait], but it keeps its first error: later calls of Wait return it and, with
// [FailFast], the group rejects all further tasks.
type Group[In, Out any] struct {
	collector collector[In, Out]
	pool      *Pool[In, Out]
	invalid   error // what is wrong with the group; nil: nothing
}

// Group returns a group without tasks. The tasks get the values of ctx. The end of ctx cancels
// the tasks that are queued or running: their error wraps messages.ErrCanceled and the cause of
// ctx, like that of [Pool.Ask].
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

// Submit submits a task as part of the group. It returns nil if the task was accepted, and
// otherwise the reason for the rejection, as [Pool.Ask] does. Wait returns the first error of
// the group, whether a task or a rejected Submit caused it.
//
// With [MaxInFlight], Submit blocks while too many tasks of the group are unsettled, until
// the context of the group ends or the [Timeout] of the task is over. With [NoWait] it
// returns messages.ErrQueueFull instead. After the first error of a group with [FailFast],
// Submit returns messages.ErrCanceled together with that error.
func (g *Group[In, Out]) Submit(in In, opts ...TaskOption) error {
	var s engine.Spec
	placed, err := g.submit(in, &s, opts)
	if err != nil {
		g.collector.rejected(Answer[In, Out]{ID: s.ID, In: in, Err: err, Outcome: messages.Rejected})
		if placed { // now that whoever waits will see the error
			g.collector.leave()
		}
	}
	return err
}

// submit submits a task. placed reports whether it has a place.
func (g *Group[In, Out]) submit(in In, s *engine.Spec, opts []TaskOption) (placed bool, err error) {
	if g.invalid != nil {
		g.pool.engine.Rejected(g.invalid)
		return false, g.invalid
	}
	if err := g.pool.describe(s, opts, nil); err != nil {
		return false, err
	}
	c := &g.collector
	full := false
	if !c.enter() {
		full = true
		if err := g.await(s); err != nil {
			c.engine.RejectedUnder(c.Context, err)
			return false, err
		}
	}
	err = c.submit(in, s)
	if err != nil && full && isClosed(c.Done()) { // the end of the context has settled a task, which made a place
		err = engine.Because(g.fullError(), err)
	}
	return true, err
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
// If a handler of the same pool calls Wait, and one of the tasks could not start before that
// handler returns, the task is canceled with messages.ErrDeadlock. The pool detects this only
// if the handler has passed its own context to [Pool.Group].
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
// several; a loop that is broken off leaves the rest to the next one. The answer of a rejected
// Submit has the outcome Rejected.
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
