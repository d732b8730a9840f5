package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// admission is the layer that accepts or rejects submissions.
type admission struct {
	stopping
	rejected [messages.Reasons + 1]atomic.Int64
}

// counted counts a task as rejected if err is not nil, and returns err.
func (e *admission) counted(ctx context.Context, err error) error {
	if err != nil {
		e.countRejection(ctx, err)
	}
	return err
}

func (e *admission) countRejection(ctx context.Context, err error) {
	reason := messages.ReasonOf(err)
	if ctx != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		reason = messages.RejectedCanceled // the cause may be any error
	}
	e.rejected[reason].Add(1)
}

// Rejected counts a task that was rejected before Submit or Tell was called.
func (e *admission) Rejected(err error) { e.rejected[messages.ReasonOf(err)].Add(1) }

// RejectedUnder is Rejected for a task that was submitted with ctx.
func (e *admission) RejectedUnder(ctx context.Context, err error) { e.countRejection(ctx, err) }

// ended reports whether ctx is nil or has ended.
func ended(ctx context.Context) bool { return ctx == nil || ctx.Err() != nil }

// endOf returns why a context that has ended, or is nil, does not admit a task.
func endOf(ctx context.Context) error {
	if ctx == nil {
		return fmt.Errorf("%w: nil context", messages.ErrInvalidOption)
	}
	return guard.Cause(ctx)
}
