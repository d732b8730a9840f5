package actors

import (
	"context"

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

// A call is a task of a pool with a handler. Those that nobody or an asker waits
// for are recycled once both the pool and the asker are done with them.
type call[In, Out any] struct {
	cell  router.Cell
	desk  *desk[In, Out]
	waits waits
	done  chan struct{}
	in    In
	out   Out // written by the handler's goroutine before the outcome; read only if that is Succeeded
}

var _ router.Body = (*call[int, int])(nil)

// Message is the call itself: the worker's actor runs it.
func (c *call[In, Out]) Message() any { return c }

// Payload implements router.Body.
func (c *call[In, Out]) Payload() any { return c.in }

// Again implements router.Body.
func (c *call[In, Out]) Again() *router.Cell {
	again := &call[In, Out]{desk: c.desk, in: c.in}
	again.cell.Init(c.desk.router, again, false)
	return &again.cell
}

// Run implements router.Body.
func (c *call[In, Out]) Run() {
	out, err := c.desk.handler(c.cell.Context(), c.in)
	c.out = out
	c.cell.Finish(err)
}

// Settled implements router.Body.
func (c *call[In, Out]) Settled() {
	switch c.waits {
	case asker:
		c.done <- struct{}{}
	case future:
		close(c.done)
	case sender:
		var value any
		if c.cell.Err() == nil {
			value = c.out
		}
		c.cell.Answer(value)
	}
}

// Released implements router.Body.
func (c *call[In, Out]) Released() {
	if c.waits == future || c.waits == sender {
		return
	}
	var in In
	var out Out
	c.in, c.out = in, out
	if c.waits == asker {
		c.desk.asked.Put(c)
	}
}

// result is the answer of a call that has been settled.
func (c *call[In, Out]) result() (out Out, err error) {
	if err := c.cell.Err(); err != nil {
		return out, err
	}
	return c.out, nil
}
