package actors_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// A failed task is retried. Its caller learns only the outcome.
func ExampleWithRetry() {
	errBusy := errors.New("busy")
	handler := func(ctx context.Context, n int) (string, error) {
		if attempt := actors.Attempt(ctx); attempt <= n {
			return "", errBusy
		}
		return fmt.Sprint("done at attempt ", actors.Attempt(ctx)), nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, handler, actors.WithRetry(actors.Retry{
		Attempts: 3, Min: time.Millisecond, Max: time.Second,
		On: func(err error) bool { return errors.Is(err, errBusy) },
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), 2))
	_, err = pool.Ask(context.Background(), 100)
	fmt.Println(err)
	fmt.Println(pool.Stats().Retries, "retries")
	// Output:
	// done at attempt 3 <nil>
	// busy
	// 4 retries
}

// A worker whose connection is broken fails at every task. The next attempt is made by another
// worker.
func ExampleWithRetry_elsewhere() {
	var broken atomic.Pointer[string]
	query := func(ctx context.Context, q string) (string, error) {
		worker := actors.WorkerID(ctx)
		if broken.CompareAndSwap(nil, &worker) || *broken.Load() == worker {
			return "", errors.New("connection reset")
		}
		return "result of " + q, nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, query, actors.WithSize(2),
		actors.WithRetry(actors.Retry{Attempts: 2, Elsewhere: true}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for _, q := range []string{"q1", "q2", "q3"} {
		fmt.Println(pool.Ask(context.Background(), q))
	}
	// Output:
	// result of q1 <nil>
	// result of q2 <nil>
	// result of q3 <nil>
}

// A task that crashes its worker is kept, to be looked at and submitted again.
func ExampleWithQuarantine() {
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy, actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	_, err = pool.Ask(context.Background(), 0, actors.ID("by zero"))
	fmt.Println(errors.Is(err, messages.ErrQuarantined))
	for _, task := range pool.Quarantine() {
		fmt.Println(task.Number, task.Task.ID, task.Task.Payload, task.Err)
	}
	fmt.Println(pool.DeleteQuarantined(1), "deleted")
	// Output:
	// true
	// 1 by zero 0 troupe: handler panicked: runtime error: integer divide by zero
	// 1 deleted
}

// A handler that ignores the end of its context does not keep the pool's only worker.
func ExampleWithWatchdog() {
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	handler := func(_ context.Context, stuck bool) (string, error) {
		if stuck {
			cancel() // the caller gives up
			<-release
		}
		return "done", nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, handler, actors.WithSize(1),
		actors.WithWatchdog(actors.Watchdog{Grace: 10 * time.Millisecond, Limit: 8}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	defer close(release)

	_, err = pool.Ask(ctx, true)
	fmt.Println(err)
	fmt.Println(pool.Ask(context.Background(), false))
	fmt.Println(pool.Stats().Abandoned, "abandoned")
	// Output:
	// troupe: task canceled: context canceled
	// done <nil>
	// 1 abandoned
}

// A dry run says what the autoscaler would do.
func ExampleWithAutoscale() {
	system := exampleSystem()
	decisions := make(chan *messages.Autoscaled, 10)
	events := system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(*messages.Autoscaled); ok {
			decisions <- e
		}
	})
	defer system.EventStream.Unsubscribe(events)

	gate := make(chan struct{})
	handler := func(_ context.Context, n int) (int, error) { <-gate; return n, nil }
	pool, err := actors.NewPool(system.Root, handler, actors.WithAutoscale(supervisor.Autoscale{
		Min: 2, Max: 8, Every: 200 * time.Millisecond, DryRun: true,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	defer close(gate)
	for n := range 20 {
		if err := pool.Tell(context.Background(), n); err != nil {
			fmt.Println(err)
			return
		}
	}

	d := <-decisions
	for d.Queued < 18 { // it looked before all tasks were there
		d = <-decisions
	}
	fmt.Println(d.Rule, "from", d.From, "to", d.To)
	fmt.Println(d.Reason)
	// Output:
	// threshold from 2 to 4
	// queued 18 > 2 x 2 workers
}

func ExampleWithDeadlineCheck() {
	handler := func(_ context.Context, d time.Duration) (int, error) { time.Sleep(d); return 0, nil }
	pool, err := actors.NewPool(exampleSystem().Root, handler, actors.WithSize(1), actors.WithDeadlineCheck())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	_, _ = pool.Ask(ctx, 20*time.Millisecond)
	_ = pool.Wait(ctx) // now the pool knows how long a task takes
	pool.Pause()       // and has a backlog
	for range 100 {
		_ = pool.Tell(ctx, 0)
	}
	err = pool.Tell(ctx, 0, actors.Timeout(10*time.Millisecond))
	fmt.Println(errors.Is(err, messages.ErrDeadlineUnreachable))
	// Output: true
}

// A handler that knows better than its pool how the task has ended says so.
func ExampleWithOutcome() {
	errGone := errors.New("gone")
	handler := func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, actors.WithOutcome(messages.Dropped, errGone)
		}
		return n, nil
	}
	pool, err := actors.NewPool(exampleSystem().Root, handler, actors.WithRetry(actors.Retry{Attempts: 5}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	_, err = pool.Ask(context.Background(), -1)
	fmt.Println(err)
	fmt.Println(errors.Is(err, messages.ErrDropped), errors.Is(err, errGone))
	stats := pool.Stats()
	fmt.Println("dropped:", stats.Dropped, "retries:", stats.Retries)
	// Output:
	// troupe: task dropped: gone
	// true true
	// dropped: 1 retries: 0
}
