package router_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

func TestEveryWorkerHasAShareOfTheCapacity(t *testing.T) {
	tests := []struct {
		size, capacity int
		shares         []int
	}{
		{1, 3, []int{3}},
		{2, 0, []int{0, 0}},
		{3, 5, []int{2, 2, 1}},
		{3, 6, []int{2, 2, 2}},
		{3, 7, []int{3, 2, 2}},
		{4, 2, []int{1, 1, 0, 0}},
		{8, 10, []int{2, 2, 1, 1, 1, 1, 1, 1}},
	}
	for _, tt := range tests {
		for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random(), byKey()} {
			t.Run(fmt.Sprintf("%v/%d of %d", dispatch, tt.size, tt.capacity), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					g := pooltest.NewGate()
					pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(tt.size), actors.WithDispatch(dispatch),
						actors.WithQueue(tt.capacity, router.Reject))
					// Fill every worker. Under byKey each round offers each worker a task.
					rejected := 0
					for range tt.capacity + 2 {
						for i := range tt.size {
							if err := pool.Tell(t.Context(), i, to(i)); err != nil {
								require.ErrorIs(t, err, messages.ErrQueueFull)
								rejected++
							}
							synctest.Wait()
						}
					}
					stats := pool.Stats()
					assert.Equal(t, tt.shares, queuedPerWorker(stats))
					assert.EqualValues(t, tt.size, stats.Running, "a share is what waits beyond the task in hand")
					assert.EqualValues(t, rejected, stats.Rejected)
					assert.Equal(t, tt.capacity, stats.QueueCapacity)
					close(g.Open)
					require.NoError(t, pool.Wait(t.Context()))
				})
			})
		}
	}
}

func TestUnboundedQueuesHaveNoShares(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), byKey()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const tasks = 5000
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(4), actors.WithDispatch(dispatch),
					actors.WithQueue(actors.Unbounded, router.Reject))
				for n := range tasks {
					require.NoError(t, pool.Tell(t.Context(), n, to(0)))
				}
				assert.EqualValues(t, tasks, pool.Stats().Submitted)
				require.NoError(t, pool.Resize(t.Context(), 2))
				require.NoError(t, pool.Tell(t.Context(), tasks, to(0)))
				close(g.Open)
				require.NoError(t, pool.Wait(t.Context()))
				assert.EqualValues(t, tasks+1, pool.Stats().Succeeded)
			})
		})
	}
}

// Without a share, a worker takes a task only while it is idle.
func TestAnIdleWorkerHasRoomWithoutAShare(t *testing.T) {
	for _, dispatch := range []router.Dispatch{
		router.RoundRobin(), router.Random(), router.ConsistentHash(), byKey(),
	} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, d time.Duration) (int, error) {
					if d > 0 {
						time.Sleep(d)
					}
					return 0, nil
				}, actors.WithSize(3), actors.WithDispatch(dispatch), actors.WithQueue(0, router.Reject))
				for range 20 {
					require.NoError(t, pool.Tell(t.Context(), time.Second, to(1)))
					synctest.Wait()
					time.Sleep(2 * time.Second)
				}
				assert.EqualValues(t, 20, pool.Stats().Succeeded)
			})
		})
	}
}

// hungAmongOthers starts eight workers with a queue of ten. The first task hangs
// until the pool closes; any other takes a millisecond.
func hungAmongOthers(t *testing.T, dispatch router.Dispatch, overflow router.Overflow) *actors.Pool[int, int] {
	t.Helper()
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
		if n < 0 {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}
		time.Sleep(time.Millisecond)
		return n, nil
	}, actors.WithSize(8), actors.WithDispatch(dispatch), actors.WithQueue(10, overflow))
	require.NoError(t, pool.Tell(t.Context(), -1, actors.NoWait()))
	synctest.Wait()
	return pool
}

// hungShare returns the length of the queue of the worker whose task hangs. It is
// at most 2, the largest share of ten places among eight workers.
func hungShare(t *testing.T, stats messages.Stats) int64 {
	t.Helper()
	for _, w := range stats.Workers {
		if w.State == messages.WorkerBusy {
			assert.Positive(t, w.Queued)
			assert.LessOrEqual(t, w.Queued, 2)
			return int64(w.Queued)
		}
	}
	t.Error("no worker is busy")
	return 0
}

func TestAHungWorkerCostsItsShareOnly(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random()} {
		for _, overflow := range []router.Overflow{
			router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
		} {
			t.Run(fmt.Sprintf("%v/%v", dispatch, overflow), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					const tasks = 1000
					pool := hungAmongOthers(t, dispatch, overflow)
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					for n := range tasks {
						began := time.Now()
						require.NoError(t, pool.Tell(ctx, n))
						require.Zero(t, time.Since(began), "nobody waits: seven workers have room")
						time.Sleep(time.Millisecond)
					}
					time.Sleep(time.Second)
					stats := pool.Stats()
					queued := hungShare(t, stats)
					assert.Equal(t, ledger{
						Submitted: tasks + 1, Queued: queued, Running: 1, Succeeded: tasks - queued,
					}, ledgerOf(stats))
				})
			})
		}
	}
}

func TestBlockWaitsOnlyWhileNoWorkerHasRoom(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const senders, each = 10, 60
				pool := hungAmongOthers(t, dispatch, router.Block)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				var sent sync.WaitGroup
				for range senders {
					sent.Go(func() {
						for n := range each {
							if err := pool.Tell(ctx, n); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				sent.Wait()
				// Seven workers serve seven tasks a millisecond when all have work.
				assert.Less(t, time.Since(began), 2*senders*each*time.Millisecond/7)
				time.Sleep(time.Second)
				stats := pool.Stats()
				assert.Equal(t, senders*each-hungShare(t, stats), stats.Succeeded)
			})
		})
	}
}
