package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
)

// A tellTask is a task of a pool with a handler that no goroutine waits for; an actor
// may. The engine makes many side by side and reuses them. It holds as little as it can,
// since there may be millions in a queue.
type tellTask[In, Out any] struct {
	task   engine.Task
	caller context.Context
	in     In
}

// newTellTask makes a task that the engine does not reuse.
func newTellTask[In, Out any](caller context.Context, in In) *engine.Task {
	t := &tellTask[In, Out]{caller: caller, in: in}
	t.task.Init(t)
	return &t.task
}

var _ handledTask = (*tellTask[int, int])(nil)

func (t *tellTask[In, Out]) engineTask() *engine.Task { return &t.task }

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

// Copy implements engine.Body.
func (t *tellTask[In, Out]) Copy() *engine.Task { return newTellTask[In, Out](t.caller, t.in) }

// Run implements engine.Body.
func (t *tellTask[In, Out]) Run(ctx *engine.Context) error {
	out, err := ctx.Work().(*handlerWork[In, Out]).handlerOf(ctx)(ctx.Handler(), t.in)
	if err == nil && ctx.Answered() {
		ctx.Keep(out)
	}
	return err
}

// Settled implements engine.Body.
func (t *tellTask[In, Out]) Settled(s *engine.Settlement) { s.Answer() }

// Released implements engine.Body.
func (t *tellTask[In, Out]) Released() {
	var in In
	t.caller, t.in = nil, in
}

// Unlinked implements engine.Body.
func (t *tellTask[In, Out]) Unlinked() {}
