package actors_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// The restarts of one pool's workers, and the events of all pools.
func ExampleSubscribe() {
	system := exampleSystem()
	restarts := make(chan any)
	cancel := actors.Subscribe(system, "orders", func(event *messages.WorkerRestarted) { restarts <- event.Reason })
	defer cancel()
	stops := make(chan string)
	defer actors.Subscribe(system, "", func(event messages.Event) {
		if _, stopped := event.(*messages.PoolStopped); stopped {
			stops <- messages.PoolOf(event)
		}
	})()

	pool, err := actors.NewPool(system.Root, func(context.Context, int) (int, error) {
		panic(errors.New("out of paper"))
	}, actors.WithName("orders"), actors.WithSize(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pool.Tell(context.Background(), 1); err != nil {
		fmt.Println(err)
	}
	fmt.Println("restarted after:", <-restarts)
	pool.Close()
	fmt.Println("stopped:", <-stops)
	// Output:
	// restarted after: out of paper
	// stopped: orders
}
