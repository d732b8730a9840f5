package messages_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A handler that knows when it is worth trying again says so.
func ExampleRetryAfter() {
	handler := func(ctx context.Context, _ string) (int, error) {
		if actors.Attempt(ctx) == 1 {
			return 0, fmt.Errorf("%w: too many requests", messages.RetryAfter(10*time.Millisecond))
		}
		return actors.Attempt(ctx), nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, handler, actors.WithRetry(actors.Retry{Attempts: 5}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "/"))
	// Output: 2 <nil>
}

// And one that knows that it never is says that.
func ExampleNoRetry() {
	errGone := errors.New("gone")
	handler := func(context.Context, string) (int, error) { return 0, messages.NoRetry(errGone) }
	pool, err := actors.NewPool(exampleSystem().Root, handler,
		actors.WithRetry(actors.Retry{Attempts: 5}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	_, err = pool.Ask(context.Background(), "/")
	fmt.Println(err, errors.Is(err, errGone), pool.Stats().Retries)
	// Output: gone true 0
}
