package actors

import (
	"context"
	"iter"
	"maps"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// Each submits the inputs that ins yields, and yields an answer for each of them, in the
// order in which they settle. Use it instead of [Pool.Map] when the order of the inputs does
// not matter, or to learn the times and attempts. The errors are those of [Pool.Ask]. If the
// pool rejects an input, its answer has the outcome Rejected. If an option makes no sense, or
// ctx is nil, Each yields that error alone.
//
// Each pulls at most two inputs per worker whose answers the loop has not consumed, more in an
// autoscaled pool. The bound follows the size of the pool; [Ahead] sets another one. Each pulls
// inputs on the goroutine of the loop.
//
// When the loop over the answers ends early, for whatever reason, Each cancels the tasks
// whose answers were not consumed. When ctx ends, Each cancels the tasks that are left,
// yields their answers, and yields one last answer for the first input that was not
// submitted.
func (p *Pool[In, Out]) Each(ctx context.Context, ins iter.Seq[In], opts ...TaskOption) iter.Seq[Answer[In, Out]] {
	return func(yield func(Answer[In, Out]) bool) {
		e := eaching[In, Out]{pool: p, yield: yield, waiter: newWaiter()}
		if err := e.describe(ctx, opts); err != nil {
			yield(Answer[In, Out]{Err: err, Outcome: messages.Rejected})
			return
		}
		e.collector = &collector[In, Out]{Context: ctx, engine: p.engine}
		defer e.collector.close()
		for in := range ins {
			if !e.submit(in) {
				break
			}
			if !e.makeRoom() {
				return
			}
		}
		e.drain()
	}
}

// An eaching is one run of Each. Its methods run on the consumer's goroutine.
type eaching[In, Out any] struct {
	pool      *Pool[In, Out]
	spec      engine.Spec // of each task
	ahead     int         // inputs that may be pending; 0: as many as the pool's size allows
	yield     func(Answer[In, Out]) bool
	collector *collector[In, Out]
	waiter    *waiter
	taken     replies[In, Out] // to be yielded next
	numbers   engine.Numerals
	pending   int              // inputs whose answers were not yielded, without last
	last      *Answer[In, Out] // that of the input that was not submitted because ctx has ended; nil: none
}

// describe sets what the options say.
func (e *eaching[In, Out]) describe(ctx context.Context, opts []TaskOption) error {
	if err := e.pool.describe(&e.spec, opts, &e.ahead); err != nil {
		return err
	}
	if ctx == nil {
		e.pool.engine.Rejected(errNilContext)
		return errNilContext
	}
	return nil
}

// submit submits one input. It returns false if ctx admits no further input.
func (e *eaching[In, Out]) submit(in In) bool {
	c, s := e.collector, e.spec
	s.Headers = maps.Clone(s.Headers)
	c.enter()
	e.pending++
	err := c.submit(in, &s)
	if err == nil {
		return true
	}
	rejected := Answer[In, Out]{ID: s.ID, In: in, Err: err, Outcome: messages.Rejected}
	defer c.leave()
	if c.end.Load() == nil && c.Err() == nil {
		c.rejected(rejected)
		return true
	}
	c.ended(guard.Cause(c.Context))
	e.pending--
	e.last = &rejected
	return false
}

// makeRoom returns when a further input may be submitted. It yields an answer that is there,
// so that answers do not pile up while inputs come slowly, and more of them as long as too
// many inputs are pending. It returns false if the consumer breaks off.
func (e *eaching[In, Out]) makeRoom() bool {
	for first := true; ; first = false {
		limit, changed := e.limit()
		full := e.pending >= limit
		if !full && !first {
			return true
		}
		var waiter *waiter
		if full {
			waiter = e.waiter
		}
		switch {
		case e.ready(waiter):
			if !e.give() {
				return false
			}
		case !full:
			return true
		default:
			e.collector.pause(false, e.waiter.ready, changed, nil)
		}
	}
}

// drain yields the answers that are left, and then the last one, unless the consumer breaks
// off.
func (e *eaching[In, Out]) drain() {
	for e.pending > 0 {
		if !e.ready(e.waiter) {
			e.collector.pause(false, e.waiter.ready, nil, nil)
			continue
		}
		if !e.give() {
			return
		}
	}
	if e.last != nil {
		e.yield(*e.last)
	}
}

// ready reports whether there is an answer. Otherwise it lists the waiter, unless that is nil.
func (e *eaching[In, Out]) ready(w *waiter) bool {
	if e.taken.empty() {
		e.collector.takeAll(&e.taken, w)
	}
	return !e.taken.empty()
}

// limit returns how many inputs may be pending. changed is closed when that may have changed.
func (e *eaching[In, Out]) limit() (pending int, changed <-chan struct{}) {
	workers, changed := e.pool.engine.Workers()
	return e.pool.aheadFor(workers, e.ahead), changed
}

// give yields the next answer, which is there. It returns false if the consumer breaks off.
func (e *eaching[In, Out]) give() bool {
	r := e.taken.pop()
	e.pending--
	return e.yield(r.answer(&e.numbers))
}
