package actors_test

import (
	"context"
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

// nested is a pool whose handler asks the pool itself, n levels deep.
func nested(t *testing.T, root *actor.RootContext, opts ...actors.Option) *actors.Pool[int, int] {
	t.Helper()
	var pool *actors.Pool[int, int]
	pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
		if n == 0 {
			return 0, nil
		}
		out, err := pool.Ask(ctx, n-1)
		return out + 1, err
	}, opts...)
	return pool
}

func TestAHandlerMayAskItsOwnPool(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := nested(t, root, actors.WithSize(4), actors.WithDispatch(dispatch))
				out, err := pool.Ask(t.Context(), 3)
				require.NoError(t, err)
				assert.Equal(t, 3, out)
			})
		})
	}
}

func TestTheLastWorkerToWaitOnItsOwnPoolGetsADeadlockError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := nested(t, root, actors.WithSize(4))
		_, err := pool.Ask(t.Context(), 4)
		assert.ErrorIs(t, err, messages.ErrDeadlock)
		out, err := pool.Ask(t.Context(), 3)
		require.NoError(t, err, "the pool is as good as before")
		assert.Equal(t, 3, out)
	})
}

// However the handler waits: for an answer, for a future, for room in the queue
// or for the pool to have nothing to do.
func TestEveryKindOfWaitForTheOwnPoolIsNoticed(t *testing.T) {
	for name, wait := range map[string]func(context.Context, *actors.Pool[int, int]) error{
		"Ask": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			_, err := pool.Ask(ctx, 1)
			return err
		},
		"Future": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			f, err := pool.Submit(ctx, 1)
			if err == nil {
				_, err = f.Wait(ctx)
			}
			return err
		},
		"Tell": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			for {
				if err := pool.Tell(ctx, 1); err != nil {
					return err
				}
			}
		},
		"Wait": func(ctx context.Context, pool *actors.Pool[int, int]) error { return pool.Wait(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				var pool *actors.Pool[int, int]
				pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					if n == 0 {
						return 0, wait(ctx, pool)
					}
					return 0, nil
				}, actors.WithSize(1), actors.WithQueue(1, actors.Block))
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				_, err := pool.Ask(ctx, 0)
				assert.ErrorIs(t, err, messages.ErrDeadlock)
			})
		})
	}
}

// A task that is bound to the worker whose handler waits for it will never begin.
func TestAWaitForATaskOfTheWaitersOwnQueueIsADeadlock(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, nil
			}
			return pool.Ask(ctx, n-1, actors.Key("same"))
		}, actors.WithSize(2), actors.WithDispatch(router.ConsistentHash()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		_, err := pool.Ask(ctx, 1, actors.Key("same"))
		assert.ErrorIs(t, err, messages.ErrDeadlock)
		assert.Zero(t, time.Since(began))
	})
}

// The last worker that does not wait may leave while the others wait for it.
func TestAResizeThatLeavesOnlyWaitingWorkersTellsThem(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[time.Duration, time.Duration]
		pool = pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d == 0 {
				time.Sleep(time.Minute) // until the other is busy
				return pool.Ask(ctx, time.Second, actors.Priority(1))
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(2), actors.WithDispatch(router.Custom(
			func(task router.TaskView, _ router.Workers) int { return task.Priority }))) // 1 is the one to leave
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		asker, err := pool.Submit(ctx, 0)
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, pool.Tell(ctx, time.Hour, actors.Priority(1)))
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		require.NoError(t, pool.Resize(ctx, 1))
		_, err = asker.Wait(ctx)
		assert.ErrorIs(t, err, messages.ErrDeadlock)
	})
}
