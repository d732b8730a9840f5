package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
)

// Handler does the work of a pool. It is called by as many goroutines as the pool
// has workers. A panic in it, and a runtime.Goexit, ends the task and not the
// program.
type Handler[In, Out any] func(ctx context.Context, in In) (Out, error)

// A job is the part of a task's body that does the work and keeps its answer. The types that
// embed a job differ in who waits for the answer.
type job[In, Out any] struct {
	task   engine.Task
	work   *handlerWork[In, Out]
	caller context.Context
	in     In
	answer[Out]
}

// answer is what a job comes to.
type answer[Out any] struct {
	out Out   // written by the handler's goroutine before the outcome; read only if that is Succeeded
	err error // written before the waiter is told
}

// result returns the answer of a job that has been settled.
func (a *answer[Out]) result() (out Out, err error) {
	if a.err != nil {
		return out, a.err
	}
	return a.out, nil
}

var _ handledTask = (*job[int, int])(nil)

func (j *job[In, Out]) engineTask() *engine.Task { return &j.task }

// Message returns the job itself: the worker's actor runs it.
func (j *job[In, Out]) Message() any { return j }

// String keeps a middleware that prints messages from reading what others may be
// writing.
func (j *job[In, Out]) String() string { return "troupe task" }

// Payload implements engine.Body.
func (j *job[In, Out]) Payload() any { return j.in }

// Sender implements engine.Body: a job has none.
func (j *job[In, Out]) Sender() *actor.PID { return nil }

// Caller implements engine.Body.
func (j *job[In, Out]) Caller() context.Context { return j.caller }

// Exact implements engine.Body.
func (j *job[In, Out]) Exact() bool { return true }

// Owner implements engine.Body.
func (j *job[In, Out]) Owner() any { return nil }

// Disowned implements engine.Body.
func (j *job[In, Out]) Disowned() {}

// Copy implements engine.Body.
func (j *job[In, Out]) Copy() *engine.Task { return newTellTask[In, Out](j.caller, j.in) }

// Run implements engine.Body.
func (j *job[In, Out]) Run(ctx *engine.Context) error {
	out, err := j.work.handlerOf(ctx)(ctx.Handler(), j.in)
	if !ctx.Raced() {
		j.out = out
	} else if err == nil { // a copy may be faster
		ctx.Keep(out)
	}
	return err
}

// settled keeps the outcome of the job, and the answer of a task that ran in several copies.
func (j *job[In, Out]) settled(s *engine.Settlement) {
	j.err = s.Err
	if s.Value != nil {
		j.out, _ = s.Value.(Out)
	}
}

// Released implements engine.Body.
func (j *job[In, Out]) Released() {
	var in In
	j.caller, j.in = nil, in
}

// clear makes a job ready for reuse.
func (j *job[In, Out]) clear() {
	j.Released()
	j.answer = answer[Out]{}
	j.task.Clear()
}
