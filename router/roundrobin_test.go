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

func TestATurnThatIsPassedOverIsConsumed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
			if n < 0 {
				return g.Handle(ctx, n)
			}
			return n, nil
		}, actors.WithSize(3), actors.WithDispatch(router.RoundRobin()), actors.WithQueue(0, router.Reject))
		require.NoError(t, pool.Tell(t.Context(), -1))
		synctest.Wait()
		for n := range 9 {
			_, err := pool.Ask(t.Context(), n)
			require.NoError(t, err)
			synctest.Wait() // the worker is idle again
		}
		// If the turn stayed with the first worker, the second would get two of three.
		assert.Equal(t, []int64{0, 5, 4}, succeeded(pool.Stats()))
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
	})
}

// However tasks are submitted, the turns are exact while no worker is full.
func TestTurnsAreExactHoweverTasksAreSubmitted(t *testing.T) {
	for _, size := range []int{1, 2, 7, 64} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const senders, each = 16, 125
				system := pooltest.System()
				pool, err := actors.NewPool(system.Root, pooltest.Echo[int], actors.WithSize(size),
					actors.WithDispatch(router.RoundRobin()), actors.WithQueue(actors.Unbounded, router.Reject))
				require.NoError(t, err)
				t.Cleanup(func() { pool.Close(); <-pool.Done() })
				var sent sync.WaitGroup
				for sender := range senders {
					sent.Go(func() {
						for n := range each {
							var err error
							switch sender % 4 {
							case 0:
								err = pool.Tell(t.Context(), n)
							case 1:
								_, err = pool.Ask(t.Context(), n, actors.Priority(n%3))
							case 2:
								_, err = pool.Submit(t.Context(), n, actors.Timeout(time.Hour))
							case 3:
								system.Root.Send(pool.PID(), n)
							}
							if err != nil {
								t.Error(err)
							}
						}
					})
				}
				sent.Wait()
				require.NoError(t, pool.Wait(t.Context()))
				total := int64(0)
				for i, n := range succeeded(pool.Stats()) {
					assert.Contains(t, []int64{senders * each / int64(size), (senders*each-1)/int64(size) + 1}, n, "worker %d", i)
					total += n
				}
				assert.EqualValues(t, senders*each, total)
			})
		})
	}
}

func TestRoundRobinIsExact(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[int], actors.WithSize(4), actors.WithDispatch(router.RoundRobin()))
		for i := range 10 {
			_, err := pool.Ask(t.Context(), i)
			require.NoError(t, err)
		}
		assert.Equal(t, []int64{3, 3, 2, 2}, succeeded(pool.Stats()))
	})
}

func TestRoundRobinIsExactUnderConcurrentSenders(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const size, senders, each = 7, 8, 250 // 2000 = 7 * 285 + 5
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[int], actors.WithSize(size), actors.WithDispatch(router.RoundRobin()),
			actors.WithQueue(size*senders*each, router.Block)) // no worker is ever full
		var sent sync.WaitGroup
		for range senders {
			sent.Go(func() {
				for i := range each {
					if err := pool.Tell(t.Context(), i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		sent.Wait()
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int64{286, 286, 286, 286, 286, 285, 285}, succeeded(pool.Stats()))
	})
}

// Workers without room are passed over, however many tasks have been refused.
func TestRoundRobinFindsTheWorkerWithRoom(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, takes time.Duration) (int, error) {
			if takes > 0 {
				time.Sleep(takes)
			}
			return 0, nil
		}, actors.WithSize(3), actors.WithDispatch(router.RoundRobin()), actors.WithQueue(0, router.Reject))
		for i := range 3 { // the first worker is free again after 1 s, the others later
			require.NoError(t, pool.Tell(t.Context(), time.Duration(i+1)*time.Second))
		}
		for range 4 {
			require.ErrorIs(t, pool.Tell(t.Context(), 0), messages.ErrQueueFull)
		}
		time.Sleep(1500 * time.Millisecond)
		for range 2 {
			require.NoError(t, pool.Tell(t.Context(), 0), "the first worker is free")
			synctest.Wait()
		}
		require.NoError(t, pool.Tell(t.Context(), time.Second), "it is free again")
		synctest.Wait()
		require.ErrorIs(t, pool.Tell(t.Context(), 0), messages.ErrQueueFull, "all are busy")
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int64{4, 1, 1}, succeeded(pool.Stats()))
	})
}
