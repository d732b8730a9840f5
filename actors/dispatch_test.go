package actors_test

import (
	"context"
	"fmt"
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

func TestRoundRobinIsExactUnderConcurrentSenders(t *testing.T) {
	pool := pooltest.Open(t, pooltest.System().Root, pooltest.Double, actors.WithSize(10), actors.WithDispatch(router.RoundRobin()),
		actors.WithQueue(actors.Unbounded, actors.Reject)) // no worker is ever full
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for n := range 250 {
				assert.NoError(t, pool.Tell(context.Background(), n))
			}
		})
	}
	senders.Wait()
	require.NoError(t, pool.Wait(t.Context()))
	for _, w := range pool.Stats().Workers {
		assert.EqualValues(t, 200, w.Succeeded, w.ID)
	}
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

func TestConsistentHashKeepsTheTasksOfAKeyOnOneWorkerAndInOrder(t *testing.T) {
	type job struct{ key, n int }
	var mu sync.Mutex
	ran := make(map[int][]int)
	pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, j job) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		ran[j.key] = append(ran[j.key], j.n)
		return 0, nil
	}, actors.WithSize(4), actors.WithDispatch(router.ConsistentHash()))
	for n := range 50 {
		for key := range 20 {
			require.NoError(t, pool.Tell(t.Context(), job{key, n}, actors.Key(fmt.Sprint(key))))
		}
	}
	require.NoError(t, pool.Wait(t.Context()))
	for key, ns := range ran {
		assert.IsIncreasing(t, ns, key)
		assert.Len(t, ns, 50)
	}
	for _, w := range pool.Stats().Workers {
		assert.Zero(t, w.Succeeded%50, "a worker has a key as a whole or not at all")
	}
}

func TestACustomDispatchThatAnswersNonsenseRejectsTheTask(t *testing.T) {
	pick := 0
	pool := pooltest.Open(t, pooltest.System().Root, pooltest.Double, actors.WithSize(2),
		actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int {
			if pick == 99 {
				panic("no idea")
			}
			return pick
		})))
	for _, tt := range []struct {
		pick int
		says string
	}{{-1, "-1"}, {2, "2"}, {99, "no idea"}} {
		pick = tt.pick
		_, err := pool.Ask(t.Context(), 1)
		assert.ErrorIs(t, err, messages.ErrInvalidOption, tt.pick)
		assert.ErrorContains(t, err, tt.says)
	}
	pick = 1
	_, err := pool.Ask(t.Context(), 1)
	require.NoError(t, err)
	assert.EqualValues(t, 1, pool.Stats().Workers[1].Succeeded)
}

// nested is a pool whose handler asks the pool itself, n levels deep.
func nested(t *testing.T, root *actor.RootContext, opts ...actors.Option) *actors.Pool[int, int] {
	t.Helper()
	var pool *actors.Pool[int, int]
	pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
		if n == 0 {
			return 0, nil
		}
		out, err := pool.Ask(ctx, n-1)
		return out + 1, err
	}, opts...)
	return pool
}

func TestAHandlerMayAskItsOwnPool(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := nested(t, root, actors.WithSize(4), actors.WithDispatch(dispatch))
				out, err := pool.Ask(t.Context(), 3)
				require.NoError(t, err)
				assert.Equal(t, 3, out)
			})
		})
	}
}

func TestWhenEveryWorkerWaitsOnItsOwnPoolTheLastIsToldSo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := nested(t, root, actors.WithSize(4))
		_, err := pool.Ask(t.Context(), 4)
		assert.ErrorIs(t, err, messages.ErrDeadlock)
		out, err := pool.Ask(t.Context(), 3)
		require.NoError(t, err, "the pool is as good as before")
		assert.Equal(t, 3, out)
	})
}

// However the handler waits: for an answer, for a future, for room in the queue
// or for the pool to have nothing to do.
func TestEveryWaitForOnesOwnPoolIsSeen(t *testing.T) {
	for name, wait := range map[string]func(context.Context, *actors.Pool[int, int]) error{
		"Ask": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			_, err := pool.Ask(ctx, 1)
			return err
		},
		"Future": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			f, err := pool.Submit(ctx, 1)
			if err == nil {
				_, err = f.Wait(ctx)
			}
			return err
		},
		"Tell": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			for {
				if err := pool.Tell(ctx, 1); err != nil {
					return err
				}
			}
		},
		"Wait": func(ctx context.Context, pool *actors.Pool[int, int]) error { return pool.Wait(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				var pool *actors.Pool[int, int]
				pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					if n == 0 {
						return 0, wait(ctx, pool)
					}
					return 0, nil
				}, actors.WithSize(1), actors.WithQueue(1, actors.Block))
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				_, err := pool.Ask(ctx, 0)
				assert.ErrorIs(t, err, messages.ErrDeadlock)
			})
		})
	}
}

// A task that is bound to the worker whose handler waits for it will never begin.
func TestAHandlerThatWaitsForATaskOfItsOwnQueueIsToldSo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, nil
			}
			return pool.Ask(ctx, n-1, actors.Key("same"))
		}, actors.WithSize(2), actors.WithDispatch(router.ConsistentHash()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		_, err := pool.Ask(ctx, 1, actors.Key("same"))
		assert.ErrorIs(t, err, messages.ErrDeadlock)
		assert.Zero(t, time.Since(began))
	})
}

// The last worker that does not wait may leave while the others wait for it.
func TestAResizeThatLeavesOnlyWaitingWorkersTellsThem(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[time.Duration, time.Duration]
		pool = pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d == 0 {
				time.Sleep(time.Minute) // until the other is busy
				return pool.Ask(ctx, time.Second, actors.Priority(1))
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(2), actors.WithDispatch(router.Custom(
			func(task router.TaskView, _ router.Workers) int { return task.Priority }))) // 1 is the one to leave
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		asker, err := pool.Submit(ctx, 0)
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, pool.Tell(ctx, time.Hour, actors.Priority(1)))
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		require.NoError(t, pool.Resize(ctx, 1))
		_, err = asker.Wait(ctx)
		assert.ErrorIs(t, err, messages.ErrDeadlock)
	})
}
