package actors_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A reader is an actor that produces tasks. It sends the next line when the pool has room for it,
// so it never meets messages.ErrQueueFull, however slow the workers and however many the readers
// are. It has no more than one line in hand that the pool has not accepted.
type reader struct {
	pool    *actor.PID
	lines   []string
	results func(*messages.Result)
}

func (r *reader) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		ctx.Request(r.pool, &messages.NotifyRoom{})
	case *messages.Room:
		ctx.Request(r.pool, r.lines[0])
		if r.lines = r.lines[1:]; len(r.lines) > 0 {
			ctx.Request(r.pool, &messages.NotifyRoom{})
		}
	case *messages.Result: // of a task or, if the pool stops, of NotifyRoom
		r.results(msg)
	}
}

// Actors pull: they produce as fast as the pool works.
func ExamplePropsFromHandler_room() {
	system := exampleSystem()
	measure := func(_ context.Context, line string) (int, error) {
		time.Sleep(100 * time.Microsecond)
		return len(line), nil
	}
	pool := system.Root.Spawn(actors.PropsFromHandler(measure, actors.WithSize(2), actors.WithQueue(4, actors.Reject)))

	const readers, lines = 10, 20
	results := make(chan *messages.Result)
	for range readers {
		system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
			return &reader{pool: pool, lines: make([]string, lines), results: func(r *messages.Result) { results <- r }}
		}))
	}
	outcomes := make(map[messages.Outcome]int)
	for range readers * lines {
		outcomes[(<-results).Outcome]++
	}
	fmt.Println(outcomes)
	if err := system.Root.StopFuture(pool).Wait(); err != nil {
		fmt.Println(err)
	}
	// Output: map[succeeded:200]
}
