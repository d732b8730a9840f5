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
