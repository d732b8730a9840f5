package router_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// These tests run in real time, because short tasks take none in a bubble. A busy
// machine may stop a worker between a task's own reading of the clock and the
// pool's, so what is compared with the truth may be measured several times.
const measurements = 8

// readings is the slack of one task: its own readings of the clock, its call, and
// its share of what the pool does between two tasks.
const readings = 300 * time.Nanosecond

// busy computes for a time and returns how long it took.
func busy(d time.Duration) time.Duration {
	began := time.Now()
	for {
		if took := time.Since(began); took >= d {
			return took
		}
	}
}

// truth is what tasks measured themselves.
type truth struct {
	mu   sync.Mutex
	took []time.Duration // guarded by mu
}

func (m *truth) run(d time.Duration) {
	took := busy(d)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took = append(m.took, took)
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

// A crew is a pool, of either kind, whose tasks measure themselves.
type crew struct {
	name string
	// run gives a pool with one worker the tasks at once and returns its statistics.
	run func(t *testing.T, m *truth, tasks []time.Duration, opts ...actors.Option) messages.Stats
}

func crews() []crew {
	return []crew{{"handler", runHandlers}, {"actors", runActors}}
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
	for deadline := time.Now().Add(time.Minute); ; {
		answer, err := system.Root.RequestFuture(pool, &messages.GetStats{}, time.Minute).Result()
		require.NoError(t, err)
		stats := answer.(*messages.Stats)
		if stats.RunTime.Count > int64(len(tasks)) { // the last ones are measured when the worker has put them down
			return *stats
		}
		require.True(t, time.Now().Before(deadline), "not at rest: %+v", stats)
	}
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

// eachDispatch runs a test for both kinds of pools, with early and late binding.
func eachDispatch(t *testing.T, test func(t *testing.T, c crew, dispatch actors.Option)) {
	t.Helper()
	for _, c := range crews() {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			t.Run(fmt.Sprintf("%s/%v", c.name, dispatch), func(t *testing.T) {
				test(t, c, actors.WithDispatch(dispatch))
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
				eachDispatch(t, func(t *testing.T, c crew, dispatch actors.Option) {
					tasks := slices.Repeat([]time.Duration{time.Microsecond}, 6000)
					tasks[at] = tt.long
					var seen []time.Duration // how far Max was above the truth
					for range measurements {
						m := new(truth)
						stats := c.run(t, m, tasks, dispatch)
						truly := m.distribution().Max
						require.GreaterOrEqual(t, truly, tt.long)
						// A short task that was interrupted may hold the maximum, but nothing
						// makes the pool's reading fall short of the task's own.
						require.GreaterOrEqual(t, stats.RunTime.Max, truly-early)
						seen = append(seen, stats.RunTime.Max-truly)
						if stats.RunTime.Max <= truly+early {
							return
						}
					}
					if !raceEnabled { // under the detector, short tasks are interrupted for longer
						assert.Less(t, slices.Min(seen), tt.long/2, "Max is too long: %v", seen)
					}
				})
			})
		}
	}
}

func TestMeanIsCloseToTheTruthForAnyMix(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes several times as long as the short tasks")
	}
	tests := []struct {
		name  string
		tasks []time.Duration
	}{
		{"all 1 µs", mix(20_000, time.Microsecond, time.Microsecond, 2)},
		{"5 % of 15 µs among 1 µs", mix(20_000, time.Microsecond, 15*time.Microsecond, 20)},
		{"1 in 50 of 1 ms among 1 µs", mix(10_000, time.Microsecond, time.Millisecond, 50)},
		{"1 in 1,000 of 2 ms among 1 µs", mix(20_000, time.Microsecond, 2*time.Millisecond, 1000)},
		{"half 100 µs", mix(2000, time.Microsecond, 100*time.Microsecond, 2)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachDispatch(t, func(t *testing.T, c crew, dispatch actors.Option) {
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
		{"1 in 50 of 1 ms among 1 µs", mix(10_000, time.Microsecond, time.Millisecond, 50), p99},
		{"1 in 10 of 1 ms among 1 µs", mix(2000, time.Microsecond, time.Millisecond, 10), both},
		{"1 in 50 of 3 ms among 1 µs", mix(5000, time.Microsecond, 3*time.Millisecond, 50), p99},
		{"1 in 50 of 1 ms among 10 µs", mix(5000, 10*time.Microsecond, time.Millisecond, 50), p99},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachDispatch(t, func(t *testing.T, c crew, dispatch actors.Option) {
				closeToTruth(t, c, tt.tasks, dispatch, tt.quantiles)
			})
		})
	}
}

// closeToTruth fails unless one of several measurements is within 5 % of what the
// tasks measured themselves.
func closeToTruth(
	t *testing.T, c crew, tasks []time.Duration, dispatch actors.Option,
	figures func(messages.Distribution) []time.Duration,
) {
	t.Helper()
	var seen []string
	for range measurements {
		m := new(truth)
		stats := c.run(t, m, tasks, dispatch)
		truly := m.distribution()
		require.GreaterOrEqual(t, stats.RunTime.Count, truly.Count)
		fits := true
		for i, want := range figures(truly) {
			got := figures(stats.RunTime)[i]
			fits = fits && (got-want).Abs() <= want/20+readings
			seen = append(seen, fmt.Sprintf("%v, truly %v", got, want))
		}
		if fits {
			return
		}
	}
	assert.Failf(t, "not within 5 percent", "%v", seen)
}
