package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// The matrix of retention tests: every way to submit a task, every way a task can
// end, both bindings, and both kinds of pools. In each cell a few tasks end in an
// idle pool that stays open, and nothing of them may stay alive.

// An ending is one way a task can end.
type ending struct {
	name    string
	outcome messages.Outcome
	queued  bool // it ends while it waits behind busy workers
	handler func(ctx context.Context, w *watch) (*burden, error)
	actor   func(ctx actor.Context, w *watch, open <-chan struct{}) // nil: no such end with user actors
	options []actors.Option
	needs   need
}

// need is what a way to submit must offer for an ending.
type need int

const (
	nothing  need = iota
	cancel        // a context, or a future, that cancels the task
	withdraw      // a future that withdraws it
)

const (
	retentionSize    = 3 // workers, and tasks in each cell
	retentionTimeout = time.Minute
)

func endings() []ending {
	answer := func(w *watch) *burden { return add(w, "answer", newBurden()) }
	succeed := func(_ context.Context, w *watch) (*burden, error) { return answer(w), nil }
	respond := func(ctx actor.Context, w *watch, _ <-chan struct{}) {
		if ctx.Sender() != nil {
			ctx.Respond(answer(w))
		}
	}
	untilCanceled := func(ctx context.Context, w *watch) (*burden, error) {
		<-ctx.Done()
		return answer(w), context.Cause(ctx)
	}
	timeout := actors.WithTaskTimeout(retentionTimeout)
	return []ending{
		{name: "succeeded", outcome: messages.Succeeded, handler: succeed, actor: respond},
		// Its deadline comes long after it has ended.
		{name: "succeeded in time", outcome: messages.Succeeded, handler: succeed, actor: respond, options: []actors.Option{timeout}},
		{name: "failed", outcome: messages.Failed, handler: func(_ context.Context, w *watch) (*burden, error) {
			return nil, answer(w)
		}},
		{name: "panicked", outcome: messages.Panicked, handler: func(_ context.Context, w *watch) (*burden, error) {
			panic(answer(w))
		}, actor: func(_ actor.Context, w *watch, _ <-chan struct{}) { panic(answer(w)) }},
		{name: "Goexit", outcome: messages.Panicked, handler: func(context.Context, *watch) (*burden, error) {
			runtime.Goexit()
			return nil, nil
		}, actor: func(actor.Context, *watch, <-chan struct{}) { runtime.Goexit() }},
		{
			name: "timed out queued", outcome: messages.TimedOut, queued: true, handler: succeed, actor: respond,
			options: []actors.Option{timeout},
		},
		{
			name: "timed out running", outcome: messages.TimedOut, handler: untilCanceled,
			actor:   func(_ actor.Context, _ *watch, open <-chan struct{}) { <-open },
			options: []actors.Option{timeout},
		},
		{name: "canceled queued", outcome: messages.Canceled, queued: true, handler: succeed, needs: cancel},
		{name: "canceled running", outcome: messages.Canceled, handler: untilCanceled, needs: cancel},
		{
			name: "dropped", outcome: messages.Dropped, queued: true, handler: succeed, actor: respond,
			options: []actors.Option{actors.WithQueue(retentionSize, router.DropOldest)},
		},
		{name: "retried", outcome: messages.Succeeded, handler: func(ctx context.Context, w *watch) (*burden, error) {
			if actors.Attempt(ctx) == 1 {
				return nil, add(w, "error of the first attempt", newBurden())
			}
			return answer(w), nil
		}, options: []actors.Option{
			actors.WithRetry(router.Retry{Attempts: 2, Min: time.Second, Max: time.Second, On: router.AnyError}),
		}},
		{name: "retried after a panic", outcome: messages.Succeeded, handler: func(ctx context.Context, w *watch) (*burden, error) {
			if actors.Attempt(ctx) == 1 {
				panic(add(w, "panic of the first attempt", newBurden()))
			}
			return answer(w), nil
		}, options: []actors.Option{
			actors.WithRetry(router.Retry{Attempts: 2, Min: time.Second, Max: time.Second, Panics: true}),
		}},
		{name: "withdrawn", outcome: messages.Canceled, queued: true, handler: succeed, needs: withdraw},
	}
}

func TestASettledTaskKeepsNothingAlive(t *testing.T) {
	kinds := []struct {
		name string
		user bool
	}{{"handler", false}, {"actors", true}}
	for _, kind := range kinds {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			for _, way := range ways() {
				for _, end := range endings() {
					if end.needs > way.offers || kind.user && (end.actor == nil || !way.actors) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%v/%s/%s", kind.name, dispatch, way.name, end.name), func(t *testing.T) {
						pooltest.Bubble(t, func(t *testing.T) { retention(t, kind.user, dispatch, &way, &end) })
					})
				}
			}
		}
	}
}

func retention(t *testing.T, user bool, dispatch router.Dispatch, way *way, end *ending) {
	c := &retentionCell{t: t, watch: new(watch), system: pooltest.System()}
	c.sender = c.system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	free, open := make(chan struct{}), make(chan struct{}) // the workers that are kept busy, and the others
	options := append(slices.Clone(end.options), actors.WithSize(retentionSize), actors.WithDispatch(dispatch))
	if user {
		watch, run := c.watch, end.actor
		c.pid = c.system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch message := ctx.Message().(type) {
				case *burden:
					if message.blocks {
						<-free
						return
					}
					run(ctx, watch, open)
				case *messages.Task:
					run(ctx, watch, open)
				}
			})
		}, options...))
	} else {
		watch, run := c.watch, end.handler
		pool, err := actors.NewPool(c.system.Root, func(ctx context.Context, in *burden) (*burden, error) {
			if in.blocks {
				<-free
				return nil, nil
			}
			return run(ctx, watch)
		}, options...)
		require.NoError(t, err)
		c.pool, c.pid = pool, pool.PID()
	}
	opened := sync.OnceFunc(func() { close(free); close(open) })
	defer func() {
		opened()
		c.cancel()
		_ = c.system.Root.StopFuture(c.pid).Wait()
		_ = c.system.Root.StopFuture(c.sender).Wait()
		c.callers.Wait()
	}()

	block := func() { // each keeps a worker busy, or fills the queue
		for range retentionSize {
			c.system.Root.Send(c.pid, &burden{blocks: true})
			synctest.Wait()
		}
	}
	if end.queued {
		block()
		if end.outcome == messages.TimedOut {
			time.Sleep(retentionTimeout / 2) // the blocking tasks are settled first
		}
	}
	way.submit(c, end)
	want := int64(retentionSize)
	switch {
	case end.outcome != messages.Dropped:
	case way.name == "Broadcast": // its tasks are for their workers, and two of them leave
		want = retentionSize - 1
		c.system.Root.Send(c.pid, &messages.Resize{Size: 1})
		synctest.Wait()
	default:
		block() // drops what is queued
	}
	time.Sleep(2 * retentionTimeout)
	if end.name == "succeeded in time" {
		assert.Zero(t, pooltest.Stats(t, c.system, c.pid).TimedOut)
	}
	opened()
	synctest.Wait()

	stats := pooltest.Stats(t, c.system, c.pid)
	require.Zero(t, stats.Queued+stats.Running, "the pool is idle: %+v", stats)
	if end.queued && end.outcome == messages.TimedOut {
		want += retentionSize // the tasks that kept the workers busy timed out as well
	}
	assert.Equal(t, want, countOf(stats, end.outcome), "%+v", stats)
	if left := c.watch.left(); len(left) > 0 {
		if c.kept != nil { // a future keeps its answer, and nothing else
			delete(left, "answer")
		}
		assert.Empty(t, left, "alive in an idle pool")
	}
	runtime.KeepAlive(c.kept)
	runtime.KeepAlive(c.cancelers)
}

// countOf is how many tasks have had an outcome.
func countOf(stats *messages.Stats, outcome messages.Outcome) int64 {
	return map[messages.Outcome]int64{
		messages.Succeeded: stats.Succeeded, messages.Failed: stats.Failed, messages.Panicked: stats.Panicked,
		messages.TimedOut: stats.TimedOut, messages.Canceled: stats.Canceled, messages.Dropped: stats.Dropped,
	}[outcome]
}
