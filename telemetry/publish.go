package telemetry

import (
	"expvar"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Publish publishes the statistics of a system's pools with package expvar: an object
// that has a messages.Stats for each pool's label, with durations in nanoseconds. It is
// safe for concurrent use. What is published stays for as long as the program runs.
//
// A nil system, an empty name and one that is taken are errors that wrap
// messages.ErrInvalidOption. If two publish one name at the same time, package expvar
// prints that with package log besides.
func Publish(system *actor.ActorSystem, name string) error {
	if system == nil {
		return errNoSystem()
	}
	if name == "" {
		return invalid.Option("name is empty")
	}
	if expvar.Get(name) != nil {
		return invalid.Option("name %q is taken", name)
	}
	variable := expvar.Func(func() any {
		pools := make(map[string]*messages.Stats)
		for _, entry := range directory.Pools(system) {
			pools[entry.Label] = &entry.Snapshot().Stats
		}
		return pools
	})
	if guard.Call(func() { expvar.Publish(name, variable) }) != nil { // another was published just now
		return invalid.Option("name %q is taken", name)
	}
	return nil
}
