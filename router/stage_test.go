package router_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func bubble(t *testing.T, test func(*testing.T)) { t.Helper(); pooltest.Bubble(t, test) }

func quiet() *actor.ActorSystem { return pooltest.System() }

// newPool makes a pool on a system of its own, for the bubble of t. At the end
// of the test the pool is closed, and its ledger must hold with nothing left in it.
func newPool[In, Out any](t *testing.T, handler actors.Handler[In, Out], opts ...actors.Option) *actors.Pool[In, Out] {
	t.Helper()
	pool, err := actors.NewPool(quiet().Root, handler, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		<-pool.Done()
		stats := pool.Stats()
		assert.True(t, stats.Balanced(), "%+v", stats)
		assert.Zero(t, stats.Queued+stats.Running, "%+v", stats)
	})
	return pool
}

// echo is a handler that has nothing to do.
func echo[T any](_ context.Context, in T) (T, error) { return in, nil }

// gate is a handler whose tasks run until the gate is opened or their context
// ends.
type gate struct{ open chan struct{} }

func newGate() gate { return gate{make(chan struct{})} }

func (g gate) handle(ctx context.Context, in int) (int, error) {
	select {
	case <-g.open:
		return in, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// address is what an actor needs to know of a pool.
type address interface{ PID() *actor.PID }

// request sends the pool a message as an actor does and returns its answer.
func request(t *testing.T, system *actor.ActorSystem, to address, message any) *messages.Result {
	t.Helper()
	answer, err := system.Root.RequestFuture(to.PID(), message, time.Minute).Result()
	require.NoError(t, err)
	require.IsType(t, &messages.Result{}, answer)
	return answer.(*messages.Result)
}

// succeeded is how many tasks each worker has succeeded with, in dispatch order.
func succeeded(stats messages.Stats) (counts []int64) {
	for _, w := range stats.Workers {
		counts = append(counts, w.Succeeded)
	}
	return counts
}

// ledger is the part of the statistics that must add up, and the rejections.
type ledger struct {
	Submitted, Queued, Running, Succeeded, Canceled, Dropped, Rejected int64
}

func ledgerOf(stats messages.Stats) ledger {
	return ledger{
		stats.Submitted, stats.Queued, stats.Running, stats.Succeeded,
		stats.Canceled, stats.Dropped, stats.Rejected,
	}
}

// tellAll submits 0 to n-1 in this order, each from a goroutine of its own since
// it may have to wait, and returns when nothing moves any more. It is for bubbles.
func tellAll(t *testing.T, pool *actors.Pool[int, int], n int) {
	t.Helper()
	for i := range n {
		go func() {
			err := pool.Tell(context.Background(), i)
			if err != nil && !errors.Is(err, messages.ErrQueueFull) && !errors.Is(err, messages.ErrPoolStopped) {
				t.Errorf("task %d: %v", i, err)
			}
		}()
		synctest.Wait()
	}
}
