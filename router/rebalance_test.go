package router_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Others wait at most this long for a resize that moves 100,000 keyed tasks. The
// race detector slows everything down, and so does a busy machine, which is why a
// run that is close gets further tries.
const (
	longestWait     = 50 * time.Millisecond
	longestWaitRace = 10 * time.Second // the detector makes each task some fifty times as dear
	hopelessWait    = 10 * time.Second // no further try
	rebalanceTries  = 20
)

// waits are the longest times that others waited while a pool was resized.
type waits struct{ load, tell, timeout time.Duration }

func (w waits) longest() time.Duration { return max(w.load, w.tell, w.timeout) }

func TestNobodyWaitsForAResizeThatMovesManyKeys(t *testing.T) {
	bound := longestWait
	if raceEnabled {
		bound = longestWaitRace
	}
	var seen []waits
	for range rebalanceTries {
		w := rebalance(t)
		seen = append(seen, w)
		if t.Failed() || w.longest() <= bound || w.longest() > hopelessWait {
			break
		}
	}
	last := seen[len(seen)-1]
	assert.LessOrEqual(t, last.longest(), bound, "%+v", seen)
	t.Logf("%+v", seen)
}

// rebalance queues 100,000 tasks of 10,000 keys at 64 workers, resizes the pool to
// 8 and back to 64, and measures what others wait meanwhile. It checks that nothing
// is lost and that the tasks of a key begin in order.
func rebalance(t *testing.T) waits {
	t.Helper()
	const size, few, tasks, keys, probe = 64, 8, 100_000, 10_000, -1
	type step struct{ key, n int }
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	open := make(chan struct{})
	var mu sync.Mutex
	begun := make([][]int, keys)
	var running, probes atomic.Int64
	pool, err := actors.NewPool(pooltest.System().Root, func(ctx context.Context, s step) (int, error) {
		if s.key == probe {
			probes.Add(1)
			return 0, nil
		}
		mu.Lock()
		begun[s.key] = append(begun[s.key], s.n)
		mu.Unlock()
		running.Add(1)
		select {
		case <-open:
			return 0, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}, actors.WithSize(size), actors.WithDispatch(router.ConsistentHash()), actors.WithQueue(actors.Unbounded, router.Reject))
	require.NoError(t, err)
	defer func() { pool.Close(); <-pool.Done() }()

	names := make([]actors.TaskOption, keys)
	for key := range keys {
		names[key] = actors.Key(fmt.Sprint("key ", key))
	}
	for n := range tasks {
		require.NoError(t, pool.Tell(ctx, step{n % keys, n / keys}, names[n%keys]))
	}

	for running.Load() < size { // a task that runs is not waited for when its key moves
		require.NoError(t, ctx.Err())
		runtime.Gosched()
	}

	var w waits
	var measuring sync.WaitGroup
	over := make(chan struct{})
	until := func(longest *time.Duration, measure func() time.Duration) {
		measuring.Go(func() {
			for {
				*longest = max(*longest, measure())
				select {
				case <-over:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	until(&w.load, func() time.Duration {
		began := time.Now()
		pool.Load()
		return time.Since(began)
	})
	var told, timed int64
	until(&w.tell, func() time.Duration {
		began := time.Now()
		assert.NoError(t, pool.Tell(ctx, step{key: probe}, actors.NoWait(), names[told%keys]))
		told++
		return time.Since(began)
	})
	until(&w.timeout, func() time.Duration {
		const timeout = 50 * time.Millisecond
		began := time.Now()
		_, err := pool.Ask(ctx, step{key: probe}, names[timed%keys], actors.Timeout(timeout))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout, "every worker is busy")
		timed++
		return time.Since(began) - timeout
	})

	for _, size := range []int{few, size} {
		require.NoError(t, pool.Resize(ctx, size))
	}
	close(over)
	measuring.Wait()

	// The workers that have left still have a task in hand. The new ones started some.
	stats := pool.Stats()
	require.Equal(t, tasks+told+timed, stats.Submitted)
	require.Equal(t, stats.Submitted, stats.Queued+stats.Running+stats.TimedOut)
	require.Equal(t, timed, stats.TimedOut)
	close(open)
	require.NoError(t, pool.Wait(ctx))
	stats = pool.Stats()
	require.Equal(t, tasks+told, stats.Succeeded)
	require.Zero(t, stats.Dropped+stats.Canceled+stats.Failed)
	require.Equal(t, told, probes.Load())
	mu.Lock()
	defer mu.Unlock()
	for key, ns := range begun {
		require.True(t, slices.Equal(between(0, tasks/keys), ns), "key %d: %v", key, ns)
	}
	return w
}
