package pooltest

import (
	"context"
	"errors"
	"time"
)

// ErrTask is the error of a task that fails.
var ErrTask = errors.New("the task's own error")

// Sleep is a handler that takes the given time, unless its context ends first.
func Sleep(ctx context.Context, d time.Duration) (time.Duration, error) {
	if d <= 0 { // a timer channel that is due at once can crash Go 1.26's race detector in a bubble
		return d, nil
	}
	select {
	case <-time.After(d):
		return d, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Echo is a handler that returns its input and takes no time.
func Echo[T any](_ context.Context, in T) (T, error) { return in, nil }

// Double is a handler that takes no time.
func Double(_ context.Context, n int) (int, error) { return 2 * n, nil }

// Crash is a handler that panics with [ErrTask] if n is negative. Otherwise it takes a
// second.
func Crash(ctx context.Context, n int) (int, error) {
	if n < 0 {
		panic(ErrTask)
	}
	_, err := Sleep(ctx, time.Second)
	return n, err
}
