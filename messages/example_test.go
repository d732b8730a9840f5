package messages_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A task sent with a sender is answered with a *Result. Here the sender is a
// future of the actor system; in an actor, it is ctx.Request that names one.
func ExampleTask() {
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromHandler(twice))
	defer stopPool(root, pool)

	answer, err := root.RequestFuture(pool, &messages.Task{ID: "a", Payload: 21, Timeout: time.Second}, time.Minute).Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	result := answer.(*messages.Result)
	fmt.Println(result.TaskID, result.Outcome, result.Value, result.Err)
	// Output: a succeeded 42 <nil>
}

// A result says why there is no value: here the pool's handler takes an int.
func ExampleResult() {
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromHandler(twice))
	defer stopPool(root, pool)

	answer, err := root.RequestFuture(pool, &messages.Task{ID: "b", Payload: "21"}, time.Minute).Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	result := answer.(*messages.Result)
	fmt.Println(result.TaskID, result.Outcome)
	fmt.Println(result.Err)
	fmt.Println(errors.Is(result.Err, messages.ErrPayloadType))
	// Output:
	// b rejected
	// troupe: wrong payload type: string, not int
	// true
}

// The supervisor answers GetStats with a snapshot, in which the ledger holds.
func ExampleGetStats() {
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromHandler(twice, actors.WithSize(3)))
	defer stopPool(root, pool)

	for n := range 5 {
		if err := root.RequestFuture(pool, &messages.Task{Payload: n}, time.Minute).Wait(); err != nil {
			fmt.Println(err)
			return
		}
	}
	answer, err := root.RequestFuture(pool, &messages.GetStats{}, time.Minute).Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	stats := answer.(*messages.Stats)
	fmt.Println(stats.Size, "workers,", stats.Submitted, "submitted,", stats.Succeeded, "succeeded, balanced:", stats.Balanced())
	// Output: 3 workers, 5 submitted, 5 succeeded, balanced: true
}

func ExampleResize() {
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromHandler(twice, actors.WithSize(2)))
	defer stopPool(root, pool)

	for _, size := range []int{8, 0} {
		answer, err := root.RequestFuture(pool, &messages.Resize{Size: size}, time.Minute).Result()
		if err != nil {
			fmt.Println(err)
			return
		}
		switch answer := answer.(type) {
		case *messages.Resized:
			fmt.Println("from", answer.From, "to", answer.To)
		case *messages.Result:
			fmt.Println(answer.Err)
		}
	}
	// Output:
	// from 2 to 8
	// troupe: invalid option: size 0 < 1
}

// Drain finishes what the pool has accepted and then stops it.
func ExampleDrain() {
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromHandler(twice, actors.WithSize(1)))

	// Until the pool is resumed, which Drain does, nothing is started.
	if err := root.RequestFuture(pool, &messages.Pause{}, time.Minute).Wait(); err != nil {
		fmt.Println(err)
		return
	}
	for n := range 3 {
		root.Send(pool, &messages.Task{Payload: n})
	}
	answer, err := root.RequestFuture(pool, &messages.Drain{}, time.Minute).Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	report := answer.(*messages.DrainReport)
	fmt.Println(report.Finished, "finished,", report.Dropped, "dropped")
	// Output: 3 finished, 0 dropped
}

// Finish drops what is queued, lets the running tasks finish and then stops the pool.
func ExampleFinish() {
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromHandler(twice, actors.WithSize(1)))

	// While the pool is paused, nothing is started.
	if err := root.RequestFuture(pool, &messages.Pause{}, time.Minute).Wait(); err != nil {
		fmt.Println(err)
		return
	}
	for n := range 3 {
		root.Send(pool, &messages.Task{Payload: n})
	}
	answer, err := root.RequestFuture(pool, &messages.Finish{}, time.Minute).Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	report := answer.(*messages.DrainReport)
	fmt.Println(report.Finished, "finished,", report.Dropped, "dropped")
	// Output: 0 finished, 3 dropped
}

// A broadcast is one task for every worker, each of which answers.
func ExampleBroadcast() {
	system := exampleSystem()
	pool := system.Root.Spawn(actors.PropsFromHandler(twice, actors.WithSize(3)))
	defer stopPool(system.Root, pool)

	results := make(chan *messages.Result)
	system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started:
			ctx.Request(pool, &messages.Broadcast{Message: &messages.Task{Payload: 4}})
		case *messages.Result:
			results <- msg
		}
	}))
	workers := make(map[string]bool)
	for range 3 {
		result := <-results
		workers[result.Worker] = true
		fmt.Println(result.Value)
	}
	fmt.Println(len(workers), "workers")
	// Output:
	// 8
	// 8
	// 8
	// 3 workers
}

// A worker that is the user's own actor reports of its work to its parent.
func ExampleReport() {
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromProducer(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if text, ok := ctx.Message().(string); ok {
				ctx.Send(ctx.Parent(), &messages.Report{Counters: map[string]int64{"bytes": int64(len(text))}})
				ctx.Respond(len(text))
			}
		})
	}, actors.WithSize(2)))
	defer stopPool(root, pool)

	for _, text := range []string{"to be", "or not to be"} {
		if err := root.RequestFuture(pool, text, time.Minute).Wait(); err != nil {
			fmt.Println(err)
			return
		}
	}
	answer, err := root.RequestFuture(pool, &messages.GetStats{}, time.Minute).Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.(*messages.Stats).Custom["bytes"], "bytes")
	// Output: 17 bytes
}

// Events are published on the actor system's event stream.
func ExamplePoolStopped() {
	system := exampleSystem()
	stopped := make(chan *messages.PoolStopped, 1)
	events := system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(*messages.PoolStopped); ok {
			stopped <- e
		}
	})
	defer system.EventStream.Unsubscribe(events)

	pool := system.Root.Spawn(actors.PropsFromHandler(twice, actors.WithName("doublers")))
	system.Root.Stop(pool)
	fmt.Println((<-stopped).Pool, "stopped")
	// Output: doublers stopped
}

// A panic is an error that has its value and the stack. If the value is an error,
// errors.Is and errors.As see it.
func ExamplePanicError() {
	errRotten := errors.New("rotten")
	var err error = &messages.PanicError{Value: errRotten}

	fmt.Println(err)
	fmt.Println(errors.Is(err, errRotten))
	// Output:
	// troupe: handler panicked: rotten
	// true
}

func ExampleErrTaskTimeout() {
	fmt.Println(messages.ErrTaskTimeout)
	fmt.Println(errors.Is(messages.ErrTaskTimeout, context.DeadlineExceeded))
	// Output:
	// troupe: task timed out
	// true
}

func twice(_ context.Context, n int) (int, error) { return 2 * n, nil }

// exampleSystem returns an actor system that does not log.
func exampleSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // the goroutine of a dead letter lives as long
	)
}

// stopPool stops a pool and waits until it has stopped.
func stopPool(root *actor.RootContext, pool *actor.PID) {
	if err := root.StopFuture(pool).Wait(); err != nil {
		panic(err)
	}
}
