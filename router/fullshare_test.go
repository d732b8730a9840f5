package router_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// keysOf returns a key for each worker of a pool that hashes.
func keysOf(t *testing.T, size int, ask func(key string) string) []string {
	t.Helper()
	var keys []string
	seen := map[string]bool{}
	for i := 0; len(keys) < size; i++ {
		require.Less(t, i, 10_000)
		key := fmt.Sprint("key ", i)
		if worker := ask(key); !seen[worker] {
			seen[worker] = true
			keys = append(keys, key)
		}
	}
	return keys
}

func TestAFullShareConcernsTheChosenWorkerAlone(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.ConsistentHash(), byKey()} {
		for _, overflow := range []router.Overflow{
			router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
		} {
			t.Run(fmt.Sprintf("%v/%v", dispatch, overflow), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) { fullShare(t, dispatch, overflow) })
			})
		}
	}
}

// fullShare fills the share of one of two workers and submits one more task to
// that worker and ten to the other.
func fullShare(t *testing.T, dispatch router.Dispatch, overflow router.Overflow) {
	const hang, pass = -1, 1
	g := pooltest.NewGate()
	system := pooltest.System()
	pool, err := actors.NewPool(system.Root, func(ctx context.Context, n int) (int, error) {
		if n == hang {
			return g.Handle(ctx, n)
		}
		return n, nil
	}, actors.WithSize(2), actors.WithDispatch(dispatch), actors.WithQueue(4, overflow))
	require.NoError(t, err)
	t.Cleanup(func() { pool.Close(); <-pool.Done() })
	keys := []string{"0", "1"}
	if dispatch.String() == router.ConsistentHash().String() {
		keys = keysOf(t, 2, func(key string) string {
			return pooltest.Result(t, system, pool.PID(), &messages.Task{Payload: pass, Key: key}).Worker
		})
	}
	before := pool.Stats()
	full, other := actors.Key(keys[0]), actors.Key(keys[1])
	var queued []*actors.Future[int]
	for n := range 3 { // one runs, two fill the share
		payload := hang
		if n > 0 {
			payload = pass
		}
		f, err := pool.Submit(t.Context(), payload, full)
		require.NoError(t, err)
		queued = append(queued, f)
		synctest.Wait()
	}

	var admitted atomic.Bool
	var answer error
	var asked sync.WaitGroup
	asked.Go(func() {
		f, err := pool.Submit(t.Context(), pass, full)
		admitted.Store(err == nil)
		if err == nil {
			_, err = f.Wait(t.Context())
		}
		answer = err
	})
	synctest.Wait()
	for range 10 {
		_, err := pool.Ask(t.Context(), pass, other)
		require.NoError(t, err, "the other worker has room")
	}
	stats := pool.Stats()
	assert.EqualValues(t, 10, succeededSince(before, stats)-callerRan(overflow))
	dropped := func(f *actors.Future[int]) bool { o, ok := f.Outcome(); return ok && o == messages.Dropped }
	assert.Equal(t, overflow == router.DropOldest, dropped(queued[1]), "the oldest of that worker's queue")
	assert.False(t, dropped(queued[2]))
	assert.Equal(t, overflow != router.Block && overflow != router.Reject, admitted.Load())

	close(g.Open)
	asked.Wait()
	switch overflow {
	case router.Reject:
		assert.ErrorIs(t, answer, messages.ErrQueueFull)
	case router.DropNewest:
		assert.ErrorIs(t, answer, messages.ErrDropped)
	default:
		assert.NoError(t, answer)
	}
	require.NoError(t, pool.Wait(t.Context()))
	assert.Zero(t, pool.Stats().Failed)
}

func succeededSince(before, after messages.Stats) int64 { return after.Succeeded - before.Succeeded }

// callerRan is 1 if the task for the full share ran in its caller.
func callerRan(overflow router.Overflow) int64 {
	if overflow == router.CallerRuns {
		return 1
	}
	return 0
}

func TestBlockAdmitsPerChosenWorkerInOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const waiting = 5
		l := newLanes(t, 2)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(2, router.Block))
		var want [2][]int
		submit := func(lane, n int) {
			want[lane] = append(want[lane], n)
			go func() {
				if err := pool.Tell(context.Background(), n, to(lane)); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		n := 0
		for range 2 + waiting { // one runs, one is queued, the others wait
			for lane := range 2 {
				submit(lane, n)
				n++
			}
		}
		require.EqualValues(t, 4, pool.Stats().Submitted)

		// The waiters of worker 1 go on although older ones wait for worker 0.
		for i := range waiting {
			l.step(1)
			require.EqualValues(t, 4+i+1, pool.Stats().Submitted, "one place, one admission")
			require.ErrorIs(t, pool.Tell(t.Context(), -1, to(1), actors.NoWait()), messages.ErrQueueFull)
		}
		assert.Equal(t, want[1][:1+waiting], l.of(1))
		assert.Equal(t, want[0][:1], l.of(0))
		for range waiting {
			l.step(0)
		}
		assert.Equal(t, want[0][:1+waiting], l.of(0))

		for lane := range 2 {
			l.step(lane)
			l.step(lane)
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, want, [2][]int{l.of(0), l.of(1)})
	})
}

// A waiter that leaves the line of one worker lets those behind it move up.
func TestABlockedSubmitterThatLeavesFreesItsPlace(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		l := newLanes(t, 2)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(0, router.Block))
		require.NoError(t, pool.Tell(t.Context(), 0, to(0)))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for n, ctx := range []context.Context{ctx, t.Context()} {
			go func() { _ = pool.Tell(ctx, n+1, to(0)) }()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		l.step(0)
		assert.Equal(t, []int{0, 2}, l.of(0))
		l.step(0)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, ledger{Submitted: 2, Succeeded: 2, Rejected: 1}, ledgerOf(pool.Stats()))
	})
}

// The oldest task of all is in the other worker's queue.
func TestDropOldestDropsFromTheQueueOfTheChosenWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		l := newLanes(t, 2)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(4, router.DropOldest))
		var futures []*actors.Future[int]
		for n, lane := range []int{0, 0, 0, 1, 1, 1, 1} {
			f, err := pool.Submit(t.Context(), n, to(lane))
			require.NoError(t, err)
			futures = append(futures, f)
			synctest.Wait()
		}
		for n, f := range futures {
			outcome, settled := f.Outcome()
			assert.Equal(t, n == 4, settled, "task %d: %v", n, outcome)
		}
		assert.Equal(t, []int{2, 2}, queuedPerWorker(pool.Stats()))
		for lane := range 2 {
			for range 3 {
				l.step(lane)
			}
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, [2][]int{{0, 1, 2}, {3, 5, 6}}, [2][]int{l.of(0), l.of(1)})
		assert.Equal(t, ledger{Submitted: 7, Succeeded: 6, Dropped: 1}, ledgerOf(pool.Stats()))
	})
}

// Among full workers the turns go round, so each loses the oldest of its queue.
func TestDropOldestDropsInTurns(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const size, capacity, more = 3, 6, 6
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(size), actors.WithDispatch(router.RoundRobin()),
			actors.WithQueue(capacity, router.DropOldest))
		var queued []*actors.Future[int]
		for n := range size + capacity + more {
			f, err := pool.Submit(t.Context(), n)
			require.NoError(t, err)
			synctest.Wait()
			if n >= size {
				queued = append(queued, f)
			}
		}
		for n, f := range queued { // each worker has lost both tasks that it had queued
			outcome, settled := f.Outcome()
			assert.Equal(t, n < capacity, settled && outcome == messages.Dropped, "queued task %d", n)
		}
		assert.Equal(t, []int{2, 2, 2}, queuedPerWorker(pool.Stats()))
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int64{3, 3, 3}, succeeded(pool.Stats()))
	})
}
