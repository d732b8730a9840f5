package actors

import (
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/supervision"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

// Overflow says what happens to a task for which the queue has no room.
type Overflow = router.Overflow

type (
	// Retry says which failed tasks are retried, and when; see router.Retry for its fields.
	Retry = router.Retry
	// Quarantine says which tasks a pool gives up for good; see router.Quarantine.
	Quarantine = router.Quarantine
	// Watchdog says when a pool abandons a handler that ignores cancellation; see
	// router.Watchdog.
	Watchdog = router.Watchdog
	// Breaker says when a pool stops dispatching to a worker that keeps failing; see
	// router.Breaker.
	Breaker = router.Breaker
	// Tracer follows tasks from their submission to the end of each attempt; see
	// router.Tracer.
	Tracer = router.Tracer
)

// AnyError is a Retry.On that retries every error, as nil does.
func AnyError(err error) bool { return router.AnyError(err) }

// The overflow policies; see package router for each.
const (
	Block      = router.Block
	Reject     = router.Reject
	DropOldest = router.DropOldest
	DropNewest = router.DropNewest
	CallerRuns = router.CallerRuns
)

// Unbounded is the capacity of a queue that is never full.
const Unbounded = math.MaxInt

// DefaultCapacity is the least capacity of the queue unless [WithQueue] says otherwise:
// it holds the larger of that and 32 tasks for each worker.
const DefaultCapacity = 1024

// Option configures a pool. A value that makes no sense is an error that wraps
// messages.ErrInvalidOption and names it; NewPool returns it, and so does the
// spawn of props.
type Option interface{ apply(*config) error }

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

type config struct {
	name        string
	size        int
	dispatch    router.Dispatch
	capacity    int
	overflow    Overflow
	timeout     time.Duration
	strategy    actor.SupervisorStrategy
	health      time.Duration
	logger      *slog.Logger // nil: the actor system's
	tracer      Tracer       // nil: none
	workerProps []actor.PropsOption

	// What is off unless asked for.
	retry         Retry
	quarantine    Quarantine
	watchdog      Watchdog
	breaker       Breaker
	deadlineCheck bool
	autoscale     *supervisor.Autoscale
	recycling     engine.Recycling
	middleware    []any // each a func(Handler[In, Out]) Handler[In, Out]
	sized         bool  // WithSize was given
	supervised    bool  // WithSupervision was given

	hedge time.Duration // 0: off

	// Only for user actors.
	maxHeld        int // 0: the default
	errorResponses bool

	// Only for foreign actors: they are all of the workers if routeesOnly.
	routees     []*actor.PID
	routeesOnly bool
}

func newConfig(options []Option) (config, error) {
	c := config{
		size:     SizeCPU(),
		dispatch: router.LeastBusy(),
		capacity: engine.AutoCapacity,
		overflow: Block,
		strategy: supervisor.OneForOne(),
	}
	for i, o := range options {
		if o == nil {
			return c, invalid.Option("option %d is nil", i)
		}
		if err := o.apply(&c); err != nil {
			return c, err
		}
	}
	if c.hedge > 0 && c.dispatch.Within() > 0 {
		return c, invalid.Option("hedge after %v with %v dispatch, which starts copies itself", c.hedge, c.dispatch)
	}
	err := c.check()
	return c, err
}

// check is for the options that depend on others.
func (c *config) check() error {
	if c.quarantine != (Quarantine{}) {
		if err := c.quarantine.Validate(c.retry); err != nil {
			return err
		}
	}
	if scale := c.autoscale; scale != nil {
		if !c.sized {
			c.size = scale.Min
		}
		if c.size < scale.Min || c.size > scale.Max {
			return invalid.Option("size %d is not within the autoscaler's %d to %d", c.size, scale.Min, scale.Max)
		}
	}
	return nil
}

// noActors returns an error if there are options that only users' own actors can use.
func (c *config) noActors() error {
	switch {
	case c.maxHeld > 0:
		return invalid.Option("max held %d: only users' own actors hold tasks", c.maxHeld)
	case c.errorResponses:
		return invalid.Option("error responses: only users' own actors respond")
	}
	return nil
}

// WithName names the pool: in statistics, events and logs, and, with NewPool, as
// its PID. The default is a name that the actor system makes up.
func WithName(name string) Option {
	return option(func(c *config) error {
		if name == "" || strings.ContainsAny(name, "/$") {
			return invalid.Option("name %q: it must not be empty, nor have a / or a $", name)
		}
		c.name = name
		return nil
	})
}

// WithSize sets the number of workers, from 1 to supervisor.MaxSize. The default is [SizeCPU].
func WithSize(size int) Option {
	return option(func(c *config) error {
		if err := supervision.CheckSize(size); err != nil {
			return err
		}
		c.size, c.sized = size, true
		return nil
	})
}

// WithDispatch says which worker gets a task. The default is router.LeastBusy().
func WithDispatch(dispatch router.Dispatch) Option {
	return option(func(c *config) error {
		c.dispatch = dispatch
		return dispatch.Validate()
	})
}

// WithQueue bounds the tasks that may wait, beyond one for each free worker, and says
// what happens to one more. Capacity 0 means no queue: a task is accepted only if a
// worker is free. Where tasks are bound to workers early, each worker has an equal share
// of the capacity. The default is the larger of [DefaultCapacity] and 32 tasks for each
// worker, and [Block].
func WithQueue(capacity int, overflow Overflow) Option {
	return option(func(c *config) error {
		if capacity < 0 {
			return invalid.Option("capacity %d < 0", capacity)
		}
		if !overflow.Valid() {
			return invalid.Option("overflow %v", overflow)
		}
		c.capacity, c.overflow = capacity, overflow
		return nil
	})
}

// WithTaskTimeout bounds the whole life, the queue included, of each task that
// names no timeout of its own. The default, and 0, is no bound.
func WithTaskTimeout(timeout time.Duration) Option {
	return option(func(c *config) error {
		if timeout < 0 {
			return invalid.Option("task timeout %v < 0", timeout)
		}
		c.timeout = timeout
		return nil
	})
}

// WithSupervision sets the strategy that is asked when a worker fails. The
// default is supervisor.OneForOne(): the worker is restarted, however often.
// The strategy is asked about one failure after another. If it panics, or has neither
// decided nor returned within supervisor.DecisionTime, the worker is restarted.
func WithSupervision(strategy actor.SupervisorStrategy) Option {
	return option(func(c *config) error {
		if backoff, ok := strategy.(*supervisor.Backoff); strategy == nil || ok && backoff == nil {
			return invalid.Option("supervision strategy is nil")
		}
		if v, ok := strategy.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				return err
			}
		}
		c.strategy, c.supervised = strategy, true
		return nil
	})
}

// WithHealth publishes a *messages.Stats on the EventStream at an interval. When more than
// five tasks per worker are queued, it also publishes a *messages.Overloaded and logs a
// warning. The overload lasts until the queue has shrunk to half of that. By default
// nothing is published.
func WithHealth(interval time.Duration) Option {
	return option(func(c *config) error {
		if interval <= 0 {
			return invalid.Option("health interval %v <= 0", interval)
		}
		c.health = interval
		return nil
	})
}

// WithRetry retries failed tasks: see [Retry]. By default no task is retried.
func WithRetry(policy Retry) Option {
	return option(func(c *config) error {
		c.retry = policy
		return policy.Validate()
	})
}

// WithQuarantine gives up tasks that crash workers: see [Quarantine]. By default they are
// settled as Panicked, each time.
func WithQuarantine(quarantine Quarantine) Option {
	return option(func(c *config) error {
		if quarantine == (Quarantine{}) {
			return invalid.Option("quarantine for no reason: neither Crashes nor Exhausted is set")
		}
		c.quarantine = quarantine
		return nil
	})
}

// WithWatchdog abandons handlers that ignore cancellation: see [Watchdog]. By default such
// a handler keeps its worker until it returns.
func WithWatchdog(watchdog Watchdog) Option {
	return option(func(c *config) error {
		c.watchdog = watchdog
		return watchdog.Validate()
	})
}

// WithBreaker sidelines workers that keep failing: see [Breaker]. By default no worker is
// sidelined.
func WithBreaker(breaker Breaker) Option {
	return option(func(c *config) error {
		c.breaker = breaker
		return breaker.Validate()
	})
}

// WithDeadlineCheck rejects tasks that would not finish in time, with
// messages.ErrDeadlineUnreachable, instead of letting them time out in the queue. The pool
// judges by the tasks queued before them and by how long recent tasks took. The deadline is
// that of the task's timeout, and for Ask and Map also that of the context.
func WithDeadlineCheck() Option {
	return option(func(c *config) error {
		c.deadlineCheck = true
		return nil
	})
}

// WithAutoscale changes the size of the pool with its load, within bounds that also hold
// for Resize. Without [WithSize] the pool starts with the least. By default the size does
// not change by itself.
func WithAutoscale(autoscale supervisor.Autoscale) Option {
	return option(func(c *config) error {
		c.autoscale = &autoscale
		return autoscale.Validate()
	})
}

// WithLogger sets the pool's logger. The pool logs nothing below the level Warn
// unless it has warned before. The default is the actor system's logger.
func WithLogger(logger *slog.Logger) Option {
	return option(func(c *config) error {
		if logger == nil {
			return invalid.Option("logger is nil")
		}
		c.logger = logger
		return nil
	})
}

// WithTracer has tasks followed by a tracer, such as that of package telemetry for
// OpenTelemetry. The default is not to, which costs nothing. What is broadcast is
// followed from the worker on.
func WithTracer(tracer Tracer) Option {
	return option(func(c *config) error {
		if tracer == nil {
			return invalid.Option("tracer is nil")
		}
		c.tracer = tracer
		return nil
	})
}

// WithWorkerProps adds to the props of each worker: middleware, decorators, a
// dispatcher. The mailbox and the parent's strategy are the pool's own and
// cannot be replaced.
func WithWorkerProps(options ...actor.PropsOption) Option {
	return option(func(c *config) error {
		for i, o := range options {
			if o == nil {
				return invalid.Option("worker props option %d is nil", i)
			}
		}
		c.workerProps = append(c.workerProps, options...)
		return nil
	})
}
