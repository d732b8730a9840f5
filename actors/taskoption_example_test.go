package actors_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A task that is canceled while it waits is taken out of the queue.
func ExampleFuture_Cancel() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	future, err := pool.Submit(ctx, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	future.Cancel()
	_, err = future.Wait(ctx)
	fmt.Println(err, errors.Is(err, messages.ErrCanceled))
	fmt.Println("queued:", pool.Stats().Queued)
	// Output:
	// troupe: task canceled true
	// queued: 0
}

func ExamplePriority() {
	say := func(_ context.Context, s string) (string, error) {
		fmt.Println(s)
		return s, nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, say, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	err = errors.Join(
		pool.Tell(ctx, "low", actors.Priority(-1)),
		pool.Tell(ctx, "normal"),
		pool.Tell(ctx, "high", actors.Priority(1)),
		pool.Tell(ctx, "high, but later", actors.Priority(1)),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	pool.Resume()
	if err := pool.Wait(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// high
	// high, but later
	// normal
	// low
}

// When the request is over, nobody wants the answer.
func ExampleCancelWithContext() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	request, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	future, err := pool.Submit(request, 4, actors.CancelWithContext())
	if err != nil {
		fmt.Println(err)
		return
	}
	cancel(errors.New("the client has hung up"))
	_, err = future.Wait(context.Background())
	fmt.Println(err)
	fmt.Println(errors.Is(err, messages.ErrCanceled), "queued:", pool.Stats().Queued)
	// Output:
	// troupe: task canceled: the client has hung up
	// true queued: 0
}

// The timeout bounds the task's whole life. Here it runs out in the queue.
func ExampleTimeout() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	_, err = pool.Ask(context.Background(), 4, actors.Timeout(time.Millisecond))
	fmt.Println(err)
	fmt.Println(errors.Is(err, messages.ErrTaskTimeout), errors.Is(err, context.DeadlineExceeded))
	// Output:
	// troupe: task timed out
	// true true
}

// Tasks of one key go to one worker, in order.
func ExampleKey() {
	var log []string // of one user; only that user's worker appends to it
	write := func(_ context.Context, line string) (int, error) {
		log = append(log, line)
		return len(log), nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, write,
		actors.WithSize(4), actors.WithDispatch(router.ConsistentHash()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	for _, line := range []string{"enters", "speaks", "leaves"} {
		if err := pool.Tell(ctx, line, actors.Key("Ada")); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := pool.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(log)
	// Output: [enters speaks leaves]
}

// A handler that wants the attributes of its task finds them by its context.
func ExampleTaskFromContext() {
	pool, err := actors.NewPool(exampleSystem().Root, func(ctx context.Context, page string) (string, error) {
		task, _ := actors.TaskFromContext(ctx)
		return task.ID + ": " + page + " in " + task.Headers["language"], nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "index", actors.ID("task-7"), actors.Header("language", "Welsh")))
	// Output: task-7: index in Welsh <nil>
}

// NoWait fails where a submission would have to wait for room.
func ExampleNoWait() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithQueue(1, actors.Block))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	fmt.Println(pool.Tell(ctx, 1))
	err = pool.Tell(ctx, 2, actors.NoWait())
	fmt.Println(err, errors.Is(err, messages.ErrQueueFull))
	// Output:
	// <nil>
	// troupe: queue full: capacity 1 true
}
