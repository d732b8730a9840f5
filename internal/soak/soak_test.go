package soak_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

// soakTasks is how many tasks the soak submits at least. make soak asks for more.
var soakTasks = flag.Int("soak", 20_000, "tasks that TestSoak submits at least")

// TestSoak submits tasks from many producers in every way there is, while faults of
// every kind are injected at random: a hundredth of the tasks panics, another ends its
// goroutine, others fail, time out, are canceled, or ignore their contexts; and the
// pool is resized, paused, has its workers stopped and its strategy changed. Each
// season has another dispatch, overflow policy, configuration and end. All other user
// code misbehaves from time to time: see mischief. Afterwards every task must have been
// accounted for.
func TestSoak(t *testing.T) {
	baseline := goleak.IgnoreCurrent()
	total := newCount()
	before := pooltest.Heap()
	perSeason := *soakTasks/len(seasons) + 1
	for _, s := range seasons {
		t.Run(s.name, func(t *testing.T) { total.add(s.run(t, perSeason)) })
	}
	t.Run("functions", func(t *testing.T) { total.add(runFunctions(t, perSeason)) })
	t.Run("held tasks", func(t *testing.T) { total.add(runHolders(t, perSeason, router.LeastBusy(), 3)) })
	t.Run("held tasks, round-robin", func(t *testing.T) { total.add(runHolders(t, perSeason, router.RoundRobin(), 1)) })
	if t.Failed() {
		return
	}
	require.NoError(t, goleak.Find(baseline))
	after := pooltest.Heap()
	total.print(t, before, after)
	assert.GreaterOrEqual(t, total.tasks(), int64(*soakTasks))
	assert.Less(t, after, before+16<<20, "the heap is back")
}

// A season is one pool's life.
type season struct {
	name    string
	options []actors.Option
	end     func(t *testing.T, pool *actors.Pool[deedOf, int], parent func())
	early   bool // it ends while tasks are still submitted
	states  bool // the workers have state
}

func configure(dispatch router.Dispatch, capacity int, overflow actors.Overflow, more ...actors.Option) []actors.Option {
	return append(more, actors.WithSize(4), actors.WithMiddleware(identified), actors.WithDispatch(dispatch), actors.WithQueue(capacity, overflow),
		actors.WithWatchdog(actors.Watchdog{Grace: time.Millisecond, Limit: 64}),
		actors.WithHealth(5*time.Millisecond))
}

var (
	retry = actors.WithRetry(actors.Retry{
		Attempts: 4, Min: 100 * time.Microsecond, Max: time.Millisecond, Jitter: 0.5, On: badPolicy, Panics: true,
	})
	quarantine = actors.WithQuarantine(actors.Quarantine{Crashes: 2, Exhausted: true, Keep: 50})
	breaker    = actors.WithBreaker(actors.Breaker{Failures: 2, Cooldown: 2 * time.Millisecond})

	seasons = []season{
		{"plain", configure(router.LeastBusy(), 256, actors.Block), shutdown, false, false},
		{"retry, least-busy", configure(router.LeastBusy(), 64, actors.Block, retry, quarantine, breaker), shutdown, false, false},
		{"retry, round-robin", configure(router.RoundRobin(), 64, actors.Reject, retry, breaker), parentStops, true, false},
		{"consistent hash", configure(router.ConsistentHash(), 128, actors.DropOldest, retry, quarantine, breaker), closePool, true, false},
		{"random, caller runs", configure(router.Random(), 8, actors.CallerRuns, retry, quarantine), shutdown, false, false},
		{"custom, drop newest", configure(custom(), 16, actors.DropNewest, breaker), closePool, true, false},
		{"mischief", configure(router.LeastBusy(), 64, actors.Block, append(mischiefOptions(), retry, quarantine)...), shutdown, false, false},
		{"mischief, round-robin", configure(router.RoundRobin(), 64, actors.Block, append(mischiefOptions(), retry)...), closePool, true, false},
		{"no queue", configure(router.LeastBusy(), 0, actors.Block, retry, quarantine), parentStops, true, false},
		{"states", configure(router.LeastBusy(), 64, actors.Block, append(recycling(), retry, breaker)...), shutdown, false, true},
		{"states, round-robin", configure(router.RoundRobin(), 64, actors.Reject, append(recycling(), retry, quarantine)...), parentStops, true, true},
		{"states, mischief", configure(router.LeastBusy(), 256, actors.Block, append(mischiefOptions(), recycling()...)...), finish, true, true},
		{"autoscaled", configure(router.LeastBusy(), actors.Unbounded, actors.Block, retry, breaker, actors.WithAutoscale(
			supervisor.Autoscale{Min: 2, Max: 16, Every: 2 * time.Millisecond, Rule: supervisor.Threshold{IdleAfter: 10 * time.Millisecond}})), shutdown, false, false},
	}
)

func custom() router.Dispatch {
	return router.Custom(func(_ router.TaskView, workers router.Workers) int { return rand.N(workers.Len()) })
}

func shutdown(t *testing.T, pool *actors.Pool[deedOf, int], _ func()) {
	_, err := pool.Shutdown(t.Context())
	assert.NoError(t, err)
}

func finish(t *testing.T, pool *actors.Pool[deedOf, int], _ func()) {
	_, err := pool.Finish(t.Context())
	assert.NoError(t, err)
}

func closePool(_ *testing.T, pool *actors.Pool[deedOf, int], _ func()) { pool.Close() }

func parentStops(_ *testing.T, _ *actors.Pool[deedOf, int], parent func()) { parent() }
