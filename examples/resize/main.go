// Resize changes the number of workers while all of them are busy. Run it:
//
//	go run ./examples/resize
//
// The sizes that the helpers give depend on the machine; they follow GOMAXPROCS,
// and so a container's CPU limit. Look at what a resize does to tasks: new workers
// begin queued ones at once, and workers that leave first finish what they have in
// hand, so nothing is lost.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "resize:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	fmt.Println("sizes for this machine:")
	fmt.Println("  tasks that compute:         ", actors.SizeCPU())
	fmt.Println("  and leave a processor:      ", actors.SizeCPUMinusOne())
	fmt.Println("  tasks that compute and wait:", actors.SizeMixed())
	fmt.Println("  very short tasks:           ", actors.SizeShort())

	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	// Events come on a goroutine of the pool's own actors, one after the other. A
	// resize is published before Resize returns.
	events := system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(*messages.PoolResized); ok {
			fmt.Printf("event: %s resized from %d to %d, %s\n", e.Pool, e.From, e.To, e.Reason)
		}
	})
	defer system.EventStream.Unsubscribe(events)

	started, finish := make(chan struct{}), make(chan struct{})
	wait := func(context.Context, int) (struct{}, error) {
		started <- struct{}{}
		<-finish
		return struct{}{}, nil
	}
	pool, err := actors.NewPool(system.Root, wait, actors.WithName("waiters"), actors.WithSize(2))
	if err != nil {
		return err
	}
	defer pool.Close()

	for n := range 7 {
		if err := pool.Tell(ctx, n); err != nil {
			return err
		}
	}
	await(started, 2)
	show(pool.Stats())

	if err := pool.Resize(ctx, 5); err != nil {
		return err
	}
	await(started, 3) // the new workers have begun
	show(pool.Stats())

	if err := pool.Resize(ctx, 1); err != nil {
		return err
	}
	show(pool.Stats()) // four are leaving, with a task in hand each

	fmt.Println("size 0:", pool.Resize(ctx, 0)) // an error, and nothing changes

	close(finish)
	await(started, 2) // the worker that stayed takes the rest
	if err := pool.Wait(ctx); err != nil {
		return err
	}
	s := pool.Stats()
	fmt.Printf("at rest: %d of %d tasks succeeded, size %d\n", s.Succeeded, s.Submitted, s.Size)
	return nil
}

// await receives n times.
func await(started <-chan struct{}, n int) {
	for range n {
		<-started
	}
}

func show(s messages.Stats) {
	leaving := 0
	for _, w := range s.Workers {
		if w.State == messages.WorkerStopping {
			leaving++
		}
	}
	fmt.Printf("size %d: %d tasks running, %d queued, %d workers leaving\n", s.Size, s.Running, s.Queued, leaving)
}

func quiet(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
