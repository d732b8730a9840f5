// Hello is the first example of README: a pool in a program without actors. Run it:
//
//	go run ./examples/hello
//
// Look at the panic: the caller gets it as an error, and the pool continues.
package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
)

// share divides 60 coins among people. It panics if people is 0.
func share(_ context.Context, people int) (int, error) {
	return 60 / people, nil
}

func main() {
	ctx := context.Background()
	pool, err := actors.New(share, actors.WithSize(4), actors.WithTaskTimeout(time.Second))
	if err != nil {
		log.Fatal(err)
	}

	coins, err := pool.Ask(ctx, 3) // submit a task and wait for its result
	fmt.Println("ask:", coins, err)

	_, err = pool.Ask(ctx, 0) // the handler panics; Ask returns the panic as an error
	fmt.Println("panic:", err)

	for coins, err := range pool.Map(ctx, slices.Values([]int{1, 2, 5})) { // results in input order
		fmt.Println("map:", coins, err)
	}

	future, err := pool.Submit(ctx, 6, actors.Priority(1)) // do not wait for the result yet
	if err != nil {
		log.Fatal(err) // the task was rejected
	}
	coins, err = future.Wait(ctx)
	fmt.Println("submit:", coins, err)

	if _, err := pool.Shutdown(ctx); err != nil { // run all accepted tasks, then stop
		log.Fatal(err)
	}
	stats := pool.Stats()
	fmt.Println(stats.Submitted, "tasks:", stats.Succeeded, "succeeded,", stats.Panicked, "panicked")
}
