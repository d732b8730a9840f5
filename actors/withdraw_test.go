package actors_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Only what no worker has begun is withdrawn, from whatever queue it waits in.
func TestWithdrawTakesOnlyWhatNoWorkerHasBegun(t *testing.T) {
	for name, dispatch := range map[string]router.Dispatch{"shared": router.LeastBusy(), "own": router.RoundRobin()} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				g := pooltest.NewGate()
				pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1), actors.WithDispatch(dispatch))
				running, err := pool.Submit(t.Context(), 1)
				require.NoError(t, err)
				queued, err := pool.Submit(t.Context(), 2)
				require.NoError(t, err)
				require.Equal(t, 1, <-g.Begun)

				assert.False(t, running.Withdraw(), "it has been begun")
				_, ok := running.Outcome()
				assert.False(t, ok, "it has none yet")
				assert.True(t, queued.Withdraw())
				assert.False(t, queued.Withdraw(), "it has been withdrawn")
				_, err = queued.Wait(t.Context())
				require.ErrorIs(t, err, messages.ErrCanceled)
				assert.Equal(t, messages.Load{Size: 1, Busy: 1, Capacity: 1024}, pool.Load())

				close(g.Open)
				_, err = running.Wait(t.Context())
				require.NoError(t, err)
				assert.False(t, running.Withdraw(), "it has been done")
				for f, want := range map[*actors.Future[int]]messages.Outcome{running: messages.Succeeded, queued: messages.Canceled} {
					got, ok := f.Outcome()
					assert.True(t, ok)
					assert.Equal(t, want, got)
				}
				stats := pool.Stats()
				assert.Equal(t, []int64{2, 1, 1}, []int64{stats.Submitted, stats.Succeeded, stats.Canceled})
			})
		})
	}
}

// A task that waits for its second attempt has been begun.
func TestATaskThatIsRetriedIsNotWithdrawn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		fails := func(context.Context, int) (int, error) { return 0, errors.New("no") }
		pool := pooltest.Open(t, root, fails, actors.WithSize(1), actors.WithRetry(actors.Retry{
			Attempts: 2, Min: time.Minute, Max: time.Minute, On: actors.AnyError,
		}))
		f, err := pool.Submit(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, messages.Load{Size: 1, Free: 1, Queued: 1, Capacity: 1024}, pool.Load())
		assert.False(t, f.Withdraw())
		_, err = f.Wait(t.Context())
		assert.NotErrorIs(t, err, messages.ErrCanceled)
	})
}

func TestLoadSaysWhatThePoolHasToDo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, g.Handle, actors.WithSize(3))
		assert.Equal(t, messages.Load{Size: 3, Free: 3, Capacity: 1024}, pool.Load())
		for n := range 5 {
			require.NoError(t, pool.Tell(t.Context(), n))
		}
		synctest.Wait()
		pool.Pause()
		assert.Equal(t, messages.Load{Size: 3, Busy: 3, Queued: 2, Capacity: 1024, Paused: true}, pool.Load())
		pool.Resume()
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, messages.Load{Size: 3, Free: 3, Capacity: 1024}, pool.Load())
	})
}
