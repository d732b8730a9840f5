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

func TestATimeoutBoundsTheWholeLifeOfATask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(1, actors.Block))
		began := time.Now()
		running, err := pool.Submit(t.Context(), time.Hour, actors.Timeout(30*time.Second))
		require.NoError(t, err)
		synctest.Wait()
		queued, err := pool.Submit(t.Context(), time.Hour, actors.Timeout(10*time.Second))
		require.NoError(t, err)
		err = pool.Tell(t.Context(), time.Hour, actors.Timeout(3*time.Second))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout, "not admitted in time")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(began))
		assert.EqualValues(t, 1, pool.Stats().Rejected)

		_, err = queued.Wait(t.Context())
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, 10*time.Second, time.Since(began))
		assert.Zero(t, pool.Stats().Queued, "it has left the queue")

		_, err = running.Wait(t.Context())
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 30*time.Second, time.Since(began))
		require.NoError(t, pool.Wait(t.Context()))
		stats := pool.Stats()
		assert.Equal(t, [2]int64{2, 2}, [2]int64{stats.Submitted, stats.TimedOut})
	})
}

func TestATaskThatTimesOutInTheQueueMakesRoom(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(1, actors.Block))
		require.NoError(t, pool.Tell(t.Context(), time.Hour))
		synctest.Wait()
		require.NoError(t, pool.Tell(t.Context(), 0, actors.Timeout(time.Second)))
		began := time.Now()
		require.NoError(t, pool.Tell(t.Context(), 0))
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestThePoolsTimeoutIsForTasksWithoutOneOfTheirOwn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithTaskTimeout(time.Second))
		for _, tt := range []struct {
			name    string
			options []actors.TaskOption
			took    time.Duration
			outcome messages.Outcome
		}{
			{"the pool's", nil, time.Second, messages.TimedOut},
			{"longer", []actors.TaskOption{actors.Timeout(time.Minute)}, time.Minute, messages.TimedOut},
			{"none", []actors.TaskOption{actors.Timeout(0)}, time.Hour, messages.Succeeded},
		} {
			began := time.Now()
			_, err := pool.Ask(t.Context(), time.Hour, tt.options...)
			assert.Equal(t, tt.outcome, pooltest.OutcomeOf(err), tt.name)
			assert.Equal(t, tt.took, time.Since(began), tt.name)
		}
	})
}

func TestATimeoutIsHeardAtOnceFromAHandlerThatIgnoresIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(context.Context, int) (int, error) {
			time.Sleep(time.Hour)
			return 1, nil
		}, actors.WithSize(1))
		began := time.Now()
		_, err := pool.Ask(t.Context(), 1, actors.Timeout(time.Second))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(began))
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, time.Hour, time.Since(began), "Wait waits for the handler too")
		stats := pool.Stats()
		assert.Equal(t, [2]int64{1, 0}, [2]int64{stats.TimedOut, stats.Succeeded}, "settled once")
	})
}

func TestAHandlerHearsOfItsTimeoutEvenIfItsCallerIsGoneAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		type end struct{ err, cause error }
		ends := make(chan end)
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			ends <- end{ctx.Err(), context.Cause(ctx)}
			return 0, context.Cause(ctx)
		}, actors.WithTaskTimeout(20*time.Millisecond))
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := pool.Ask(ctx, 1)
			cancel()
			require.ErrorIs(t, err, messages.ErrTaskTimeout)
			assert.Equal(t, end{context.DeadlineExceeded, messages.ErrTaskTimeout}, <-ends)
		}
	})
}

// lying is a context that says when it ends, and does not end.
type lying struct{ context.Context }

func (lying) Deadline() (time.Time, bool) { return time.Now().Add(-time.Hour), true }

func TestACallersContextThatMissesItsDeadlineDelaysNoOther(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		release := make(chan struct{})
		defer close(release)
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			_ = ctx.Err()
			<-release
			return 0, nil
		}, actors.WithTaskTimeout(time.Second), actors.WithSize(2))
		start := time.Now()
		_, err := pool.Ask(lying{t.Context()}, 1)
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(start))
	})
}
