package jetstream_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
)

// The code of docs/durable.md.
func Example_docs() {
	if err := os.Chdir(directory()); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	pool, err := actors.NewPool(quietSystem().Root, func(_ context.Context, text string) (int, error) {
		return len(strings.Fields(text)), nil
	})
	if err != nil {
		log.Fatal(err)
	}

	store, err := jetstream.Open(ctx, jetstream.WithDirectory("tasks")) // or WithURL("nats://…"), Replicas(3)
	if err != nil {
		log.Fatal(err)
	}
	queue, err := jetstream.NewQueue[string](ctx, store, "word-count")
	if err != nil {
		log.Fatal(err)
	}
	feeder, err := jetstream.Attach(queue, pool) // here, and in any number of other processes
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := queue.Submit(ctx, "to be or not to be", jetstream.ID("hamlet-3-1")) // stored once it returns

	fmt.Println(receipt.ID, err)
	for feeder.Stats().Acked == 0 {
		if err := pool.Wait(ctx); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(store.Close(ctx))
	pool.Close()
	// Output:
	// hamlet-3-1 <nil>
	// <nil>
}
