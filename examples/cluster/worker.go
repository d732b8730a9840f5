package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
)

const workerRole = "worker"

// An errand is what a worker is told.
type errand struct {
	Name    string
	Servers []string
}

// work is a worker: a process with a pool that is fed from the queue, until it is told
// to stop. This is all that a worker needs.
func work(ctx context.Context, text string) error {
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	store, err := jetstream.Open(ctx, jetstream.WithURL(e.Servers...), jetstream.WithNode(e.Name), jetstream.WithLogger(quiet))
	if err != nil {
		return err
	}
	queue, err := jetstream.NewQueue[int](ctx, store, "pictures") // its settings are stored with it
	if err != nil {
		return err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
	pool, err := actors.NewPool(system.Root, resize, actors.WithSize(2))
	if err != nil {
		return err
	}
	if _, err := jetstream.Attach(queue, pool); err != nil {
		return err
	}
	<-ctx.Done()
	return store.Close(context.Background()) // gives back what has not been begun, and waits for the rest
}

// resize is the work. What it has done must be the same if it is done again.
func resize(ctx context.Context, picture int) (struct{}, error) {
	select {
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
		return struct{}{}, context.Cause(ctx)
	}
	fmt.Println(picture) // this is how the one who submits hears of it
	return struct{}{}, nil
}
