// Priority shows the order in which queued tasks are served. Run it:
//
//	go run ./examples/priority
//
// Look at the order: higher priorities first and, within one priority, first in,
// first out. A pool of one worker is paused while the tasks are submitted, so
// that all of them are queued before the first is served.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/troupe-go/troupe/actors"
)

type patient struct {
	name    string
	urgency int
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "priority:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	treat := func(_ context.Context, p patient) (struct{}, error) {
		fmt.Printf("  %d  %s\n", p.urgency, p.name)
		return struct{}{}, nil
	}
	pool, err := actors.New(treat, actors.WithSize(1))
	if err != nil {
		return err
	}
	defer pool.Close()

	pool.Pause()
	fmt.Println("they come in this order:")
	for _, p := range []patient{
		{"Ada, a cough", 0},
		{"Ben, a broken arm", 5},
		{"Cleo, a cold", 0},
		{"Dora, chest pain", 9},
		{"Emil, a broken leg", 5},
		{"Finn, for a certificate", -1},
	} {
		fmt.Printf("  %d  %s\n", p.urgency, p.name)
		if err := pool.Tell(ctx, p, actors.Priority(p.urgency)); err != nil {
			return err
		}
	}

	fmt.Println("waiting:", pool.Stats().Queued)
	fmt.Println("they are seen in this order:")
	pool.Resume()
	return pool.Wait(ctx)
}
