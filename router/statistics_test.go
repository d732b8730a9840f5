package router_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
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

// These tests run in virtual time: a task takes exactly as long as it sleeps, and what the
// pool does between two tasks takes no time.

// short is a task that the pool does not time by itself.
const short = 500 * time.Nanosecond

// truth is what tasks measured themselves.
type truth struct {
	mu   sync.Mutex
	took []time.Duration // guarded by mu
}

func (m *truth) run(d time.Duration) {
	time.Sleep(d)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took = append(m.took, d)
}

func (m *truth) handle(_ context.Context, d time.Duration) (int, error) {
	m.run(d)
	return 0, nil
}

// distribution summarizes the measured times.
func (m *truth) distribution() (d messages.Distribution) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sorted := slices.Sorted(slices.Values(m.took))
	var sum time.Duration
	for _, took := range sorted {
		sum += took
	}
	quantile := func(q float64) time.Duration { return sorted[int(math.Ceil(q*float64(len(sorted))))-1] }
	d.Count = int64(len(sorted))
	d.Mean = sum / time.Duration(len(sorted))
	d.P50, d.P95, d.P99, d.Max = quantile(0.50), quantile(0.95), quantile(0.99), sorted[len(sorted)-1]
	return d
}

// A kind is a pool, of handlers or actors, whose tasks measure themselves.
type kind struct {
	name string
	// run gives a pool with one worker the tasks at once and returns its statistics.
	run func(t *testing.T, m *truth, tasks []time.Duration, opts ...actors.Option) messages.Stats
}

func kinds() []kind {
	return []kind{{"handler", runHandlers}, {"actors", runActors}}
}

func runHandlers(t *testing.T, m *truth, tasks []time.Duration, opts ...actors.Option) messages.Stats {
	t.Helper()
	pool := pooltest.Open(t, pooltest.System().Root, m.handle, append(opts, actors.WithSize(1), actors.WithQueue(actors.Unbounded, router.Reject))...)
	pool.Pause()
	for _, d := range tasks {
		require.NoError(t, pool.Tell(t.Context(), d))
	}
	pool.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, pool.Wait(ctx))
	return pool.Stats()
}

func runActors(t *testing.T, m *truth, tasks []time.Duration, opts ...actors.Option) messages.Stats {
	t.Helper()
	system := pooltest.System()
	done := make(chan struct{})
	pool := system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case time.Duration:
				m.run(message)
			case string:
				close(done)
			}
		})
	}, append(opts, actors.WithSize(1), actors.WithQueue(actors.Unbounded, router.Reject))...))
	defer func() { assert.NoError(t, system.Root.StopFuture(pool).Wait()) }()
	system.Root.Send(pool, &messages.Pause{})
	for _, d := range tasks {
		system.Root.Send(pool, d)
	}
	system.Root.Send(pool, "the end")
	system.Root.Send(pool, &messages.Resume{})
	select {
	case <-done:
	case <-time.After(time.Minute):
		require.Fail(t, "the tasks are not done")
	}
	synctest.Wait() // the last tasks are measured when the worker has put them down
	answer, err := system.Root.RequestFuture(pool, &messages.GetStats{}, time.Minute).Result()
	require.NoError(t, err)
	return *answer.(*messages.Stats)
}

// mix returns n tasks: each takes short, but for every nth, which takes long.
func mix(n int, short, long time.Duration, every int) []time.Duration {
	tasks := make([]time.Duration, n)
	for i := range tasks {
		tasks[i] = short
		if i%every == every/2 {
			tasks[i] = long
		}
	}
	return tasks
}

// eachDispatch runs a test in virtual time for both kinds of pools, with early and late binding.
func eachDispatch(t *testing.T, test func(t *testing.T, c kind, dispatch actors.Option)) {
	t.Helper()
	for _, c := range kinds() {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			t.Run(fmt.Sprintf("%s/%v", c.name, dispatch), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) { test(t, c, actors.WithDispatch(dispatch)) })
			})
		}
	}
}

// A single long task among short ones shows, wherever it lies in their batches.
func TestMaxShowsALongTaskAmongShortOnes(t *testing.T) {
	const early = 50 * time.Microsecond // Max may be off by as much
	tests := []struct {
		long time.Duration
		at   []int // places among the tasks
	}{
		{100 * time.Millisecond, []int{5000}},
		{2 * time.Millisecond, []int{0, 1, 4000, 4063, 4064, 5000, 5999}},
		{time.Millisecond, []int{3000, 5001}},
	}
	for _, tt := range tests {
		for _, at := range tt.at {
			t.Run(fmt.Sprintf("%v at %d", tt.long, at), func(t *testing.T) {
				eachDispatch(t, func(t *testing.T, c kind, dispatch actors.Option) {
					tasks := slices.Repeat([]time.Duration{short}, 6000)
					tasks[at] = tt.long
					m := new(truth)
					stats := c.run(t, m, tasks, dispatch)
					assert.InDelta(t, tt.long, stats.RunTime.Max, float64(early))
				})
			})
		}
	}
}

func TestMeanIsCloseToTheTruthForAnyMix(t *testing.T) {
	tests := []struct {
		name  string
		tasks []time.Duration
	}{
		{"all 0.5 µs", mix(20_000, short, short, 2)},
		{"5 % of 15 µs among 0.5 µs", mix(20_000, short, 15*time.Microsecond, 20)},
		{"1 in 50 of 1 ms among 0.5 µs", mix(10_000, short, time.Millisecond, 50)},
		{"1 in 1,000 of 2 ms among 0.5 µs", mix(20_000, short, 2*time.Millisecond, 1000)},
		{"half 100 µs", mix(2000, short, 100*time.Microsecond, 2)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachDispatch(t, func(t *testing.T, c kind, dispatch actors.Option) {
				closeToTruth(t, c, tt.tasks, dispatch, func(d messages.Distribution) []time.Duration {
					return []time.Duration{d.Mean}
				})
			})
		})
	}
}

func TestQuantilesAreCloseToTheTruthWhereLongTasksRecur(t *testing.T) {
	p99 := func(d messages.Distribution) []time.Duration { return []time.Duration{d.P99} }
	both := func(d messages.Distribution) []time.Duration { return []time.Duration{d.P95, d.P99} }
	tests := []struct {
		name      string
		tasks     []time.Duration
		quantiles func(messages.Distribution) []time.Duration
	}{
		{"1 in 50 of 1 ms among 0.5 µs", mix(10_000, short, time.Millisecond, 50), p99},
		{"1 in 10 of 1 ms among 0.5 µs", mix(2000, short, time.Millisecond, 10), both},
		{"1 in 50 of 3 ms among 0.5 µs", mix(5000, short, 3*time.Millisecond, 50), p99},
		{"1 in 50 of 1 ms among 10 µs", mix(5000, 10*time.Microsecond, time.Millisecond, 50), p99},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachDispatch(t, func(t *testing.T, c kind, dispatch actors.Option) {
				closeToTruth(t, c, tt.tasks, dispatch, tt.quantiles)
			})
		})
	}
}

// closeToTruth fails unless the statistics are within 5 % of the truth.
func closeToTruth(
	t *testing.T, c kind, tasks []time.Duration, dispatch actors.Option,
	figures func(messages.Distribution) []time.Duration,
) {
	t.Helper()
	m := new(truth)
	stats := c.run(t, m, tasks, dispatch)
	truly := m.distribution()
	require.GreaterOrEqual(t, stats.RunTime.Count, truly.Count)
	for i, want := range figures(truly) {
		assert.InEpsilon(t, want, figures(stats.RunTime)[i], 0.05)
	}
}
