package actors

import (
	"context"
	"sync/atomic"

	"github.com/troupe-go/troupe/router"
)

// Handler does the work of a pool. It is called by as many goroutines as the pool
// has workers. A panic in it, and a runtime.Goexit, ends the task and not the
// program.
type Handler[In, Out any] func(ctx context.Context, in In) (Out, error)

// waits says who waits for a call.
type waits int

const (
	nobody waits = iota
	asker        // one goroutine, on call.done
	future       // the users of a Future: call.done is closed
	sender       // an actor
)

// A call is a task of a pool with a handler, whose answer somebody waits for. Those
// that an asker waits for are recycled once both the pool and the asker are done
// with them.
type call[In, Out any] struct {
	cell  router.Cell
	desk  *desk[In, Out]
	waits waits
	done  chan struct{}
	in    In
	answer[Out]
	users atomic.Int32 // of an asker's call: those besides the last one, who recycles it
}

// answer is what a call comes to.
type answer[Out any] struct {
	out Out   // written by the handler's goroutine before the outcome; read only if that is Succeeded
	err error // written before the waiter is told
}

// result is the answer of a call that has been settled.
func (a *answer[Out]) result() (out Out, err error) {
	if a.err != nil {
		return out, a.err
	}
	return a.out, nil
}

var _ task = (*call[int, int])(nil)

func (c *call[In, Out]) taskCell() *router.Cell { return &c.cell }

// Message is the call itself: the worker's actor runs it.
func (c *call[In, Out]) Message() any { return c }

// String keeps a middleware that prints messages from what others may be writing.
func (c *call[In, Out]) String() string { return "troupe task" }

// Payload implements router.Body.
func (c *call[In, Out]) Payload() any { return c.in }

// Again implements router.Body.
func (c *call[In, Out]) Again(r *router.Router) *router.Cell {
	again := &call[In, Out]{desk: c.desk, in: c.in}
	again.cell.Init(r, again)
	return &again.cell
}

// Run implements router.Body.
func (c *call[In, Out]) Run(ctx *router.Context) {
	var err error
	c.out, err = c.desk.handler(ctx.Handler(), c.in)
	ctx.Finish(&c.cell, err)
}

// Settled implements router.Body.
func (c *call[In, Out]) Settled(err error) {
	c.err = err
	switch c.waits {
	case asker:
		c.done <- struct{}{}
	case future:
		close(c.done)
	case sender:
		var value any
		if err == nil {
			value = c.out
		}
		c.cell.Answer(c.desk.router, value, err)
	}
}

// Released implements router.Body. It is for the asker of a call as well.
func (c *call[In, Out]) Released() {
	if c.waits == asker && (c.users.Load() == 0 || c.users.Add(-1) < 0) {
		c.recycle()
	}
}

// recycle makes an asker's call ready for the next one.
func (c *call[In, Out]) recycle() {
	var in In
	c.in, c.answer = in, answer[Out]{}
	c.cell.Clear()
	c.desk.asked.Put(c)
}
