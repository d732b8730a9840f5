package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestWaitingRetriesTakeRoomInTheQueueButNoWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n < 0 && actors.Attempt(ctx) == 1 {
				return 0, pooltest.ErrTask
			}
			_, err := pooltest.Sleep(ctx, 100*time.Millisecond)
			return n, err
		}, actors.WithSize(1), actors.WithQueue(2, actors.Reject), retry())
		for range 2 {
			require.NoError(t, pool.Tell(t.Context(), -1))
			synctest.Wait()
		}
		assert.EqualValues(t, 2, pool.Stats().Delayed)
		require.NoError(t, pool.Tell(t.Context(), 1), "the worker is free")
		synctest.Wait()
		assert.ErrorIs(t, pool.Tell(t.Context(), 1), messages.ErrQueueFull)
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 3, pool.Stats().Succeeded)
	})
}

func TestDropOldestNeverDropsAWaitingRetry(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n < 0 {
				return 0, pooltest.ErrTask
			}
			_, err := pooltest.Sleep(ctx, time.Minute)
			return n, err
		}, actors.WithSize(1), actors.WithQueue(1, actors.DropOldest), retry())
		old, err := pool.Submit(t.Context(), -1)
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, pool.Tell(t.Context(), 1))
		synctest.Wait()
		require.NoError(t, pool.Tell(t.Context(), 1), "accepted, and dropped since only the retry is queued")
		synctest.Wait()
		_, settled := old.Outcome()
		assert.False(t, settled)
		assert.EqualValues(t, 1, pool.Stats().Dropped)
		_, err = old.Wait(t.Context())
		assert.ErrorIs(t, err, pooltest.ErrTask, "it has had all its attempts")
	})
}

func TestARetryOfATaskThatRanInItsCallerIsAWorkers(t *testing.T) {
	for name, fails := range map[string]func() error{"error": failing, "panic": crashing, "Goexit": exiting} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					switch {
					case n == 0:
						_, err := pooltest.Sleep(ctx, time.Minute)
						return 0, err
					case actors.Attempt(ctx) == 1:
						return 0, fails()
					}
					return n, nil
				}, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns), retry(panics))
				require.NoError(t, pool.Tell(t.Context(), 0))
				synctest.Wait()
				began := time.Now()
				out, err := pool.Ask(t.Context(), 5)
				require.NoError(t, err)
				assert.Equal(t, 5, out)
				assert.Equal(t, time.Minute, time.Since(began), "when the worker is free again")
			})
		})
	}
}

// A broadcast task is for its worker, at every attempt.
func TestABroadcastTaskIsRetriedByItsOwnWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if actors.Attempt(ctx) < 3 {
				return 0, pooltest.ErrTask
			}
			return n, nil
		}, actors.WithSize(3), retry())
		in.Request(pool.PID(), &messages.Broadcast{Message: 1})
		workers := map[string]bool{}
		for range 3 {
			result := (<-in.Mail).(*messages.Result)
			assert.Equal(t, 3, result.Attempts)
			workers[result.Worker] = true
		}
		assert.Len(t, workers, 3)
		for _, w := range pool.Stats().Workers {
			assert.EqualValues(t, 1, w.Succeeded)
		}
	})
}
