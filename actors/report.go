package actors

import (
	"context"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Report adds n to a counter of the worker that runs the handler to which ctx was
// given. It is found in messages.Stats.Custom, summed over the workers, and in
// messages.WorkerStats.Custom; a reader who has the task's answer sees it there.
// If ctx is no handler's, the error wraps messages.ErrInvalidOption.
func Report(ctx context.Context, name string, n int64) error {
	if ctx == nil {
		return errNilContext
	}
	task := engine.FromContext(ctx)
	if task == nil {
		return invalid.Option("report of %q: the context is not a handler's", name)
	}
	task.Report(name, n)
	return nil
}

// Attempt says which attempt of its task the handler is making that was given ctx,
// from 1. It is 0 if ctx is no handler's.
func Attempt(ctx context.Context) int {
	if ctx == nil {
		return 0
	}
	if task := engine.FromContext(ctx); task != nil {
		return task.Attempt()
	}
	return 0
}

// TaskFromContext returns the ID, the key and the headers of the task whose
// handler was given ctx. The headers must not be changed. ok is false if ctx is no
// handler's.
func TaskFromContext(ctx context.Context) (task messages.Task, ok bool) {
	if ctx == nil {
		return task, false
	}
	c := engine.FromContext(ctx)
	if c == nil {
		return task, false
	}
	v := c.Task()
	task.ID, task.Key, task.Headers = v.ID, v.Key, v.Headers
	return task, true
}
