package fuzz_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// FuzzOptions makes a pool of any values: either one is named by an error, or the
// pool works.
func FuzzOptions(f *testing.F) {
	const s = int64(time.Second)
	f.Add("pool", 2, 16, 1, s, s, 3, s, s, 0.5, 2, 8, true)
	f.Add("", 0, -1, 0, -s, int64(0), 0, int64(0), s, math.NaN(), 0, 0, false)
	f.Add("a/b", 1, 0, 5, int64(math.MaxInt64), int64(math.MaxInt64), 2, int64(1), int64(math.MaxInt64), 1.0, 1, 1, true)
	f.Add("$", 3, math.MaxInt, 6, int64(math.MinInt64), int64(1), -5, int64(-1), int64(1), -1.0, 3, 2, true)
	f.Fuzz(func(t *testing.T, name string, size, capacity, overflow int, timeout, health int64,
		attempts int, least, most int64, jitter float64, minSize, maxSize int, panics bool,
	) {
		if size > 64 || minSize > 64 { // no nonsense, only slow
			t.Skip()
		}
		delay := func(n int64) time.Duration { return time.Duration(n) }
		options := []actors.Option{
			actors.WithName(name), actors.WithSize(size), actors.WithQueue(capacity, actors.Overflow(overflow)),
			actors.WithTaskTimeout(delay(timeout)), actors.WithHealth(delay(health)),
			actors.WithRetry(actors.Retry{Attempts: attempts, Min: delay(least), Max: delay(most), Jitter: jitter, Panics: panics}),
			actors.WithQuarantine(actors.Quarantine{Crashes: attempts, Keep: capacity}),
			actors.WithWatchdog(actors.Watchdog{Grace: delay(least), Limit: attempts}),
			actors.WithBreaker(actors.Breaker{Failures: attempts, Cooldown: delay(most)}),
			actors.WithSupervision(supervisor.Backoff{Min: delay(least), Max: delay(most), Jitter: jitter, ResetAfter: delay(timeout)}),
			actors.WithAutoscale(supervisor.Autoscale{
				Min: minSize, Max: maxSize, Every: delay(health),
				Rule: supervisor.Threshold{Factor: jitter, IdleAfter: delay(timeout)},
			}),
		}
		for i := range options { // each alone, so that one mistake hides no other
			tryPool(t, options[i])
		}
		tryPool(t, options...)
	})
}

func tryPool(t *testing.T, options ...actors.Option) {
	t.Helper()
	pool, err := actors.NewPool(pooltest.System().Root, pooltest.Double, options...)
	if err != nil {
		require.ErrorIs(t, err, messages.ErrInvalidOption)
		require.Greater(t, len(err.Error()), len(messages.ErrInvalidOption.Error())+2, "it says what is wrong")
		return
	}
	out, err := pool.Ask(t.Context(), 21)
	if !errors.Is(err, messages.ErrTaskTimeout) && !errors.Is(err, messages.ErrDropped) && !errors.Is(err, messages.ErrQueueFull) {
		require.NoError(t, err)
		require.Equal(t, 42, out)
	}
	pool.Close()
	<-pool.Done()
	stats := pool.Stats()
	require.True(t, stats.Balanced())
}

// FuzzDispatch drives each dispatch over any number of workers, none included. The
// first byte chooses it. Each further one submits a task with one of 16 keys, changes
// the size, or loses a worker for good.
func FuzzDispatch(f *testing.F) {
	for d := range byte(5) {
		f.Add([]byte{d, 0, 1, 2, 0, 1, 2})
		f.Add([]byte{d, 0, 240, 0, 0, 240, 1, 240, 2, 240, 3, 4, 201, 5, 6})
		f.Add([]byte{d, 200, 7, 7, 203, 7, 7, 7, 200, 240, 7, 202, 7, 240, 240, 7})
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 2 || len(script) > 200 {
			t.Skip()
		}
		pooltest.Bubble(t, func(t *testing.T) {
			dispatches := pooltest.Dispatches()
			dispatchBytes(t, pooltest.System().Root, actors.WithDispatch(dispatches[int(script[0])%len(dispatches)]),
				int(script[0])%len(dispatches) == 3, script[1:])
		})
	})
}

// dispatchBytes plays a script. keyed says that tasks of one key must go to one
// worker, in order, while the workers are the same.
func dispatchBytes(t *testing.T, root *actor.RootContext, dispatch actors.Option, keyed bool, script []byte) {
	in := pooltest.NewInbox(t, root)
	pool, err := actors.NewPool(root, pooltest.Crash, actors.WithSize(3), dispatch,
		actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))))
	require.NoError(t, err)
	lost, workerOf := 0, map[string]string{}
	sent := int64(0)
	for _, b := range script {
		switch {
		case b < 200:
			key := strconv.Itoa(int(b % 16))
			sent++
			result := in.Result(t, pool.PID(), &messages.Task{Payload: 1, Key: key})
			if pool.Stats().Size == 0 {
				require.ErrorIs(t, result.Err, messages.ErrNoWorkers)
				continue
			}
			require.NoError(t, result.Err)
			if before, seen := workerOf[key]; keyed && seen {
				require.Equal(t, before, result.Worker)
			}
			workerOf[key] = result.Worker
		case b < 240:
			clear(workerOf)
			require.NoError(t, pool.Resize(context.Background(), 1+int(b%5)))
		default:
			clear(workerOf)
			if pool.Stats().Size > 0 {
				sent++
				require.Equal(t, messages.Panicked, in.Result(t, pool.PID(), -1).Outcome)
				lost++
				synctest.Wait()
			}
		}
	}
	pool.Close()
	<-pool.Done()
	stats := pool.Stats()
	assert.True(t, stats.Balanced())
	assert.Equal(t, sent, stats.Submitted+stats.Rejected)
	assert.EqualValues(t, lost, stats.Panicked)
}
