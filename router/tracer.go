package router

import (
	"context"

	"github.com/troupe-go/troupe/messages"
)

// A Tracer follows tasks from their submission to the end of each attempt, which may
// happen elsewhere and much later. It must be safe for concurrent use. A panic in it is
// logged, and the task goes on untraced. Submitted and Begun are called on the goroutine that
// submits or runs the task. admitted is called on another one, for which the submitter waits.
// ended is called on another one as well, in order for each worker, and the task waits for it
// up to 100 ms.
type Tracer interface {
	// Submitted is called before the task is admitted. It returns the headers that
	// replace those of the task, which must not be written to, and a function that is
	// called with the error that rejected the task, or nil if it was accepted.
	Submitted(ctx context.Context, task Traced) (headers map[string]string, admitted func(error))
	// Begun is called before each attempt. It returns the context for the handler,
	// which must be derived from ctx, and a function that is called with the outcome of
	// the attempt when the handler has returned: before the task's waiters are told,
	// unless it takes longer than 100 ms, or the task has timed out or was canceled by then. The outcome is that of the
	// attempt, even if another attempt follows.
	Begun(ctx context.Context, task Traced) (handler context.Context, ended func(messages.Outcome, error))
}

// Traced is the part of a task that a [Tracer] sees.
type Traced struct {
	Pool     string
	ID       string // at the submission, empty if the submitter named none
	Key      string
	Priority int
	Headers  map[string]string // must not be changed
	Worker   string            // the ID of its PID; empty at the submission, and for a task that runs in its caller
	Attempt  int               // from 1; 0 at the submission
}
