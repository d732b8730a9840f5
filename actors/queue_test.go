package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

func TestAHigherPriorityIsServedFirstAndInOrderWithinOne(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				g := pooltest.NewGate()
				pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1), actors.WithDispatch(dispatch))
				require.NoError(t, pool.Tell(t.Context(), 0))
				synctest.Wait()
				for n, priority := range []int{0, 5, -1, 5, 0, 9} {
					require.NoError(t, pool.Tell(t.Context(), n+1, actors.Priority(priority)))
				}
				close(g.Open)
				require.NoError(t, pool.Wait(t.Context()))
				assert.Equal(t, []int{0, 6, 2, 4, 1, 5, 3}, g.Order())
			})
		})
	}
}

// full starts a pool with one worker, which has task 0 in hand, and a queue for
// two, in which tasks 1 and 2 wait.
func full(t *testing.T, root *actor.RootContext, overflow actors.Overflow, opts ...actors.Option) (*pooltest.Gate, *actors.Pool[int, int], []*actors.Future[int]) {
	t.Helper()
	g := pooltest.NewGate()
	pool := pooltest.Open(t, root, g.Handle, append(opts, actors.WithSize(1), actors.WithQueue(2, overflow))...)
	var futures []*actors.Future[int]
	for n := range 3 {
		f, err := pool.Submit(t.Context(), n)
		require.NoError(t, err)
		futures = append(futures, f)
		synctest.Wait()
	}
	return g, pool, futures
}

func TestNoWaitNeverWaits(t *testing.T) {
	for _, overflow := range []actors.Overflow{actors.Block, actors.CallerRuns, actors.Reject} {
		t.Run(overflow.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				_, pool, _ := full(t, root, overflow)
				for _, s := range submissions(pool) {
					began := time.Now()
					err := s.do(t.Context(), 3, actors.NoWait())
					assert.ErrorIs(t, err, messages.ErrQueueFull, s.name)
					assert.ErrorContains(t, err, "2", "the capacity")
					assert.Zero(t, time.Since(began))
				}
				assert.EqualValues(t, 3, pool.Stats().Rejected)
			})
		})
	}
}

func TestBlockAdmitsSubmittersInTheOrderOfTheirArrival(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g, pool, _ := full(t, root, actors.Block)
		admitted := make(chan int, 3)
		for n := range 3 {
			go func() {
				assert.NoError(t, pool.Tell(t.Context(), 3+n))
				admitted <- n
			}()
			synctest.Wait()
		}
		assert.Empty(t, admitted)
		stats := pool.Stats()
		assert.Equal(t, [2]int64{3, 2}, [2]int64{stats.Submitted, stats.Queued}, "who waits is not in the ledger")
		close(g.Open)
		for range 3 {
			<-admitted
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, g.Order())
	})
}

// The waiters are behind one another. When the first gives up, the next may have
// somewhere to go.
func TestASubmitterThatGivesUpDoesNotDelayThoseBehindIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		byPriority := router.Custom(func(task router.TaskView, _ router.Workers) int { return task.Priority })
		pool := pooltest.Open(t, root, g.Handle, actors.WithSize(2), actors.WithDispatch(byPriority), actors.WithQueue(0, actors.Block))
		require.NoError(t, pool.Tell(t.Context(), 0, actors.Priority(0)))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { assert.Error(t, pool.Tell(ctx, 1, actors.Priority(0))) }()
		synctest.Wait()
		var admitted bool
		go func() {
			admitted = pool.Tell(t.Context(), 2, actors.Priority(1)) == nil
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		assert.Equal(t, []int{0, 2}, g.Order(), "worker 1 is idle")
		assert.True(t, admitted)
	})
}

func TestRejectRefusesTheTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g, pool, _ := full(t, root, actors.Reject)
		assert.ErrorIs(t, pool.Tell(t.Context(), 3), messages.ErrQueueFull)
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int{0, 1, 2}, g.Order())
		stats := pool.Stats()
		assert.Equal(t, [2]int64{3, 1}, [2]int64{stats.Submitted, stats.Rejected})
	})
}

func TestDropOldestDropsTheOldestOfTheLowestPriority(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				g, pool, futures := full(t, root, actors.DropOldest, actors.WithDispatch(dispatch))
				require.NoError(t, pool.Tell(t.Context(), 3, actors.Priority(1)))
				_, err := futures[1].Wait(t.Context())
				assert.ErrorIs(t, err, messages.ErrDropped)
				_, err = pool.Ask(t.Context(), 4, actors.Priority(-1))
				assert.ErrorIs(t, err, messages.ErrDropped, "all the others matter more")
				close(g.Open)
				require.NoError(t, pool.Wait(t.Context()))
				assert.Equal(t, []int{0, 3, 2}, g.Order())
				stats := pool.Stats()
				assert.Equal(t, [3]int64{5, 2, 0}, [3]int64{stats.Submitted, stats.Dropped, stats.Rejected})
			})
		})
	}
}

func TestDropNewestAcceptsTheTaskAndDropsIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g, pool, _ := full(t, root, actors.DropNewest)
		_, err := pool.Ask(t.Context(), 3)
		assert.ErrorIs(t, err, messages.ErrDropped)
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int{0, 1, 2}, g.Order())
		stats := pool.Stats()
		assert.Equal(t, [3]int64{4, 1, 0}, [3]int64{stats.Submitted, stats.Dropped, stats.Rejected})
	})
}

func TestCallerRunsRunsTheTaskWhileItsSubmitterWaits(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d < 0 {
				panic(d)
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
		require.NoError(t, pool.Tell(t.Context(), time.Hour))
		synctest.Wait()

		began := time.Now()
		require.NoError(t, pool.Tell(t.Context(), time.Minute))
		assert.Equal(t, time.Minute, time.Since(began))

		_, err := pool.Ask(t.Context(), -1)
		assert.Equal(t, messages.Panicked, pooltest.OutcomeOf(err), "a panic does not reach the caller")

		began = time.Now()
		_, err = pool.Ask(t.Context(), time.Minute, actors.Timeout(time.Second))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(began))

		stats := pool.Stats()
		assert.Equal(t, [4]int64{1, 1, 1, 1}, [4]int64{stats.Running, stats.Succeeded, stats.Panicked, stats.TimedOut})
	})
}

func TestCapacityZeroAcceptsATaskOnlyIfAWorkerIsFree(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				g := pooltest.NewGate()
				pool := pooltest.Open(t, root, g.Handle, actors.WithSize(3), actors.WithDispatch(dispatch), actors.WithQueue(0, actors.Reject))
				for n := range 3 {
					require.NoError(t, pool.Tell(t.Context(), n))
				}
				assert.ErrorIs(t, pool.Tell(t.Context(), 3), messages.ErrQueueFull)
				synctest.Wait()
				assert.ErrorIs(t, pool.Tell(t.Context(), 3), messages.ErrQueueFull)
				close(g.Open)
				require.NoError(t, pool.Wait(t.Context()))
				assert.NoError(t, pool.Tell(t.Context(), 4))
			})
		})
	}
}

func TestAPausedPoolFinishesWhatRunsAndKeepsWhatComes(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), actors.WithDispatch(dispatch))
				f, err := pool.Submit(t.Context(), time.Minute)
				require.NoError(t, err)
				synctest.Wait()
				pool.Pause()
				require.NoError(t, pool.Tell(t.Context(), time.Minute))
				require.NoError(t, pool.Tell(t.Context(), time.Minute))
				_, err = f.Wait(t.Context())
				require.NoError(t, err)
				time.Sleep(time.Hour)
				stats := pool.Stats()
				assert.True(t, stats.Paused)
				assert.Equal(t, [3]int64{2, 0, 1}, [3]int64{stats.Queued, stats.Running, stats.Succeeded})
				assert.Equal(t, time.Hour+time.Minute, stats.OldestQueued)
				pool.Resume()
				began := time.Now()
				require.NoError(t, pool.Wait(t.Context()))
				assert.Equal(t, time.Minute, time.Since(began), "both workers work again")
				assert.False(t, pool.Stats().Paused)
			})
		})
	}
}

// What a queue costs is what its tasks take: besides the payload, a cell and a place.
func TestAQueuedTaskTakesFewBytes(t *testing.T) {
	timelimit.Set(t)
	const tasks, payload, most = 100_000, 8, 96
	pool := pooltest.Open(t, pooltest.System().Root, pooltest.Double, actors.WithQueue(tasks, actors.Reject))
	pool.Pause()
	before := pooltest.Heap()
	for i := range tasks {
		require.NoError(t, pool.Tell(t.Context(), i))
	}
	after := pooltest.Heap()
	assert.Less(t, int(after-before)/tasks, most+payload)
	pool.Resume()
	require.NoError(t, pool.Wait(t.Context()))
}
