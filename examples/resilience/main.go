// Resilience shows what a pool does about tasks that fail and workers that get
// stuck. Run it:
//
//	go run ./examples/resilience
//
// Look at the flaky task: it succeeds at its third attempt, and nobody but the
// handler knows of the first two. Then at the poisonous one: it is given up after two
// crashes, can be looked at with its stacks, and is submitted again once the cause is
// mended. Last at the stuck one: its waiter is told at its timeout, and a moment later
// its worker has been replaced, so that the pool can do its work.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

var errFlaky = errors.New("connection reset")

// service is what the handler works with. It has its faults.
type service struct {
	mended atomic.Bool
	stuck  chan struct{} // closed when what is stuck comes loose
}

func (s *service) handle(ctx context.Context, task string) (string, error) {
	switch {
	case task == "flaky" && actors.Attempt(ctx) < 3:
		fmt.Println("  attempt", actors.Attempt(ctx), "fails")
		return "", errFlaky
	case task == "poison" && !s.mended.Load():
		fmt.Println("  attempt", actors.Attempt(ctx), "crashes its worker")
		panic("cannot digest this")
	case task == "stuck":
		<-s.stuck // whatever its context says
	}
	return task + " is done", nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "resilience:", err)
		os.Exit(1)
	}
}

func run() error {
	s := &service{stuck: make(chan struct{})}
	quiet := func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	pool, err := actors.NewPool(system.Root, s.handle,
		actors.WithSize(1),
		actors.WithRetry(actors.Retry{
			Attempts: 4, Min: 10 * time.Millisecond, Max: time.Second, Jitter: 0.2,
			On:     func(err error) bool { return errors.Is(err, errFlaky) },
			Panics: true,
		}),
		actors.WithQuarantine(actors.Quarantine{Crashes: 2}),
		actors.WithWatchdog(actors.Watchdog{Grace: 20 * time.Millisecond, Limit: 10}))
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx := context.Background()

	fmt.Println("A flaky task:")
	fmt.Println(pool.Ask(ctx, "flaky"))

	fmt.Println("A poisonous task:")
	_, err = pool.Ask(ctx, "poison")
	fmt.Println(errors.Is(err, messages.ErrQuarantined), err)
	for _, task := range pool.Quarantine() {
		fmt.Printf("  number %d in quarantine: %q, %d attempts, %d stacks\n",
			task.Number, task.Task.Payload, task.Attempts, len(task.Panics))
	}
	s.mended.Store(true)
	n, err := pool.Requeue(pool.Quarantine()[0].Number)
	if err != nil {
		return err
	}
	if err := pool.Wait(ctx); err != nil {
		return err
	}
	stats := pool.Stats()
	fmt.Println("  mended:", n, "submitted again,", stats.Succeeded, "succeeded so far,", stats.InQuarantine, "in quarantine")

	fmt.Println("A stuck task:")
	_, err = pool.Ask(ctx, "stuck", actors.Timeout(500*time.Millisecond))
	fmt.Println(errors.Is(err, messages.ErrTaskTimeout), err)
	fmt.Println(pool.Ask(ctx, "the next")) // by another worker: the pool had only one
	stats = pool.Stats()
	fmt.Println("  workers:", stats.Size, "abandoned handlers:", stats.Abandoned)
	close(s.stuck)

	if _, err := pool.Shutdown(ctx); err != nil {
		return err
	}
	stats = pool.Stats()
	fmt.Println(stats.Submitted, "submitted, balanced:", stats.Balanced())
	return nil
}
