package actors

import (
	"context"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
)

// Handler does the work of a pool. It is called by as many goroutines as the pool
// has workers. A panic in it, and a runtime.Goexit, ends the task and not the
// program.
type Handler[In, Out any] func(ctx context.Context, in In) (Out, error)

// A call is a task of a pool with a handler, whose answer a goroutine waits for. Calls of
// Ask and Map are reused, once the engine and the caller are done with them.
type call[In, Out any] struct {
	task   engine.Task
	work   *handlerWork[In, Out]
	reused bool // by Ask or Map: done gets a value; otherwise it is closed
	done   chan struct{}
	window *window // of the Map that submitted the call; nil: another did
	caller context.Context
	in     In
	answer[Out]
	users atomic.Int32 // of a reused call: those besides the last one, who recycles it
}

// answer is what a call comes to.
type answer[Out any] struct {
	out Out   // written by the handler's goroutine before the outcome; read only if that is Succeeded
	err error // written before the waiter is told
}

// result returns the answer of a call that has been settled.
func (a *answer[Out]) result() (out Out, err error) {
	if a.err != nil {
		return out, a.err
	}
	return a.out, nil
}

var _ handledTask = (*call[int, int])(nil)

func (c *call[In, Out]) engineTask() *engine.Task { return &c.task }

// Message returns the call itself: the worker's actor runs it.
func (c *call[In, Out]) Message() any { return c }

// String keeps a middleware that prints messages from reading what others may be
// writing.
func (c *call[In, Out]) String() string { return "troupe task" }

// Payload implements engine.Body.
func (c *call[In, Out]) Payload() any { return c.in }

// Sender implements engine.Body: a call has none.
func (c *call[In, Out]) Sender() *actor.PID { return nil }

// Caller implements engine.Body.
func (c *call[In, Out]) Caller() context.Context { return c.caller }

// Copy implements engine.Body.
func (c *call[In, Out]) Copy() *engine.Task { return newTellTask[In, Out](c.caller, c.in) }

// Run implements engine.Body.
func (c *call[In, Out]) Run(ctx *engine.Context) error {
	var err error
	c.out, err = c.work.run(ctx, c.in)
	return err
}

// Settled implements engine.Body.
func (c *call[In, Out]) Settled(s *engine.Settlement) {
	c.err = s.Err
	window := c.window
	if c.reused {
		c.done <- struct{}{}
	} else {
		close(c.done)
	}
	if window != nil {
		window.settled()
	}
}

// Released implements engine.Body.
func (c *call[In, Out]) Released() {
	var in In
	c.caller, c.in = nil, in
}

// Unlinked implements engine.Body. It is for the asker as well, when it is done.
func (c *call[In, Out]) Unlinked() {
	if c.reused && c.users.Add(-1) < 0 {
		c.recycle()
	}
}

// recycle makes a call ready for the next asker.
func (c *call[In, Out]) recycle() {
	var in In
	c.caller, c.in, c.answer, c.window = nil, in, answer[Out]{}, nil
	c.task.Clear()
	c.work.calls.Put(c)
}
