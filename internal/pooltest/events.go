package pooltest

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// Events returns the events of one type that are published from now on.
func Events[E any](t *testing.T, system *actor.ActorSystem) <-chan E {
	t.Helper()
	events := make(chan E, 4096)
	// SubscribeWithPredicate has a data race with a Publish at the same time.
	sub := system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(E); ok {
			events <- e
		}
	})
	t.Cleanup(func() { system.EventStream.Unsubscribe(sub) })
	return events
}

// Drain returns what a channel holds now.
func Drain[E any](from <-chan E) []E {
	var all []E
	for len(from) > 0 {
		all = append(all, <-from)
	}
	return all
}
