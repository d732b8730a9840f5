package supervisor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
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
			bubble(t, func(t *testing.T) {
				c := newCrew(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(tt.budget)))
				for _, gap := range tt.gaps {
					time.Sleep(gap)
					c.do(fail("again"))
				}
				stats := c.stats()
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
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(1))
		for range 100 {
			c.do(fail("again"))
		}
		stats := c.stats()
		assert.EqualValues(t, 100, stats.Restarts)
		assert.Equal(t, 1, stats.Size)
		assert.Equal(t, 101, c.born)
	})
}

func TestEachWorkerHasABudgetOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(3), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(1, 0))))
		stopped := events[*messages.WorkerStopped](c.system)
		everyone := func() {
			c.system.Root.Send(c.pid, &messages.Broadcast{Message: fail("all at once")})
			synctest.Wait()
		}
		everyone()
		stats := c.stats()
		assert.EqualValues(t, 3, stats.Restarts)
		assert.Equal(t, 3, stats.Size)
		assert.Empty(t, *stopped)

		everyone()
		stats = c.stats()
		assert.EqualValues(t, 3, stats.Restarts)
		assert.Zero(t, stats.Size)
		require.Len(t, *stopped, 3)
		for _, event := range *stopped {
			assert.Equal(t, "restarts spent", event.Reason)
		}
	})
}

// One strategy may serve many pools, even pools of one name in several systems.
func TestPoolsDoNotShareBudgets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		strategy := actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(2, time.Minute)))
		system := quiet()
		crews := []*crew{
			newCrewIn(t, system, "one", actors.WithSize(1), strategy),
			newCrewIn(t, system, "other", actors.WithSize(1), strategy),
			newCrewIn(t, quiet(), "one", actors.WithSize(1), strategy),
		}
		for range 2 {
			for _, c := range crews {
				c.do(fail("again"))
			}
		}
		for _, c := range crews {
			require.Equal(t, 1, c.stats().Size)
		}
		crews[1].do(fail("again"))
		assert.Equal(t, 1, crews[0].stats().Size)
		assert.Equal(t, 0, crews[1].stats().Size)
		assert.Equal(t, 1, crews[2].stats().Size)
	})
}

func TestLastWorkerGoneIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))))
		c.do(fail("the end"))
		answer, err := c.system.Root.RequestFuture(c.pid, deed(func(actor.Context) {}), time.Minute).Result()
		require.NoError(t, err)
		require.IsType(t, &messages.Result{}, answer)
		assert.ErrorIs(t, answer.(*messages.Result).Err, messages.ErrNoWorkers)

		// A resize brings the pool back, with a new budget.
		_, err = c.system.Root.RequestFuture(c.pid, &messages.Resize{Size: 2}, time.Minute).Result()
		require.NoError(t, err)
		done := false
		c.do(func(actor.Context) { done = true })
		assert.True(t, done)
	})
}

// Proto.Actor's own strategies have budgets too.
func TestForeignStrategyMaySpendItsBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		strategy := actor.NewOneForOneStrategy(2, time.Minute, actor.DefaultDecider)
		c := newCrew(t, actors.WithSize(1), actors.WithSupervision(strategy))
		for range 2 {
			c.do(fail("again"))
		}
		stats := c.stats()
		assert.EqualValues(t, 2, stats.Restarts)
		assert.Equal(t, 1, stats.Size)
		c.do(fail("again"))
		stats = c.stats()
		assert.Zero(t, stats.Size)
		assert.Zero(t, stats.Replaced)
	})
}
