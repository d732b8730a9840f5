package supervisor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

func TestBudgetIsExact(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name     string
		budget   supervisor.Option
		gaps     []time.Duration // before each failure
		restarts int64
		spent    bool
	}{
		{"none allowed", supervisor.Restarts(0, time.Minute), []time.Duration{0}, 0, true},
		{"none allowed, whole life", supervisor.Restarts(0, 0), []time.Duration{time.Hour}, 0, true},
		{"within the budget", supervisor.Restarts(3, time.Minute), []time.Duration{0, 0, 0}, 3, false},
		{"one too many", supervisor.Restarts(3, time.Minute), []time.Duration{0, 0, 0, 0}, 3, true},
		{"one too many at the last instant", supervisor.Restarts(2, time.Minute), []time.Duration{0, 30 * time.Second, 30*time.Second - ms}, 2, true},
		{"the first is forgotten in time", supervisor.Restarts(2, time.Minute), []time.Duration{0, 30 * time.Second, 30 * time.Second}, 3, false},
		{"steady failures at the bound", supervisor.Restarts(1, time.Minute), []time.Duration{0, time.Minute, time.Minute, time.Minute}, 4, false},
		{"a slow start, then a burst", supervisor.Restarts(2, time.Minute), []time.Duration{0, time.Minute, 0, 0}, 3, true},
		{"the window slides", supervisor.Restarts(2, time.Minute), []time.Duration{0, 50 * time.Second, 11 * time.Second, 9 * time.Second}, 3, true},
		{"whole life forgets nothing", supervisor.Restarts(2, 0), []time.Duration{0, 24 * time.Hour, 240 * time.Hour}, 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(tt.budget)))
				for _, gap := range tt.gaps {
					time.Sleep(gap)
					pool.Do(pooltest.Fail("again"))
				}
				stats := pool.Stats()
				assert.EqualValues(t, len(tt.gaps), stats.Panicked)
				assert.Equal(t, tt.restarts, stats.Restarts)
				assert.Zero(t, stats.Replaced)
				assert.Equal(t, tt.spent, stats.Size == 0)
			})
		})
	}
}

// Without a bound a worker is restarted however often.
func TestNoBudgetIsNoBound(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(1))
		for range 100 {
			pool.Do(pooltest.Fail("again"))
		}
		stats := pool.Stats()
		assert.EqualValues(t, 100, stats.Restarts)
		assert.Equal(t, 1, stats.Size)
		assert.Equal(t, 101, pool.Born())
	})
}

func TestEachWorkerHasABudgetOfItsOwn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(1, 0))))
		stopped := pooltest.Events[*messages.WorkerStopped](t, pool.System)
		everyone := func() {
			pool.System.Root.Send(pool.PID, &messages.Broadcast{Message: pooltest.Fail("all at once")})
			synctest.Wait()
		}
		everyone()
		stats := pool.Stats()
		assert.EqualValues(t, 3, stats.Restarts)
		assert.Equal(t, 3, stats.Size)
		assert.Empty(t, stopped)

		everyone()
		stats = pool.Stats()
		assert.EqualValues(t, 3, stats.Restarts)
		assert.Zero(t, stats.Size)
		require.Len(t, stopped, 3)
		for _, event := range pooltest.Drain(stopped) {
			assert.Equal(t, "restarts spent", event.Reason)
		}
	})
}

// One strategy may serve many pools, even pools of one name in several systems.
func TestPoolsDoNotShareBudgets(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		strategy := actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(2, time.Minute)))
		system := pooltest.System()
		pools := []*pooltest.Actors{
			pooltest.StartActorsIn(t, system, "one", actors.WithSize(1), strategy),
			pooltest.StartActorsIn(t, system, "other", actors.WithSize(1), strategy),
			pooltest.StartActorsIn(t, pooltest.System(), "one", actors.WithSize(1), strategy),
		}
		for range 2 {
			for _, pool := range pools {
				pool.Do(pooltest.Fail("again"))
			}
		}
		for _, pool := range pools {
			require.Equal(t, 1, pool.Stats().Size)
		}
		pools[1].Do(pooltest.Fail("again"))
		assert.Equal(t, 1, pools[0].Stats().Size)
		assert.Equal(t, 0, pools[1].Stats().Size)
		assert.Equal(t, 1, pools[2].Stats().Size)
	})
}
