package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Config configures an engine. Its values have already been validated.
type Config struct {
	System   *actor.ActorSystem
	Self     *actor.PID // the pool's
	Name     string
	Dispatch router.Dispatch
	Capacity int // tasks that may be queued, beyond one for each idle worker; AutoCapacity: depends on the number of workers
	Overflow router.Overflow
	Logger   *slog.Logger
	Tracer   router.Tracer // nil: none
	// SupervisorMailbox stands for the type of the supervisor's mailbox, which takes messages
	// at once; nil: not known.
	SupervisorMailbox actor.Mailbox

	// Options that are off by default: the zero value turns each of them off.
	Retry         router.Retry
	Quarantine    router.Quarantine
	Watchdog      router.Watchdog
	Breaker       router.Breaker
	DeadlineCheck bool
	Hedge         time.Duration // when a copy of an idempotent task begins on another worker; 0: never

	// Handled says that the pool has a handler. Direct says that nothing comes between the
	// mailbox and the handler, so the mailbox may call it.
	Handled, Direct bool
	// WorkerProps returns the props of a worker. The worker uses the given dispatcher
	// unless the user chose another. The engine adds the mailbox.
	WorkerProps func(actor.Dispatcher) *actor.Props
	// Produce makes the state of a worker, on the goroutine that runs the worker. ctx ends when
	// the state has been closed, or when the worker is told to stop while Produce runs. nil:
	// workers have no state.
	Produce func(ctx context.Context) (State, error)
	// MaxHeld is how many tasks a user's actor may hold. ErrorResponses makes its tasks fail
	// if it answers with an error.
	MaxHeld        int
	ErrorResponses bool
	// Recycling says when workers are recycled.
	Recycling Recycling
	// Work is what Context.Work returns.
	Work any
	// NewTasks makes n tasks side by side for Engine.Tell. TaskSize is the size of one in
	// bytes.
	NewTasks func(n int) []*Task
	TaskSize int
	// Post submits the task for a message from an actor. It must not block.
	Post func(envelope, message any, task *messages.Task, sender *actor.PID) error
	// Make makes such a task without submitting it, and describes it in s.
	Make func(envelope, message any, task *messages.Task, sender *actor.PID, s *Spec) (*Task, error)
}

// AutoCapacity stands for 1024 tasks or 32 for each worker, whichever is more.
const AutoCapacity = -1

const (
	leastCapacity   = 1024
	workersCapacity = 32 // tasks for each worker
)

// unbounded is the capacity of a queue that is never full.
const unbounded = int(^uint(0) >> 1)
