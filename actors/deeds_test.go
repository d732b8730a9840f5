package actors_test

import (
	"context"
	"time"

	"github.com/troupe-go/troupe/internal/pooltest"
)

// deed is the payload of a task that says itself what to do.
type deed func(ctx context.Context) error

func do(ctx context.Context, d deed) (int, error) { return 0, d(ctx) }

// takes is a deed that takes the given time and ends in err.
func takes(d time.Duration, err error) deed {
	return func(ctx context.Context) error {
		if _, ended := pooltest.Sleep(ctx, d); ended != nil {
			return ended
		}
		return err
	}
}

// crashesAfter is a deed that panics after the given time.
func crashesAfter(d time.Duration) deed {
	return func(context.Context) error {
		time.Sleep(d)
		panic(pooltest.ErrTask)
	}
}
