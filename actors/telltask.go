package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
)

// A tellTask is a task of a pool with a handler that no goroutine waits for by itself: an
// actor may be its sender, or it belongs to a collector. The engine makes many side by side
// and reuses them. It holds as little as it can, since there may be millions in a queue.
type tellTask[In, Out any] struct {
	task   engine.Task
	caller context.Context // the collector, if it belongs to one
	in     In
}

// newTellTask makes a task that the engine does not reuse. It belongs to no collector.
func newTellTask[In, Out any](caller context.Context, in In) *engine.Task {
	t := &tellTask[In, Out]{caller: caller, in: in}
	t.task.Init(t)
	return &t.task
}

var _ handledTask = (*tellTask[int, int])(nil)

func (t *tellTask[In, Out]) engineTask() *engine.Task { return &t.task }

// collector returns the collector that the task belongs to, or nil.
func (t *tellTask[In, Out]) collector() *collector[In, Out] {
	c, _ := t.caller.(*collector[In, Out])
	return c
}

// Message returns the task itself: the worker's actor runs it.
func (t *tellTask[In, Out]) Message() any { return t }

// String keeps a middleware that prints messages from reading what others may be
// writing.
func (t *tellTask[In, Out]) String() string { return "troupe task" }

// Payload implements engine.Body.
func (t *tellTask[In, Out]) Payload() any { return t.in }

// Sender implements engine.Body.
func (t *tellTask[In, Out]) Sender() *actor.PID { return t.task.Sender() }

// Caller implements engine.Body.
func (t *tellTask[In, Out]) Caller() context.Context { return t.caller }

// Exact implements engine.Body.
func (t *tellTask[In, Out]) Exact() bool {
	c := t.collector()
	return c != nil && !c.discards
}

// Owner implements engine.Body. While a worker may run the task, others call Owner: so the
// collector stays in the task until the engine reuses it.
func (t *tellTask[In, Out]) Owner() any {
	if c := t.collector(); c != nil {
		return c
	}
	return nil
}

// Copy implements engine.Body. The copy belongs to no collector.
func (t *tellTask[In, Out]) Copy() *engine.Task {
	caller := t.caller
	if c := t.collector(); c != nil {
		caller = c.Context
	}
	return newTellTask[In, Out](caller, t.in)
}

// Run implements engine.Body.
func (t *tellTask[In, Out]) Run(ctx *engine.Context) error {
	handler := ctx.Work().(*handlerWork[In, Out]).handlerOf(ctx)
	if !ctx.Answered() {
		_, err := handler(ctx.Handler(), t.in)
		return err
	}
	c := t.collector()
	if c != nil {
		if err := c.refuses(); err != nil {
			return err
		}
	}
	out, err := handler(ctx.Handler(), t.in)
	if err == nil && (c == nil || !c.discards) {
		ctx.Keep(out)
	}
	return err
}

// Settled implements engine.Body.
func (t *tellTask[In, Out]) Settled(s *engine.Settlement) {
	if t.task.Told() {
		if c, ok := s.Owner().(*collector[In, Out]); ok {
			c.settle(t, s)
			return
		}
	}
	s.Answer()
}

// Released implements engine.Body.
func (t *tellTask[In, Out]) Released() {
	var in In
	t.in = in
	if t.caller != nil && t.collector() == nil { // else Owner may be reading it
		t.caller = nil
	}
}

// Disowned implements engine.Body.
func (t *tellTask[In, Out]) Disowned() { t.caller = nil }

// Unlinked implements engine.Body.
func (t *tellTask[In, Out]) Unlinked() {}
