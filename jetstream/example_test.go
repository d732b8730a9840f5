package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/messages"
)

// directory is where an example keeps its store.
func directory() string {
	path, err := os.MkdirTemp("", "store-")
	if err != nil {
		log.Fatal(err)
	}
	return path
}

func Example() {
	ctx := context.Background()
	store, err := jetstream.Open(ctx, jetstream.WithDirectory(directory()))
	if err != nil {
		log.Fatal(err)
	}
	queue, err := jetstream.NewQueue[int](ctx, store, "squares", jetstream.Results(time.Hour))
	if err != nil {
		log.Fatal(err)
	}

	// In any process:
	receipt, err := queue.Submit(ctx, 12, jetstream.ID("square-12"))
	if err != nil {
		log.Fatal(err)
	}

	// In those that do the work:
	pool, err := actors.NewPool(quietSystem().Root, func(_ context.Context, n int) (int, error) { return n * n, nil })
	if err != nil {
		log.Fatal(err)
	}
	if _, err := jetstream.Attach(queue, pool); err != nil {
		log.Fatal(err)
	}

	// In any process:
	square, err := jetstream.Await[int](ctx, queue, receipt.ID)
	fmt.Println(square, err)
	fmt.Println(store.Close(ctx))
	pool.Close()
	// Output:
	// 144 <nil>
	// <nil>
}

func ExampleQueue_DeadLetters() {
	ctx := context.Background()
	store, err := jetstream.Open(ctx, jetstream.WithDirectory(directory()))
	if err != nil {
		log.Fatal(err)
	}
	queue, err := jetstream.NewQueue[string](ctx, store, "mails", jetstream.Results(time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	pool, err := actors.NewPool(quietSystem().Root, func(_ context.Context, to string) (bool, error) {
		return false, messages.NoRetry(errors.New("no such address: " + to))
	})
	if err != nil {
		log.Fatal(err)
	}
	feeder, err := jetstream.Attach(queue, pool)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := queue.Submit(ctx, "nobody@example.org")
	if err != nil {
		log.Fatal(err)
	}
	_, err = jetstream.Await[bool](ctx, queue, receipt.ID)
	if failed, ok := errors.AsType[*jetstream.TaskError](err); ok {
		fmt.Println(failed.Text)
	}
	_, err = feeder.Stop(ctx) // whatever it has in hand is settled then
	if err != nil {
		log.Fatal(err)
	}
	letters, err := queue.DeadLetters(ctx, 0, 10)
	if err != nil {
		log.Fatal(err)
	}
	for _, letter := range letters {
		fmt.Println(letter.Reason, letter.Attempts, letter.Err)
	}
	fmt.Println(store.Close(ctx))
	pool.Close()
	// Output:
	// no such address: nobody@example.org
	// attempts 1 no such address: nobody@example.org
	// <nil>
}
