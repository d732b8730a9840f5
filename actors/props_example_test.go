package actors_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A handler counts what it likes. The sums are in the statistics.
func ExampleReport() {
	pool, err := actors.NewPool(exampleSystem().Root, func(ctx context.Context, text string) (int, error) {
		words := len(strings.Fields(text))
		return words, actors.Report(ctx, "words", int64(words))
	}, actors.WithSize(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	for _, err := range pool.Map(context.Background(), slices.Values([]string{"to be", "or not to be"})) {
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(pool.Stats().Custom["words"])
	// Output: 6
}

// A pool with a handler, as a child of an application actor. Each task that it is
// sent with a sender is answered with one *messages.Result.
func ExamplePropsFromHandler() {
	system := exampleSystem()
	results := make(chan *messages.Result)
	app := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch msg := ctx.Message().(type) {
		case *actor.Started:
			pool := ctx.Spawn(actors.PropsFromHandler(hundredBy, actors.WithSize(1)))
			for _, n := range []int{5, 0, 4} {
				ctx.Request(pool, &messages.Task{Payload: n})
			}
		case *messages.Result:
			results <- msg
		}
	}))
	for range 3 {
		result := <-results
		fmt.Println(result.TaskID, result.Outcome, result.Value)
	}
	if err := system.Root.StopFuture(app).Wait(); err != nil { // and the pool with it
		fmt.Println(err)
	}
	// Output:
	// 1 succeeded 20
	// 2 panicked <nil>
	// 3 succeeded 25
}

// A pool whose workers are actors of the user's own. A worker receives messages
// as they were sent, and responds as any actor does.
func ExamplePropsFromProducer() {
	newGreeter := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if name, ok := ctx.Message().(string); ok {
				ctx.Respond("Welcome, " + name + "!")
			}
		})
	}
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromProducer(newGreeter, actors.WithSize(3)))

	fmt.Println(root.RequestFuture(pool, "Ada", time.Minute).Result())
	if err := root.StopFuture(pool).Wait(); err != nil {
		fmt.Println(err)
	}
	// Output: Welcome, Ada! <nil>
}

// A worker asks another actor and answers later. Meanwhile the task is running, and the worker
// takes others.
func ExampleHold() {
	system := exampleSystem()
	prices := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if item, ok := ctx.Message().(string); ok {
			ctx.Respond(len(item))
		}
	}))
	pool := system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			item, ok := ctx.Message().(string)
			if !ok {
				return
			}
			held := actors.Hold(ctx)
			ctx.ReenterAfter(ctx.RequestFuture(prices, item, time.Second), func(price any, err error) {
				if err == nil {
					ctx.Respond(fmt.Sprint(item, " for ", price))
				}
				held.Done(err)
			})
		})
	}, actors.WithSize(1), actors.WithMaxHeld(10)))
	fmt.Println(system.Root.RequestFuture(pool, "a lamp", time.Second).Result())
	for _, pid := range []*actor.PID{pool, prices} {
		if err := system.Root.PoisonFuture(pid).Wait(); err != nil {
			fmt.Println(err)
		}
	}
	// Output: a lamp for 6 <nil>
}

// A worker fails a task without failing itself.
func ExampleFail() {
	system := exampleSystem()
	pool := system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch n, _ := ctx.Message().(int); {
			case n < 0:
				actors.Fail(ctx, fmt.Errorf("%d is negative", n))
			case n > 0:
				ctx.Respond(2 * n)
			}
		})
	}))
	for _, n := range []int{4, -4} {
		answer, err := system.Root.RequestFuture(pool, n, time.Second).Result()
		if result, ok := answer.(*messages.Result); ok {
			answer, err = result.Outcome, result.Err
		}
		fmt.Println(answer, err)
	}
	if err := system.Root.StopFuture(pool).Wait(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 8 <nil>
	// failed -4 is negative
}
