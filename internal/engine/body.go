package engine

import "github.com/asynkron/protoactor-go/actor"

// A Body is what a task carries: the work, and whoever waits for it. No method but Run
// and Payload's user may block or panic.
type Body interface {
	// Message returns what the worker's actor receives.
	Message() any
	// Payload returns what the handler is given.
	Payload() any
	// Sender returns the actor that gets a Result, or nil.
	Sender() *actor.PID
	// Run does the work. Pools of user actors do not call it.
	Run(ctx *Context) error
	// Copy makes a task with the same work that nobody waits for.
	Copy() *Task
	// Settled tells whoever waits. It is called once, when the outcome is known.
	Settled(s *Settlement)
	// Released is called when no handler uses the payload any more: it is dropped.
	Released()
	// Unlinked is called when the engine has no reference to the task any more, if
	// nobody but its worker has ever had it. Only then may its maker reuse it.
	Unlinked()
}
