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

func TestATaskThatCannotBeDoneInTimeIsRefused(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithDeadlineCheck())
				submit := func(timeout time.Duration, opts ...actors.TaskOption) error {
					return pool.Tell(t.Context(), 10*time.Second, append(opts, actors.Timeout(timeout))...)
				}
				require.NoError(t, submit(time.Second), "nothing has been measured")
				require.NoError(t, pool.Wait(t.Context()))
				for range 30 { // the mean forgets the one that was cut short
					_, err := pool.Ask(t.Context(), 10*time.Second)
					require.NoError(t, err)
				}
				require.NoError(t, pool.Tell(t.Context(), 10*time.Second))
				synctest.Wait()
				for range 5 {
					require.NoError(t, pool.Tell(t.Context(), 10*time.Second))
				}
				before := pool.Stats()
				err := submit(50 * time.Second) // five go before it
				assert.ErrorIs(t, err, messages.ErrDeadlineUnreachable)
				assert.ErrorContains(t, err, "50s left")
				assert.NoError(t, submit(50*time.Second, actors.Priority(1)), "none goes before it")
				assert.NoError(t, submit(2*time.Minute))
				assert.NoError(t, submit(0), "it has no deadline")
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				_, err = pool.Ask(ctx, time.Second)
				cancel()
				assert.ErrorIs(t, err, messages.ErrDeadlineUnreachable, "Ask's context ends its task")
				after := pool.Stats()
				assert.Equal(t, [2]int64{before.Submitted + 3, before.Rejected + 2}, [2]int64{after.Submitted, after.Rejected})
			})
		})
	}
}

func TestWithoutTheCheckATaskTimesOutInTheQueue(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), time.Minute))
		}
		_, err := pool.Ask(t.Context(), time.Minute, actors.Timeout(time.Second))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
	})
}

// A queue that goes up and down around either bound is not said to be overloaded and
// recovered by turns.
func TestOverloadHasHysteresis(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		overloaded := pooltest.Events[*messages.Overloaded](t, root.ActorSystem())
		recovered := pooltest.Events[*messages.Recovered](t, root.ActorSystem())
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), actors.WithHealth(time.Second))
		pool.Pause()
		var queued []*actors.Future[time.Duration]
		level := func(n int) {
			for len(queued) < n {
				f, err := pool.Submit(t.Context(), time.Minute)
				require.NoError(t, err)
				queued = append(queued, f)
			}
			for len(queued) > n {
				queued[0].Cancel()
				queued = queued[1:]
			}
			time.Sleep(1500 * time.Millisecond) // a check or two
		}
		for range 10 {
			level(11)
			level(10)
			level(6)
		}
		assert.Len(t, overloaded, 1)
		assert.Empty(t, recovered)
		for range 10 {
			level(5)
			level(10)
		}
		assert.Len(t, overloaded, 1)
		assert.Len(t, recovered, 1)
	})
}
