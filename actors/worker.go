package actors

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Worker is what one worker of a pool keeps between tasks, such as a connection, a browser,
// or a buffer: see [NewPoolOf]. The pool calls Handle for one task at a time, so a Worker
// needs no locks.
//
// If the Worker is also an [io.Closer], the pool calls Close exactly once: after its last
// task, before a restart, when the worker is recycled, or when the pool ends. Close never runs
// at the same time as Handle. An error of Close, or a panic, is logged.
type Worker[In, Out any] interface {
	Handle(ctx context.Context, in In) (Out, error)
}

// NewPoolOf spawns a pool whose workers have state: produce makes a [Worker] for each worker
// of the pool, and another one after a restart or when the worker is recycled. Use it for
// what is expensive to make and must not be shared. With a nil parent, the pool has an
// actor system of its own, as with [New].
//
// produce runs on its worker's goroutine, and NewPoolOf does not wait for it. Its ctx ends when
// the Worker has been closed, or when the worker is told to stop while produce runs.
// [WorkerID] names the worker. An error or a panic of produce is a failed start: the
// supervision strategy decides, within its budget and with its delays. If no worker can
// start, tasks are dropped or rejected with messages.ErrNoWorkers, which wraps the error of
// produce.
//
// The error of NewPoolOf wraps messages.ErrInvalidOption if an option makes no sense:
// [CallerRuns], for instance, since the caller has no Worker.
func NewPoolOf[W Worker[In, Out], In, Out any](
	parent actor.SpawnerContext, produce func(context.Context) (W, error), opts ...Option,
) (*Pool[In, Out], error) {
	return newPool[In, Out](parent, newWorkers[W, In, Out](produce), opts)
}

// PropsFromWorkers returns the props of a pool whose workers have state: see [NewPoolOf]. To
// actors, the pool is like one of [PropsFromHandler].
//
// If an option makes no sense, spawning the props fails.
func PropsFromWorkers[W Worker[In, Out], In, Out any](produce func(context.Context) (W, error), opts ...Option) *actor.Props {
	return propsOf(newWorkers[W, In, Out](produce), true, opts)
}

// WorkerID returns the ID of the worker that runs the handler, or for which produce of
// [NewPoolOf] runs, given the context of either or one derived from it. The ID is that of
// messages.WorkerStats and survives restarts and recycling. For any other context, and in a
// task that runs in its caller ([CallerRuns]), it is empty.
func WorkerID(ctx context.Context) string {
	if ctx == nil {
		return ""
	}
	return engine.WorkerID(ctx)
}

// WithMaxTasks recycles a worker after n attempts: the pool closes its [Worker] and makes a
// new one. Use it for workers that leak memory or wear out. In a pool of your own actors
// ([PropsFromProducer]), the actor is stopped and replaced. Recycling does not count as a
// restart. A pool made from a handler has nothing to recycle: there, the option is an error.
func WithMaxTasks(n int) Option {
	return option(func(c *config) error {
		if n < 1 {
			return invalid.Option("max tasks %d < 1", n)
		}
		c.recycling.MaxTasks = n
		return nil
	})
}

// WithMaxAge recycles a worker, as [WithMaxTasks] does, once its [Worker] or its actor is d
// old. A running task finishes first. Only one worker is recycled at a time, so that the
// others go on working.
func WithMaxAge(d time.Duration) Option {
	return option(func(c *config) error {
		if d <= 0 {
			return invalid.Option("max age %v <= 0", d)
		}
		c.recycling.MaxAge = d
		return nil
	})
}

// WithIdleTimeout closes the [Worker] of a worker that has been idle for d, and makes a new
// one before its next task. Use it for connections that a server closes after a while. In a
// pool of your own actors, an actor that has received tasks is stopped and replaced.
func WithIdleTimeout(d time.Duration) Option {
	return option(func(c *config) error {
		if d <= 0 {
			return invalid.Option("idle timeout %v <= 0", d)
		}
		c.recycling.IdleTimeout = d
		return nil
	})
}

// newWorkers returns the design of pools whose workers are made by produce; nil if that is
// nil.
func newWorkers[W Worker[In, Out], In, Out any](produce func(context.Context) (W, error)) design {
	if produce == nil {
		return nil
	}
	return func(c *config) (func() work, error) {
		if c.overflow == CallerRuns {
			return nil, invalid.Option("overflow %v: a caller has no Worker to run the task", c.overflow)
		}
		wraps, err := middlewareOf[In, Out](c)
		if err != nil {
			return nil, err
		}
		m := &maker[W, In, Out]{produce: produce, wraps: wraps}
		return func() work { return &handlerWork[In, Out]{timeout: c.timeout, state: m.make} }, nil
	}
}

// A maker makes the states of workers.
type maker[W Worker[In, Out], In, Out any] struct {
	produce func(context.Context) (W, error)
	wraps   middleware[In, Out]
}

// make makes a state. Its value is the handler with its middleware.
func (m *maker[W, In, Out]) make(ctx context.Context) (engine.State, error) {
	worker, err := m.produce(ctx)
	if err != nil {
		return engine.State{}, err
	}
	if any(worker) == nil {
		return engine.State{}, fmt.Errorf("%w: produce has returned a nil Worker", messages.ErrInvalidOption)
	}
	var state engine.State
	if closer, ok := any(worker).(io.Closer); ok {
		state.Close = closer.Close
	}
	handler, err := m.wraps.wrap(worker.Handle)
	if err != nil {
		return engine.State{}, discarded(state, err)
	}
	state.Value = handler
	return state, nil
}

// discarded closes a state that is not used because of err, and returns err.
func discarded(state engine.State, err error) error {
	closing := state.CloseApart()
	if closing == nil {
		return err
	}
	return engine.Because(err, closing)
}
