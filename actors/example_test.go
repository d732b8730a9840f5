package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

func ExampleNewPool() {
	shout := func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }
	pool, err := actors.NewPool(exampleSystem().Root, shout, actors.WithName("shouters"), actors.WithSize(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "bravo"))
	fmt.Println(pool.PID().Id, pool.Stats().Size)
	// Output:
	// BRAVO <nil>
	// shouters 4
}

// What makes no sense is an error that names the value.
func ExampleNewPool_invalid() {
	_, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(0))
	fmt.Println(err)
	fmt.Println(errors.Is(err, messages.ErrInvalidOption))
	// Output:
	// troupe: invalid option: size 0 < 1
	// true
}

// A handler that panics gives its asker a *messages.PanicError. The pool goes on.
func ExamplePool_Ask() {
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	fmt.Println(pool.Ask(ctx, 4))
	_, err = pool.Ask(ctx, 0)
	if p, ok := errors.AsType[*messages.PanicError](err); ok {
		fmt.Println("panicked:", p.Value)
	}
	fmt.Println(pool.Ask(ctx, 5))
	// Output:
	// 25 <nil>
	// panicked: runtime error: integer divide by zero
	// 20 <nil>
}

func ExamplePool_Submit() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	future, err := pool.Submit(ctx, 21) // returns when the task is accepted
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(future.Wait(ctx)) // returns when it is done
	// Output: 42 <nil>
}

// Nobody waits for the answer of a Tell, so Wait waits for all there are.
func ExamplePool_Tell() {
	pool, err := actors.NewPool(exampleSystem().Root, twice)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	for n := range 100 {
		if err := pool.Tell(ctx, n); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := pool.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Stats().Succeeded)
	// Output: 100
}

// The answers come in the order of the inputs. An error takes the place of its
// answer, and the rest go on.
func ExamplePool_Map() {
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy, actors.WithSize(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for quotient, err := range pool.Map(context.Background(), slices.Values([]int{1, 2, 0, 4})) {
		fmt.Println(quotient, err)
	}
	// Output:
	// 100 <nil>
	// 50 <nil>
	// 0 troupe: handler panicked: runtime error: integer divide by zero
	// 25 <nil>
}

func ExamplePool_Resize() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	if err := pool.Resize(context.Background(), 8); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Stats().Size)
	// Output: 8
}

func ExamplePool_Pause() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause() // tasks are accepted and wait
	ctx := context.Background()
	future, err := pool.Submit(ctx, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("queued:", pool.Stats().Queued)
	pool.Resume()
	fmt.Println(future.Wait(ctx))
	// Output:
	// queued: 1
	// 8 <nil>
}

// Shutdown finishes what was accepted, and refuses the rest.
func ExamplePool_Shutdown() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	pool.Pause() // Shutdown ends the pause
	for n := range 5 {
		if err := pool.Tell(ctx, n); err != nil {
			fmt.Println(err)
			return
		}
	}
	report, err := pool.Shutdown(ctx)
	fmt.Println(report.Finished, "finished,", report.Dropped, "dropped,", err)
	fmt.Println(pool.Tell(ctx, 5))
	// Output:
	// 5 finished, 0 dropped, <nil>
	// troupe: pool stopped
}

// Finish drops what waits, and waits for what runs.
func ExamplePool_Finish() {
	started, finish := make(chan struct{}), make(chan struct{})
	pool, err := actors.NewPool(exampleSystem().Root, func(context.Context, int) (int, error) {
		close(started)
		<-finish
		return 0, nil
	}, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for n := range 3 {
		if err := pool.Tell(ctx, n); err != nil {
			fmt.Println(err)
			return
		}
	}
	<-started
	time.AfterFunc(time.Millisecond, func() { close(finish) })
	report, err := pool.Finish(ctx)
	fmt.Println(report.Finished, "finished,", report.Dropped, "dropped,", err)
	// Output: 1 finished, 2 dropped, <nil>
}

// Close cancels what runs and drops what waits.
func ExamplePool_Close() {
	started := make(chan struct{})
	pool, err := actors.NewPool(exampleSystem().Root, func(ctx context.Context, _ int) (int, error) {
		close(started)
		<-ctx.Done()
		return 0, context.Cause(ctx)
	}, actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for n := range 3 {
		if err := pool.Tell(context.Background(), n); err != nil {
			fmt.Println(err)
			return
		}
	}
	<-started
	report := pool.Close()
	fmt.Println(report.Canceled, "canceled,", report.Dropped, "dropped")
	// Output: 1 canceled, 2 dropped
}

func twice(_ context.Context, n int) (int, error) { return 2 * n, nil }

func hundredBy(_ context.Context, n int) (int, error) { return 100 / n, nil }

// exampleSystem returns an actor system that does not log.
func exampleSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // the goroutine of a dead letter lives as long
	)
}
