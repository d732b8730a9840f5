package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// A task must not wait while a worker idles, however many wait behind a slow one.
func TestLeastBusyPassesASlowTaskBy(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, takes time.Duration) (int, error) {
			time.Sleep(takes)
			return 0, nil
		}, actors.WithSize(2))
		start := time.Now()
		require.NoError(t, pool.Tell(t.Context(), time.Hour))
		for range 9 {
			_, err := pool.Ask(t.Context(), time.Second)
			require.NoError(t, err)
		}
		assert.Equal(t, 9*time.Second, time.Since(start))
		require.NoError(t, pool.Wait(t.Context()))
		assert.ElementsMatch(t, []int64{1, 9}, succeeded(pool.Stats()))
	})
}

func TestLeastBusySharesTheWorkEquallyAmongEqualWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(10))
		for range 2000 {
			require.NoError(t, pool.Tell(t.Context(), time.Millisecond))
		}
		require.NoError(t, pool.Wait(t.Context()))
		least, most := int64(2000), int64(0)
		for _, w := range pool.Stats().Workers {
			least, most = min(least, w.Succeeded), max(most, w.Succeeded)
		}
		assert.Less(t, float64(most), 1.5*float64(least))
	})
}

// No worker idles while a task waits: tasks of any length take as long as the
// best schedule in the order of arrival.
func TestLeastBusyNeverLetsATaskWaitWhileAWorkerIdles(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(3), actors.WithQueue(0, actors.Block))
		began := time.Now()
		free := make([]time.Duration, 3) // when each worker would be free
		for n := range 100 {
			d := time.Duration(1+n*n%17) * time.Second
			if n%10 == 0 {
				d = time.Minute
			}
			require.NoError(t, pool.Tell(t.Context(), d))
			first := 0
			for i := range free {
				if free[i] < free[first] {
					first = i
				}
			}
			assert.Equal(t, free[first], time.Since(began), "task %d begins when the first worker is free", n)
			free[first] += d
			synctest.Wait()
			stats := pool.Stats()
			assert.False(t, stats.Queued > 0 && stats.Idle > 0, "%+v", stats)
		}
	})
}

// A pool that has learnt that its tasks are short may give a worker several at
// once. When one of them turns out long, the others take those behind it.
func TestNoTaskWaitsBehindALongOneWhileAnotherWorkerIsFree(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2))
		for range 500 {
			require.NoError(t, pool.Tell(t.Context(), 0))
		}
		require.NoError(t, pool.Wait(t.Context()))
		pool.Pause()
		for n := range 200 {
			d := time.Duration(0)
			switch n {
			case 3:
				d = time.Hour
			case 7:
				d = time.Minute
			}
			require.NoError(t, pool.Tell(t.Context(), d))
		}
		pool.Resume()
		time.Sleep(time.Minute)
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [3]int64{500 + 199, 1, 0}, [3]int64{stats.Succeeded, stats.Running, stats.Queued})
	})
}
