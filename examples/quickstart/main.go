// Quickstart is a typed pool on one page. Run it:
//
//	go run ./examples/quickstart
//
// Look at the two ways in which a task can fail: an error is the handler's own
// answer, a panic becomes a *messages.PanicError for whoever asked. Neither ends
// the pool, and both are in the ledger that the statistics print.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

var errNegative = errors.New("a negative number of people")

// share is the handler: it divides 60 coins among people. That nobody came was
// not thought of, so 0 panics.
func share(_ context.Context, people int) (coins int, err error) {
	if people < 0 {
		return 0, errNegative
	}
	return 60 / people, nil
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	pool, err := actors.New(share, actors.WithName("shares"), actors.WithSize(4))
	if err != nil {
		return err
	}
	defer pool.Close() // does nothing after the Shutdown below

	// Ask waits for the answer.
	coins, err := pool.Ask(ctx, 3)
	if err != nil {
		return err
	}
	fmt.Println("ask:      3 people get", coins, "coins each")

	// Submit returns as soon as the task is accepted; its future has the answer.
	future, err := pool.Submit(ctx, 5)
	if err != nil {
		return err
	}
	if coins, err = future.Wait(ctx); err != nil {
		return err
	}
	fmt.Println("submit:   5 people get", coins, "coins each")

	// Map yields the answers in the order of the questions, whoever is done first.
	fmt.Print("map:     ")
	for coins, err := range pool.Map(ctx, slices.Values([]int{1, 2, 4, 6, 10})) {
		if err != nil {
			return err
		}
		fmt.Print(" ", coins)
	}
	fmt.Println()

	// What the handler returns as an error comes back as it is.
	_, err = pool.Ask(ctx, -1)
	fmt.Println("error:   ", err, "| is errNegative:", errors.Is(err, errNegative))

	// What the handler panics with comes back as an error too, with the stack.
	_, err = pool.Ask(ctx, 0)
	if p, ok := errors.AsType[*messages.PanicError](err); ok {
		fmt.Println("panic:   ", p.Value, "| has a stack:", len(p.Stack) > 0)
	}
	if coins, err = pool.Ask(ctx, 6); err != nil {
		return err
	}
	fmt.Println("goes on:  6 people get", coins, "coins each")

	s := pool.Stats()
	fmt.Printf("stats:    %d workers; %d submitted = %d succeeded + %d failed + %d panicked\n",
		s.Size, s.Submitted, s.Succeeded, s.Failed, s.Panicked)

	report, err := pool.Shutdown(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("shutdown: %d canceled, %d dropped\n", report.Canceled, report.Dropped)
	return nil
}
