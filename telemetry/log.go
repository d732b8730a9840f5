package telemetry

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/invalid"
)

// LogOption configures [Log].
type LogOption interface{ apply(*logOptions) error }

type logOption func(*logOptions) error

func (o logOption) apply(c *logOptions) error { return o(c) }

type logOptions struct {
	interval time.Duration
	keep     int
}

// WithInterval sets how often lines are written. The default is 250 ms.
func WithInterval(interval time.Duration) LogOption {
	return logOption(func(c *logOptions) error {
		if interval <= 0 {
			return invalid.Option("log interval %v <= 0", interval)
		}
		c.interval = interval
		return nil
	})
}

// WithKeep sets how many lines about each pool's tasks are kept until they are written,
// and as many about successes. Beyond it, the oldest are left out. The default is 4096.
func WithKeep(lines int) LogOption {
	return logOption(func(c *logOptions) error {
		if lines < 1 {
			return invalid.Option("keep %d lines < 1", lines)
		}
		c.keep = lines
		return nil
	})
}

// Log logs what happens to the tasks and the workers of all pools of a system, until
// stop is called. It is quiet while all is well:
//
//	Error  a task panicked or came into quarantine, or its handler was abandoned
//	Warn   a task failed, timed out or was dropped; a worker was restarted, replaced, or left
//	       out by its breaker; the autoscaler could not do what it had decided
//	Info   a task was canceled, or is to be retried; a breaker closed; an abandoned handler
//	       returned
//	Debug  a task succeeded, if the logger takes that at the time of the call; a worker was
//	       started or stopped, a pool resized, autoscaled or stopped
//
// What a pool logs itself, with its own logger, is left out: that it is overloaded or
// degraded. The keys are pool, worker, task_id, key, attempt, outcome, wait, run, error,
// stack and delay, as far as there is something to say; the time is that of what happened. Lines
// that are not about tasks have the name of their pool, also where others have it too: then
// the worker, whose ID begins with that of the pool, tells which it was.
//
// Lines are written at an interval, on a goroutine that is there only meanwhile. A slow
// logger never delays a pool: what there was no room for is left out, and one line says
// how much that was. Of successes that are many and short, not all have a line, and run is
// then an upper bound. If the logger panics or ends its goroutine, its line is lost and no more.
//
// stop has written what there was to write when it returns, and may be called any number
// of times, though not by the logger's own handler. A system, a logger or an option that
// is nil, and one that makes no sense, is an error that wraps messages.ErrInvalidOption.
func Log(system *actor.ActorSystem, logger *slog.Logger, opts ...LogOption) (stop func(), err error) {
	if system == nil {
		return nil, errNoSystem()
	}
	if logger == nil {
		return nil, invalid.Option("logger is nil")
	}
	options := logOptions{interval: 250 * time.Millisecond, keep: 4096}
	for i, o := range opts {
		if o == nil {
			return nil, invalid.Option("option %d is nil", i)
		}
		if err := o.apply(&options); err != nil {
			return nil, err
		}
	}
	l := &logbook{
		options:   options,
		handler:   logger.Handler(),
		successes: logger.Enabled(context.Background(), slog.LevelDebug),
		writing:   make(chan struct{}, 1),
		stopped:   make(chan struct{}),
		pools:     make(map[*directory.Entry]*reading),
	}
	l.start(system)
	return l.stop, nil
}
