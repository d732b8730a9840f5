package router_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
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

func first(router.TaskView, router.Workers) int { return 0 }

func TestDispatchNames(t *testing.T) {
	tests := []struct {
		dispatch router.Dispatch
		name     string
	}{
		{router.LeastBusy(), "least-busy"},
		{router.RoundRobin(), "round-robin"},
		{router.Random(), "random"},
		{router.ConsistentHash(), "consistent-hash"},
		{router.Broadcast(), "broadcast"},
		{router.Custom(first), "custom"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.name, tt.dispatch.String())
		assert.True(t, tt.dispatch.Valid())
	}
}

func TestInvalidDispatchIsRefused(t *testing.T) {
	for _, dispatch := range []router.Dispatch{{}, router.Custom(nil)} {
		assert.False(t, dispatch.Valid())
		_, err := actors.NewPool(pooltest.System().Root, pooltest.Echo[int], actors.WithDispatch(dispatch))
		assert.ErrorIs(t, err, messages.ErrInvalidOption)
		assert.ErrorContains(t, err, "dispatch")
	}
}

// One value serves two pools, each of which has turns of its own.
func TestDispatchValueIsShared(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		dispatch := router.RoundRobin()
		a := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[int], actors.WithSize(2), actors.WithDispatch(dispatch))
		b := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[int], actors.WithSize(2), actors.WithDispatch(dispatch))
		for range 2 {
			for _, pool := range []*actors.Pool[int, int]{a, b} {
				_, err := pool.Ask(t.Context(), 1)
				require.NoError(t, err)
			}
		}
		assert.Equal(t, []int64{1, 1}, succeeded(a.Stats()))
		assert.Equal(t, []int64{1, 1}, succeeded(b.Stats()))
	})
}

func TestRandomCoversAllAlike(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const size, tasks = 4, 4000
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[int], actors.WithSize(size), actors.WithDispatch(router.Random()),
			actors.WithQueue(actors.Unbounded, router.Reject)) // no worker is ever passed over
		for i := range tasks {
			require.NoError(t, pool.Tell(t.Context(), i))
		}
		require.NoError(t, pool.Wait(t.Context()))
		// Ten standard deviations of a binomial with p = 1/4 are 274.
		for _, n := range succeeded(pool.Stats()) {
			assert.InDelta(t, tasks/size, n, 274)
		}
	})
}

func TestCustomSeesTasksAndWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		type view struct {
			task  router.TaskView
			ids   []string
			loads []int
		}
		var views []view
		leastLoaded := func(task router.TaskView, workers router.Workers) int {
			v, best := view{task: task}, 0
			for i := range workers.Len() {
				v.ids = append(v.ids, workers.ID(i))
				v.loads = append(v.loads, workers.Load(i))
				if workers.Load(i) < workers.Load(best) {
					best = i
				}
			}
			views = append(views, v)
			return best
		}
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(3), actors.WithDispatch(router.Custom(leastLoaded)))
		var ids []string
		for _, w := range pool.Stats().Workers {
			ids = append(ids, w.ID)
		}
		for i := range 4 {
			require.NoError(t, pool.Tell(t.Context(), i, actors.ID("a"), actors.Key("b"), actors.Priority(i),
				actors.Header("c", "d")))
			synctest.Wait() // tasks in hand and tasks that wait are loads alike
		}
		want := [][]int{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {1, 1, 1}}
		require.Len(t, views, 4)
		for i, v := range views {
			assert.Equal(t, router.TaskView{ID: "a", Key: "b", Priority: i, Headers: map[string]string{"c": "d"}}, v.task)
			assert.Equal(t, ids, v.ids)
			assert.Equal(t, want[i], v.loads)
		}
		stats := pool.Stats()
		assert.Equal(t, 1, stats.Workers[0].Queued, "the fourth waits for the first worker")
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int64{2, 1, 1}, succeeded(pool.Stats()))
	})
}

func TestCustomMistakesAreErrorsOfTheirTasks(t *testing.T) {
	tests := []struct {
		name string
		pick func() int
		says string
	}{
		{"negative", func() int { return -1 }, "picked worker -1 of 2"},
		{"too large", func() int { return 2 }, "picked worker 2 of 2"},
		{"panic", func() int { panic("no idea") }, "panicked: no idea"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system, asked := pooltest.System(), 0
				pool, err := actors.NewPool(system.Root, pooltest.Echo[int], actors.WithSize(2),
					actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int {
						if asked++; asked%2 == 0 {
							return tt.pick()
						}
						return 1
					})))
				require.NoError(t, err)
				for range 3 {
					_, err := pool.Ask(t.Context(), 1)
					require.NoError(t, err)
					_, err = pool.Ask(t.Context(), 1)
					require.ErrorIs(t, err, messages.ErrInvalidOption)
					require.ErrorContains(t, err, tt.says)
				}
				// Nor does it hurt a sender that is an actor.
				assert.NoError(t, pooltest.Result(t, system, pool.PID(), 1).Err)
				assert.ErrorContains(t, pooltest.Result(t, system, pool.PID(), 1).Err, tt.says)

				assert.Equal(t, ledger{Submitted: 4, Succeeded: 4, Rejected: 4}, ledgerOf(pool.Stats()))
				assert.Equal(t, []int64{0, 4}, succeeded(pool.Stats()))
				pool.Close()
				<-pool.Done()
			})
		})
	}
}

// The user's function runs on the senders' goroutines, not under a lock of the
// pool's: it may take its time and ask the pool itself.
func TestCustomMayUseItsPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var pool atomic.Pointer[actors.Pool[int, int]]
		p := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[int], actors.WithSize(3), actors.WithDispatch(router.Custom(
			func(_ router.TaskView, workers router.Workers) int {
				counts := succeeded(pool.Load().Stats())
				return slices.Index(counts, slices.Min(counts))
			})))
		pool.Store(p)
		for i := range 9 {
			_, err := p.Ask(t.Context(), i)
			require.NoError(t, err)
		}
		assert.Equal(t, []int64{3, 3, 3}, succeeded(p.Stats()))
	})
}

func TestWhatSeveralWorkersHandBackKeepsItsOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const occupies = -1
		var begun []int
		turn := 0
		pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, n int) (int, error) {
			if n == occupies {
				time.Sleep(time.Second)
			} else {
				begun = append(begun, n)
			}
			return n, nil
		}, actors.WithSize(3), actors.WithDispatch(router.Custom(func(task router.TaskView, _ router.Workers) int {
			turn++
			if task.ID != "" {
				return turn % 3
			}
			return 1 + turn%2
		})))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), occupies, actors.ID("first")))
		}
		for n := range 8 {
			require.NoError(t, pool.Tell(t.Context(), n))
		}
		var resizes sync.WaitGroup
		for _, size := range []int{2, 1} {
			resizes.Go(func() { assert.NoError(t, pool.Resize(t.Context(), size)) })
			synctest.Wait()
		}
		resizes.Wait()
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7}, begun)
	})
}
