package main

import (
	"fmt"
	"io"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// report prints a line for each incident in any pool, until cancel is called. The events come
// one after another, on a goroutine of their own: printing delays no pool.
func report(system *actor.ActorSystem, w io.Writer) (cancel func()) {
	return actors.Subscribe(system, "", func(event messages.Event) {
		switch e := event.(type) {
		case *messages.WorkerRestarted:
			line(w, e.Pool, "a worker is restarted: %v", e.Reason)
		case *messages.WorkerReplaced:
			line(w, e.Pool, "a worker that has stopped is replaced")
		case *messages.PoolResized: // here a pool shrinks only if it has lost a routee
			if e.To < e.From {
				line(w, e.Pool, "%s: others take over its tasks", e.Reason)
			}
		}
	})
}

func line(w io.Writer, pool, format string, args ...any) {
	fmt.Fprintf(w, "  ! %-13s %s\n", pool, fmt.Sprintf(format, args...))
}
