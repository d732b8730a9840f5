package engine

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/meter"
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
	// Worker returns the props of a worker that uses the given dispatcher unless the
	// user chose another. The engine adds the mailbox.
	Worker func(actor.Dispatcher) *actor.Props
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

// An Engine is the data plane of a pool: it admits tasks, queues them, gives workers
// their tasks and keeps the ledger. All its methods are safe for concurrent use.
//
// ARCHITECTURE.md shows the way of a task and the order of the locks.
type Engine struct {
	cfg      Config
	dispatch *dispatch
	epoch    time.Time
	meter    *meter.Meter
	deliver  deliver.Deliverer
	sched    *scheduler

	roster     *roster
	shared     taskQueue
	waits      waitList
	delays     delays
	callers    callerRuns
	deadlocks  deadlocks
	stopping   stopping
	watchdog   watchdog
	quarantine quarantine
	journals   journals
	timer      timer
	pace       pace
	counters   counters

	capacity atomic.Int64 // tasks that may be queued, without AutoCapacity
	orphans  atomic.Int64 // under early binding: tasks of the shared queue, which have lost their worker
	brief    atomic.Bool  // the last tasks of the worker that came last were brief
	lost     atomic.Int64 // workers that are gone for good
	rejected [messages.Reasons + 1]atomic.Int64
}

// New returns an open engine without workers.
func New(cfg Config) *Engine {
	e := &Engine{
		cfg:      cfg,
		dispatch: newDispatch(cfg.Dispatch),
		epoch:    time.Now().Add(-1), // so that no reading of the clock is 0
		meter:    meter.New(),
		deliver:  deliver.Deliverer{System: cfg.System, Logger: cfg.Logger},
		roster:   newRoster(),
	}
	e.sched = newScheduler(e, idleRunners*runtime.GOMAXPROCS(0))
	if e.late() {
		e.shared.late = new(lateQueue)
	}
	e.timer.ring = e.ring
	e.watchdog.abandoned = make(map[*watch]struct{})
	e.setCapacityLocked(0)
	return e
}

// late reports whether the next free worker takes a task.
func (e *Engine) late() bool { return e.dispatch.binding == late }

// now is engine time: nanoseconds since the engine was made, never 0.
func (e *Engine) now() int64 { return int64(time.Since(e.epoch)) }

// timeOf converts engine time.
func (e *Engine) timeOf(now int64) time.Time { return e.epoch.Add(time.Duration(now)) }

// setCapacityLocked brings the capacity up to date with the number of workers.
func (e *Engine) setCapacityLocked(workers int) {
	capacity := e.cfg.Capacity
	if capacity == AutoCapacity {
		capacity = max(leastCapacity, workersCapacity*workers)
	}
	e.capacity.Store(int64(capacity))
}

// notify publishes an event, on the goroutine of the pool's own actor.
func (e *Engine) notify(event any) {
	if e.stopping.ended.Load() {
		e.deliver.Publish(event)
		return
	}
	e.deliver.Tell(e.cfg.Self, &notice{event})
}

// warn logs a warning there, since the logger is the user's.
func (e *Engine) warn(text string, args ...any) {
	e.deliver.Tell(e.cfg.Self, &warning{text, append([]any{"pool", e.cfg.Name}, args...)})
}
