// Shutdown ends two pools, one that has the time and one that has not. Run it:
//
//	go run ./examples/shutdown
//
// Look at the order of the first: it refuses new tasks, finishes those that it has
// accepted and then stops. The second is told to hurry: when its context ends,
// what runs is canceled and what waits is dropped. Either way everybody who waits
// is told what became of the task, and the report counts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

func main() {
	if err := errors.Join(
		graceful(context.Background()),
		hurried(context.Background()),
	); err != nil {
		fmt.Fprintln(os.Stderr, "shutdown:", err)
		os.Exit(1)
	}
}

// graceful gives the pool all the time it needs.
func graceful(ctx context.Context) error {
	fmt.Println("graceful:")
	open := make(chan struct{})
	serve := func(_ context.Context, guest string) (string, error) {
		<-open
		fmt.Println("  served", guest)
		return guest, nil
	}
	pool, err := actors.New(serve, actors.WithSize(1), actors.WithQueue(1, actors.Block))
	if err != nil {
		return err
	}
	defer pool.Close()

	// One runs, one is queued, and that is all there is room for.
	for _, guest := range []string{"Ada", "Ben"} {
		if err := pool.Tell(ctx, guest); err != nil {
			return err
		}
	}
	// A third waits for room until it is refused; only then does work go on.
	go func() {
		fmt.Println("  Cleo:", pool.Tell(ctx, "Cleo"))
		close(open)
	}()

	report, err := pool.Shutdown(ctx)
	if err != nil {
		return err
	}
	<-pool.Done() // the last worker has stopped
	show(report)

	_, err = pool.Ask(ctx, "Dora")
	fmt.Println("  afterwards:", err, "| is ErrPoolStopped:", errors.Is(err, messages.ErrPoolStopped))
	return nil
}

// hurried gives the pool less time than its tasks need.
func hurried(ctx context.Context) error {
	fmt.Println("hurried:")
	started := make(chan struct{})
	linger := func(ctx context.Context, guest string) (string, error) {
		close(started)
		<-ctx.Done() // a good handler returns when its context ends
		return "", context.Cause(ctx)
	}
	pool, err := actors.New(linger, actors.WithSize(1))
	if err != nil {
		return err
	}
	defer pool.Close()

	guests := []string{"Emil", "Finn", "Gina"}
	answers := make([]*actors.Future[string], len(guests))
	for i, guest := range guests {
		if answers[i], err = pool.Submit(ctx, guest); err != nil {
			return err
		}
	}
	<-started

	short, cancel := context.WithTimeout(ctx, 2*time.Millisecond)
	defer cancel()
	report, err := pool.Shutdown(short)
	fmt.Println("  shutdown:", err)
	for i, guest := range guests {
		_, err := answers[i].Wait(ctx)
		fmt.Printf("  %s: %v\n", guest, err)
	}
	show(report)
	return nil
}

func show(r messages.DrainReport) {
	fmt.Printf("  report: %d finished, %d canceled, %d dropped, %d abandoned\n",
		r.Finished, r.Canceled, r.Dropped, len(r.Abandoned))
}
