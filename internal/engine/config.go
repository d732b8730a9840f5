package engine

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Config configures an engine. Its values have been validated.
type Config struct {
	System   *actor.ActorSystem
	Self     *actor.PID // the pool's
	Name     string
	Dispatch router.Dispatch
	Capacity int // tasks that may be queued, beyond one for each idle worker; AutoCapacity: by the size
	Overflow router.Overflow
	Logger   *slog.Logger
	Tracer   router.Tracer // nil: none

	// Off by default: the zero value of each.
	Retry         router.Retry
	Quarantine    router.Quarantine
	Watchdog      router.Watchdog
	Breaker       router.Breaker
	DeadlineCheck bool

	// Handled says that the pool has a handler; Direct that nothing comes between the
	// handler and the mailbox, so the mailbox may call it.
	Handled, Direct bool
	// WorkerProps returns the props of a worker that uses the given dispatcher unless the
	// user chose another. The engine adds the mailbox.
	WorkerProps func(actor.Dispatcher) *actor.Props
	// Work is what Context.Work returns.
	Work any
	// NewTasks makes n tasks side by side for Engine.Tell, TaskSize is the bytes of one.
	NewTasks func(n int) []*Task
	TaskSize int
	// Post submits the task that a message from an actor stands for, which must not wait.
	Post func(envelope, message any, task *messages.Task, sender *actor.PID) error
	// Make makes such a task without submitting it, and says in s what it is like.
	Make func(envelope, message any, task *messages.Task, sender *actor.PID, s *Spec) (*Task, error)
	// Adopt returns the props of a worker that stands for a foreign actor; nil if
	// the pool's tasks cannot be given to one.
	Adopt func(foreign *actor.PID) *actor.Props
}

// AutoCapacity stands for the larger of 1024 tasks and 32 for each worker.
const AutoCapacity = -1

const (
	leastCapacity   = 1024
	workersCapacity = 32 // tasks for each worker
)

// unbounded is the capacity of a queue that is never full.
const unbounded = int(^uint(0) >> 1)
