package actors_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// The queue is full after two tasks; the third makes the oldest give way.
func ExampleWithQueue() {
	pool, err := actors.NewPool(exampleSystem().Root, twice, actors.WithQueue(2, actors.DropOldest))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	pool.Pause()
	ctx := context.Background()
	var futures []*actors.Future[int]
	for n := range 3 {
		future, err := pool.Submit(ctx, n)
		if err != nil {
			fmt.Println(err)
			return
		}
		futures = append(futures, future)
	}
	pool.Resume()
	for _, future := range futures {
		fmt.Println(future.Wait(ctx))
	}
	// Output:
	// 0 troupe: task dropped
	// 2 <nil>
	// 4 <nil>
}

// Any strategy of Proto.Actor will do, too.
func ExampleWithSupervision() {
	reasons := make(chan any, 1)
	strategy := actor.NewOneForOneStrategy(10, time.Minute, func(reason any) actor.Directive {
		reasons <- reason
		return actor.RestartDirective
	})
	pool, err := actors.NewPool(exampleSystem().Root, hundredBy, actors.WithSupervision(strategy))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	if err := pool.Tell(context.Background(), 0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("restart after:", <-reasons)
	// Output: restart after: runtime error: integer divide by zero
}

// At the health interval the pool publishes its statistics.
func ExampleWithHealth() {
	system := exampleSystem()
	snapshots := make(chan *messages.Stats, 1)
	events := system.EventStream.Subscribe(func(event any) {
		if stats, ok := event.(*messages.Stats); ok {
			select {
			case snapshots <- stats:
			default: // a subscriber must not keep the pool's actors waiting
			}
		}
	})
	defer system.EventStream.Unsubscribe(events)

	pool, err := actors.NewPool(system.Root, twice,
		actors.WithName("doublers"), actors.WithSize(3), actors.WithHealth(time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	stats := <-snapshots
	fmt.Println(stats.Pool, stats.Size)
	// Output: doublers 3
}

// A middleware around every worker.
func ExampleWithWorkerProps() {
	trace := func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
			if name, ok := envelope.Message.(string); ok {
				fmt.Println("before", name)
			}
			next(ctx, envelope)
		}
	}
	newGreeter := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if name, ok := ctx.Message().(string); ok {
				ctx.Respond("Welcome, " + name + "!")
			}
		})
	}
	root := exampleSystem().Root
	pool := root.Spawn(actors.PropsFromProducer(newGreeter,
		actors.WithWorkerProps(actor.WithReceiverMiddleware(trace))))

	fmt.Println(root.RequestFuture(pool, "Ada", time.Minute).Result())
	if err := root.StopFuture(pool).Wait(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// before Ada
	// Welcome, Ada! <nil>
}
