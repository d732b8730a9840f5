package actors_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

func TestAskReturnsWhatTheHandlerReturns(t *testing.T) {
	timelimit.Set(t)
	pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, n int) (string, error) {
		if n < 0 {
			return "not to be seen", fmt.Errorf("%d: %w", n, pooltest.ErrTask)
		}
		return fmt.Sprint(n), nil
	}, actors.WithSize(2))

	out, err := pool.Ask(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, "7", out)

	out, err = pool.Ask(t.Context(), -7)
	assert.ErrorIs(t, err, pooltest.ErrTask)
	assert.EqualError(t, err, "-7: the task's own error")
	assert.Empty(t, out, "an error comes alone")

	stats := pool.Stats()
	assert.Equal(t, [3]int64{2, 1, 1}, [3]int64{stats.Submitted, stats.Succeeded, stats.Failed})
}

func TestAFutureTellsAnyNumberOfWaiters(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1))
		f, err := pool.Submit(t.Context(), 7)
		require.NoError(t, err)
		var waiters sync.WaitGroup
		for range 100 {
			waiters.Go(func() {
				out, err := f.Wait(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, 7, out)
			})
		}
		synctest.Wait()
		close(g.Open)
		waiters.Wait()
		<-f.Done()
		out, err := f.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 7, out, "asked again")
		f.Cancel()
		assert.Zero(t, pool.Stats().Canceled, "canceled when it was over")
	})
}

func TestAFuturesWaitEndsWithItsContextAndTheTaskGoesOn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		f, err := pool.Submit(t.Context(), time.Minute)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err = f.Wait(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		out, err := f.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, time.Minute, out)
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

func TestTellWantsNoAnswerAndIsInTheStatistics(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		began := time.Now()
		require.NoError(t, pool.Tell(t.Context(), time.Minute))
		assert.Zero(t, time.Since(began), "Tell does not wait for the work")
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(began))
		assert.EqualValues(t, 1, pool.Stats().Succeeded)
	})
}

func TestMapYieldsTheAnswersInTheOrderOfTheInputs(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			_, err := pooltest.Sleep(ctx, time.Duration(20-n)*time.Second) // the later the faster
			if n%5 == 4 {
				return 0, pooltest.ErrTask
			}
			return n, err
		}, actors.WithSize(4))
		i := 0
		for out, err := range pool.Map(t.Context(), slices.Values([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})) {
			if i%5 == 4 {
				assert.ErrorIs(t, err, pooltest.ErrTask, i)
			} else {
				assert.NoError(t, err, i)
				assert.Equal(t, i, out)
			}
			i++
		}
		assert.Equal(t, 10, i)
	})
}

func TestMapCancelsWhatItsConsumerDoesNotWant(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2))
		for _, err := range pool.Map(t.Context(), slices.Values(slices.Repeat([]time.Duration{time.Hour}, 1000))) {
			require.NoError(t, err)
			break
		}
		require.NoError(t, pool.Wait(t.Context()))
		stats := pool.Stats()
		assert.LessOrEqual(t, stats.Submitted, int64(5), "it runs no further ahead than it says")
		assert.Equal(t, stats.Submitted, stats.Succeeded+stats.Canceled)
		assert.Positive(t, stats.Canceled)
	})
}

func TestMapEndsWithItsContextAndCancelsWhatIsLeft(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		began := time.Now()
		var answers, errs int
		for _, err := range pool.Map(ctx, slices.Values(slices.Repeat([]time.Duration{time.Hour}, 1000))) {
			if err == nil {
				answers++
			} else {
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				errs++
			}
		}
		assert.Equal(t, 90*time.Minute, time.Since(began))
		assert.Equal(t, 1, answers)
		require.NoError(t, pool.Wait(t.Context()))
		stats := pool.Stats()
		assert.EqualValues(t, 1, stats.Succeeded)
		assert.Equal(t, stats.Submitted-1, stats.Canceled)
		assert.EqualValues(t, stats.Canceled+1, errs, "one for each that was submitted, one for the first that was not")
	})
}

func TestCancelTakesAQueuedTaskOutOfTheQueueAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1))
		require.NoError(t, pool.Tell(t.Context(), 1))
		synctest.Wait()
		f, err := pool.Submit(t.Context(), 2)
		require.NoError(t, err)
		f.Cancel()
		_, err = f.Wait(t.Context())
		assert.ErrorIs(t, err, messages.ErrCanceled)
		stats := pool.Stats()
		assert.Equal(t, [2]int64{0, 1}, [2]int64{stats.Queued, stats.Canceled})
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int{1}, g.Order(), "the canceled task never ran")
	})
}

func TestCancelEndsTheContextOfARunningTaskAndSettlesItAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		cause := make(chan error, 1)
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			time.Sleep(time.Minute) // it takes its time to give up
			return 0, nil
		}, actors.WithSize(1))
		f, err := pool.Submit(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		began := time.Now()
		f.Cancel()
		_, err = f.Wait(t.Context())
		assert.ErrorIs(t, err, messages.ErrCanceled)
		assert.ErrorIs(t, <-cause, messages.ErrCanceled)
		assert.Zero(t, time.Since(began))
		stats := pool.Stats()
		assert.Equal(t, [2]int64{0, 1}, [2]int64{stats.Running, stats.Canceled})
		assert.Equal(t, 1, stats.Busy, "its worker is not free yet")
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

func TestPayloadsAndAnswersArePassedByReference(t *testing.T) {
	timelimit.Set(t)
	pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, b []byte) ([]byte, error) {
		b[0] = 1
		return b[1:], nil
	})
	data := make([]byte, 64<<20)
	out, err := pool.Ask(t.Context(), data)
	require.NoError(t, err)
	assert.EqualValues(t, 1, data[0])
	assert.Same(t, &data[1], &out[0])
}
