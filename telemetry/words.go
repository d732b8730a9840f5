package telemetry

import (
	"errors"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// words puts a line into words. The attributes cost more, so they are made when asked for.
func (l *line) words() (slog.Level, string, func() []slog.Attr) {
	switch {
	case l.entry != nil:
		level, text := ofTask(l.entry)
		return level, text, func() []slog.Attr { return taskAttrs(l.pool, l.entry) }
	case l.event != nil:
		level, text, attrs := ofEvent(l.event)
		return level, text, func() []slog.Attr { return attrs }
	default:
		return slog.LevelWarn, "log lines left out", func() []slog.Attr {
			attrs := []slog.Attr{slog.Int64("lines", l.missed)}
			if l.pool != "" {
				attrs = append(attrs, slog.String("pool", l.pool))
			}
			return attrs
		}
	}
}

func ofTask(e *journal.Entry) (slog.Level, string) {
	if e.Again {
		return slog.LevelInfo, "task to be retried"
	}
	text := "task " + e.Outcome.String()
	switch e.Outcome {
	case messages.Succeeded:
		return slog.LevelDebug, text
	case messages.Canceled:
		return slog.LevelInfo, text
	case messages.Panicked, messages.Quarantined:
		return slog.LevelError, text
	default:
		return slog.LevelWarn, text
	}
}

func taskAttrs(pool string, e *journal.Entry) []slog.Attr {
	attrs := []slog.Attr{slog.String("pool", pool), slog.String("task_id", e.TaskID())}
	if e.Worker != "" {
		attrs = append(attrs, slog.String("worker", e.Worker))
	}
	if e.Key != "" {
		attrs = append(attrs, slog.String("key", e.Key))
	}
	if e.Attempts > 0 {
		attrs = append(attrs, slog.Int("attempt", e.Attempts))
	}
	attrs = append(attrs,
		slog.String("outcome", snake(e.Outcome)), slog.Duration("wait", e.Wait), slog.Duration("run", e.Run))
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	if stack := stackOf(e.Err); stack != "" {
		attrs = append(attrs, slog.String("stack", stack))
	}
	if e.Again {
		attrs = append(attrs, slog.Duration("delay", e.Delay))
	}
	return attrs
}

// stackOf is that of the panic that the error tells of, empty if there was none.
func stackOf(err error) string {
	if crash, ok := errors.AsType[*messages.PanicError](err); ok {
		return string(crash.Stack)
	}
	return ""
}

// ofInterest reports whether the event is logged. Those of the outcomes of tasks come from
// the journals, and some the pool logs itself.
func ofInterest(event any) bool {
	switch event.(type) {
	case *messages.WorkerStarted, *messages.WorkerRestarted, *messages.WorkerStopped, *messages.WorkerReplaced,
		*messages.PoolResized, *messages.PoolStopped, *messages.BreakerOpened, *messages.BreakerClosed,
		*messages.WorkerAbandoned, *messages.AbandonedReturned, *messages.Autoscaled:
		return true
	default:
		return false
	}
}

func ofEvent(event any) (slog.Level, string, []slog.Attr) {
	switch e := event.(type) {
	case *messages.WorkerStarted:
		return slog.LevelDebug, "worker started", workerAttrs(e.Pool, e.Worker)
	case *messages.WorkerStopped:
		return slog.LevelDebug, "worker stopped", workerAttrs(e.Pool, e.Worker, slog.String("reason", e.Reason))
	case *messages.WorkerRestarted:
		return slog.LevelWarn, "worker restarted", workerAttrs(e.Pool, e.Worker, slog.Any("reason", e.Reason))
	case *messages.WorkerReplaced:
		return slog.LevelWarn, "worker replaced", workerAttrs(e.Pool, e.Worker, slog.String("replaces", e.Replace.GetId()))
	case *messages.PoolResized:
		return slog.LevelDebug, "pool resized", workerAttrs(e.Pool, nil,
			slog.Int("from", e.From), slog.Int("to", e.To), slog.String("reason", e.Reason))
	case *messages.PoolStopped:
		return slog.LevelDebug, "pool stopped", workerAttrs(e.Pool, nil,
			slog.Int64("finished", e.Report.Finished), slog.Int64("canceled", e.Report.Canceled),
			slog.Int64("dropped", e.Report.Dropped))
	case *messages.BreakerOpened:
		return slog.LevelWarn, "breaker opened", workerAttrs(e.Pool, e.Worker,
			slog.Int("failures", e.Failures), slog.Time("until", e.Until))
	case *messages.BreakerClosed:
		return slog.LevelInfo, "breaker closed", workerAttrs(e.Pool, e.Worker)
	case *messages.WorkerAbandoned:
		return slog.LevelError, "handler abandoned", workerAttrs(e.Pool, e.Worker,
			slog.String("task_id", e.TaskID), slog.Duration("overdue", e.Overdue), slog.String("stack", string(e.Stack)))
	case *messages.AbandonedReturned:
		return slog.LevelInfo, "abandoned handler returned", workerAttrs(e.Pool, e.Worker, slog.String("task_id", e.TaskID))
	case *messages.Autoscaled:
		return ofAutoscaled(e)
	default:
		return slog.LevelDebug, "", nil // none that is of interest
	}
}

func ofAutoscaled(e *messages.Autoscaled) (slog.Level, string, []slog.Attr) {
	attrs := workerAttrs(e.Pool, nil, slog.String("rule", e.Rule), slog.Int("from", e.From), slog.Int("to", e.To),
		slog.String("reason", e.Reason), slog.Bool("dry_run", e.DryRun))
	if e.Err != nil {
		return slog.LevelWarn, "pool not autoscaled", append(attrs, slog.Any("error", e.Err))
	}
	return slog.LevelDebug, "pool autoscaled", attrs
}

// workerAttrs begins with the pool and, if it is not nil, the worker.
func workerAttrs(pool string, worker *actor.PID, more ...slog.Attr) []slog.Attr {
	attrs := []slog.Attr{slog.String("pool", pool)}
	if worker != nil {
		attrs = append(attrs, slog.String("worker", worker.Id))
	}
	return append(attrs, more...)
}
