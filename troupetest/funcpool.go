package troupetest

import (
	"context"
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// A FuncPool is a pool of functions with a record of its tasks. Give the embedded
// *actors.FuncPool to code that takes one. Functions cannot be compared, so give the tasks of
// interest an actors.ID.
type FuncPool struct {
	*actors.FuncPool
	*Recorder[func(context.Context) error]
}

// NewFuncPool spawns a pool of functions for a test, as a child of parent. It takes the place
// of actors.NewFuncPool. With a nil parent, the pool has an actor system of its own, as with
// [New]. When the test ends, NewFuncPool stops the pool and makes the same checks as New: the
// functions are its handlers.
func NewFuncPool(t testing.TB, parent actor.SpawnerContext, opts ...actors.Option) *FuncPool {
	t.Helper()
	s := newStage(t, parent)
	watch := observing[func(context.Context) error, struct{}](s.calls)
	pool, err := actors.NewFuncPool(s.parent, append(slices.Clip(opts), watch)...)
	s.spawned(err)
	return &FuncPool{pool, &Recorder[func(context.Context) error]{t: t, record: s.follow(pool.PID(), nil)}}
}
