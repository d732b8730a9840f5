package router_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/router"
)

// Round-robin gives every worker its turn, exactly.
func ExampleRoundRobin() {
	pool, err := actors.NewPool(exampleRoot(), same, actors.WithSize(3), actors.WithDispatch(router.RoundRobin()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for range 9 {
		if _, err := pool.Ask(context.Background(), ""); err != nil {
			fmt.Println(err)
		}
	}
	for i, worker := range pool.Stats().Workers {
		fmt.Println("worker", i, "had", worker.Succeeded)
	}
	// Output:
	// worker 0 had 3
	// worker 1 had 3
	// worker 2 had 3
}

// Least-busy, the default, lets a slow task delay nobody behind it: the worker
// that is free does all the rest.
func ExampleLeastBusy() {
	started, finish := make(chan struct{}), make(chan struct{})
	work := func(_ context.Context, task string) (string, error) {
		if task == "slow" {
			close(started)
			<-finish
		}
		return task, nil
	}
	pool, err := actors.NewPool(exampleRoot(), work, actors.WithSize(2), actors.WithDispatch(router.LeastBusy()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	slow, err := pool.Submit(ctx, "slow")
	if err != nil {
		fmt.Println(err)
		return
	}
	<-started
	for range 5 {
		if _, err := pool.Ask(ctx, "quick"); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(pool.Stats().Succeeded, "quick ones are done")
	close(finish)
	fmt.Println(slow.Wait(ctx))
	// Output:
	// 5 quick ones are done
	// slow <nil>
}

// Random keeps no state and needs no key: in the long run all workers have the
// same share.
func ExampleRandom() {
	pool, err := actors.NewPool(exampleRoot(), same, actors.WithSize(2), actors.WithDispatch(router.Random()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for range 100 {
		if _, err := pool.Ask(context.Background(), ""); err != nil {
			fmt.Println(err)
		}
	}
	for i, worker := range pool.Stats().Workers {
		fmt.Println("worker", i, "had some:", worker.Succeeded > 0)
	}
	// Output:
	// worker 0 had some: true
	// worker 1 had some: true
}

// Consistent hashing keeps the tasks of one key on one worker, in order.
func ExampleConsistentHash() {
	var balance int // of one account; only its worker touches it
	book := func(_ context.Context, amount int) (int, error) {
		balance += amount
		return balance, nil
	}
	pool, err := actors.NewPool(exampleRoot(), book, actors.WithSize(8), actors.WithDispatch(router.ConsistentHash()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	var bookings []*actors.Future[int]
	for _, amount := range []int{100, -30, 5} {
		booking, err := pool.Submit(ctx, amount, actors.Key("Ada's account"))
		if err != nil {
			fmt.Println(err)
			return
		}
		bookings = append(bookings, booking)
	}
	for _, booking := range bookings {
		fmt.Println(booking.Wait(ctx))
	}
	// Output:
	// 100 <nil>
	// 70 <nil>
	// 75 <nil>
}

// A custom dispatch sees the task's attributes and the workers with their load.
// This one keeps the first worker for tasks that are marked as urgent.
func ExampleCustom() {
	pick := func(task router.TaskView, workers router.Workers) int {
		if task.Headers["class"] == "urgent" || workers.Len() == 1 {
			return 0
		}
		least := 1
		for i := 2; i < workers.Len(); i++ {
			if workers.Load(i) < workers.Load(least) {
				least = i
			}
		}
		return least
	}
	pool, err := actors.NewPool(exampleRoot(), same, actors.WithSize(2), actors.WithDispatch(router.Custom(pick)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	for range 5 {
		if _, err := pool.Ask(ctx, "letter"); err != nil {
			fmt.Println(err)
		}
	}
	if _, err := pool.Ask(ctx, "telegram", actors.Header("class", "urgent")); err != nil {
		fmt.Println(err)
	}
	for i, worker := range pool.Stats().Workers {
		fmt.Println("worker", i, "had", worker.Succeeded)
	}
	// Output:
	// worker 0 had 1
	// worker 1 had 5
}

func ExampleScatterGather() {
	var calls atomic.Int32
	// Each worker asks a mirror. The first one is down, and the second one is slow.
	fetch := func(ctx context.Context, path string) (string, error) {
		switch calls.Add(1) {
		case 1:
			return "", errors.New("mirror 1 is down")
		case 2:
			<-ctx.Done() // the third one is faster
			return "", ctx.Err()
		default:
			return path + " from a mirror", nil
		}
	}
	pool, err := actors.New(fetch, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Second)))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "/index"))
	stats := pool.Stats()
	fmt.Println(stats.Submitted, stats.Succeeded)
	// Output:
	// /index from a mirror <nil>
	// 1 1
}

func ExampleTailChopping() {
	var calls atomic.Int32
	fetch := func(ctx context.Context, path string) (string, error) {
		if calls.Add(1) == 1 { // this one hangs
			<-ctx.Done()
			return "", ctx.Err()
		}
		return path, nil
	}
	dispatch := router.TailChopping(10*time.Millisecond, time.Second)
	pool, err := actors.New(fetch, actors.WithSize(3), actors.WithDispatch(dispatch))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	fmt.Println(pool.Ask(context.Background(), "/index"))
	// Output: /index <nil>
}

func ExampleDispatch_String() {
	fmt.Println(router.LeastBusy(), router.RoundRobin(), router.Random(), router.ConsistentHash())
	// Output: least-busy round-robin random consistent-hash
}

func ExampleOverflow() {
	fmt.Println(router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns)
	// Output: block reject drop-oldest drop-newest caller-runs
}

func same(_ context.Context, task string) (string, error) { return task, nil }

// exampleRoot returns the root of an actor system that does not log.
func exampleRoot() *actor.RootContext {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // the goroutine of a dead letter lives as long
	).Root
}
