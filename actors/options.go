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
	// Retry says which tasks are tried again, and when; see router.Retry for its fields.
	Retry = router.Retry
	// Quarantine says which tasks are given up for good; see router.Quarantine.
	Quarantine = router.Quarantine
	// Watchdog says when a handler is given up that ignores its context; see
	// router.Watchdog.
	Watchdog = router.Watchdog
	// Breaker says when a worker is left out of the choice that keeps failing; see
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
	sized         bool // WithSize was given
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
		if !dispatch.Valid() {
			return invalid.Option("dispatch %+v", dispatch)
		}
		c.dispatch = dispatch
		return nil
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
		if strategy == nil {
			return invalid.Option("supervision strategy is nil")
		}
		if v, ok := strategy.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				return err
			}
		}
		c.strategy = strategy
		return nil
	})
}

// WithHealth has the pool look at itself at an interval: it publishes a
// *messages.Stats on the EventStream, and a *messages.Overloaded with a warning
// in the log when more than five tasks a worker are queued, which lasts until it is half of
// that. The default is not to.
func WithHealth(interval time.Duration) Option {
	return option(func(c *config) error {
		if interval <= 0 {
			return invalid.Option("health interval %v <= 0", interval)
		}
		c.health = interval
		return nil
	})
}

// WithRetry retries tasks that failed. The default is not to. With [PropsFromProducer], a
// policy without Panics is an error. See [Retry].
func WithRetry(policy Retry) Option {
	return option(func(c *config) error {
		c.retry = policy
		return policy.Validate()
	})
}

// WithQuarantine has tasks given up for good that crash workers: see [Quarantine].
// The default is to settle them as Panicked, each time.
func WithQuarantine(quarantine Quarantine) Option {
	return option(func(c *config) error {
		if quarantine == (Quarantine{}) {
			return invalid.Option("quarantine for no reason: neither Crashes nor Exhausted is set")
		}
		c.quarantine = quarantine
		return nil
	})
}

// WithWatchdog has handlers given up that ignore the end of their contexts: see
// [Watchdog]. The default is to leave their workers to them.
func WithWatchdog(watchdog Watchdog) Option {
	return option(func(c *config) error {
		c.watchdog = watchdog
		return watchdog.Validate()
	})
}

// WithBreaker leaves workers out of the choice for a while that keep failing: see
// [Breaker]. The default is not to.
func WithBreaker(breaker Breaker) Option {
	return option(func(c *config) error {
		c.breaker = breaker
		return breaker.Validate()
	})
}

// WithDeadlineCheck has the pool refuse tasks that it would not get done in time, by
// what is queued before them and how long tasks have taken of late: with
// messages.ErrDeadlineUnreachable, instead of letting them time out in the queue. The
// deadline is that of the task's timeout, and for Ask and Map that of the context.
func WithDeadlineCheck() Option {
	return option(func(c *config) error {
		c.deadlineCheck = true
		return nil
	})
}

// WithAutoscale has the pool change its size with its load, within bounds that a
// Resize may not pass either. Without [WithSize] it begins with the least. The
// default is to leave the size alone.
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
