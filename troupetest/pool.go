package troupetest

import (
	"context"
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
)

// A Pool is a pool with a record of its tasks. Give the embedded *actors.Pool to code that
// takes one: the record does not depend on who submits a task, or how.
type Pool[In, Out any] struct {
	*actors.Pool[In, Out]
	*Recorder[In]
}

// New starts a pool for a test. It takes the place of actors.New. The pool's actor system
// writes warnings to the output of the test. An invalid option ends the test with Fatal.
//
// When the test ends, the pool is stopped as by Close, unless it has stopped already: queued
// tasks are dropped and running ones are canceled. Then the test fails
//
//   - if the pool has not stopped or a handler has not returned within ten seconds. The
//     message has the ID of the handler's task and its stack.
//   - if a task is lost: it was accepted and is not settled, or it was settled twice, or the
//     record and the statistics of the pool differ.
//   - if a goroutine of the test is left: see [VerifyNoLeaks].
//
// Call New from the goroutine of the test. In a bubble of testing/synctest, give it the
// bubble's *testing.T; all time limits are virtual then.
func New[In, Out any](t testing.TB, handler actors.Handler[In, Out], opts ...actors.Option) *Pool[In, Out] {
	t.Helper()
	return NewPool(t, nil, handler, opts...)
}

// NewPool spawns a pool for a test, as a child of parent. It takes the place of
// actors.NewPool. When the test ends, it stops the pool and makes the same checks as [New].
// With a nil parent it is New.
//
// After a Proto.Actor dead letter, an actor system keeps a goroutine for a second by default.
// It ends in time for the check.
func NewPool[In, Out any](
	t testing.TB, parent actor.SpawnerContext, handler actors.Handler[In, Out], opts ...actors.Option,
) *Pool[In, Out] {
	t.Helper()
	s := newStage(t, parent)
	pool, err := actors.NewPool(s.parent, handler, append(slices.Clip(opts), observing[In, Out](s.calls))...)
	s.spawned(err)
	return &Pool[In, Out]{pool, &Recorder[In]{t: t, record: s.follow(pool.PID(), nil)}}
}

// NewPoolOf spawns a pool whose workers have state. It takes the place of actors.NewPoolOf.
// When the test ends, it stops the pool and makes the same checks as [New], also for the calls
// of produce and Close. If the Workers are io.Closers, the test fails as well
//
//   - if the pool has not closed each of them exactly once.
//   - if produce returns a pointer that another worker has and that is not closed yet. The
//     pool closes it for each of them.
//
// The kit sees only the calls that the pool makes: a Worker that closes itself as well is not
// noticed.
func NewPoolOf[W actors.Worker[In, Out], In, Out any](
	t testing.TB, parent actor.SpawnerContext, produce func(context.Context) (W, error), opts ...actors.Option,
) *Pool[In, Out] {
	t.Helper()
	s := newStage(t, parent)
	maker := newMaker(produce, s.calls)
	pool, err := actors.NewPoolOf(s.parent, maker.producer(), append(slices.Clip(opts), observing[In, Out](s.calls))...)
	s.spawned(err)
	return &Pool[In, Out]{pool, &Recorder[In]{t: t, record: s.follow(pool.PID(), maker.states)}}
}
