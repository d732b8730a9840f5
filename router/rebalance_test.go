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
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Others wait for a resize that moves 100,000 keyed tasks no longer than this many times
// what it costs to submit these tasks. On a busy machine, one wait may span both resizes of
// a try, so there are several tries.
const (
	longestWait    = 2.5
	rebalanceTries = 3
)

// waits are the longest times that others waited while a pool was resized, and how long it
// took to submit its tasks. They are measured in processor time of this process: the real
// time would depend on what else the machine does.
type waits struct{ submit, load, tell, timeout time.Duration }

// relative returns the longest wait as a multiple of the time to submit the tasks.
func (w waits) relative() float64 {
	return float64(max(w.load, w.tell, w.timeout)) / float64(w.submit)
}

func TestNobodyWaitsForAResizeThatMovesManyKeys(t *testing.T) {
	timelimit.Set(t)
	var seen []waits
	for range rebalanceTries {
		w := rebalance(t)
		if w.relative() <= longestWait || t.Failed() {
			return
		}
		seen = append(seen, w)
	}
	assert.Failf(t, "others wait too long", "%+v", seen)
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
	var w waits
	began := cpuTime()
	for n := range tasks {
		require.NoError(t, pool.Tell(ctx, step{n % keys, n / keys}, names[n%keys]))
	}
	w.submit = cpuTime() - began

	for running.Load() < size { // a task that runs is not waited for when its key moves
		require.NoError(t, ctx.Err())
		runtime.Gosched()
	}

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
		began := cpuTime()
		pool.Load()
		return cpuTime() - began
	})
	var told, timed int64
	until(&w.tell, func() time.Duration {
		began := cpuTime()
		assert.NoError(t, pool.Tell(ctx, step{key: probe}, actors.NoWait(), names[told%keys]))
		told++
		return cpuTime() - began
	})
	until(&w.timeout, func() time.Duration {
		const timeout = 50 * time.Millisecond
		var due atomic.Int64
		timer := time.AfterFunc(timeout, func() { due.Store(int64(cpuTime())) })
		defer timer.Stop()
		_, err := pool.Ask(ctx, step{key: probe}, names[timed%keys], actors.Timeout(timeout))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout, "every worker is busy")
		timed++
		if due.Load() == 0 {
			return 0
		}
		return cpuTime() - time.Duration(due.Load())
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
