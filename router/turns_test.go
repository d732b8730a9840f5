package router_test

import (
	"context"
	"errors"
	"math/rand/v2"
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

// pooledTurns are the dispatches whose blocked submitters form one line.
func pooledTurns() []router.Dispatch {
	return []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.Random()}
}

// steps is a handler whose tasks end one by one, each for one value of the channel.
func steps(step chan struct{}) actors.Handler[int, int] {
	return func(ctx context.Context, n int) (int, error) {
		select {
		case <-step:
			return n, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// line blocks n submitters behind one another. They report their numbers to
// admitted.
func line(t *testing.T, pool *actors.Pool[int, int], n int, admitted chan<- int) {
	t.Helper()
	for i := range n {
		go func() {
			if err := pool.Tell(context.Background(), i); err != nil {
				t.Error(err)
			}
			admitted <- i
		}()
		synctest.Wait()
	}
}

func TestBlockAdmitsSubmittersInTheOrderTheyCame(t *testing.T) {
	for _, dispatch := range pooledTurns() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const size, capacity, waiting = 3, 4, 20
				step, admitted := make(chan struct{}), make(chan int, waiting)
				pool := pooltest.Open(t, pooltest.System().Root, steps(step), actors.WithSize(size), actors.WithDispatch(dispatch),
					actors.WithQueue(capacity, router.Block))
				for n := range size + capacity {
					require.NoError(t, pool.Tell(t.Context(), n, actors.NoWait()))
					synctest.Wait()
				}
				line(t, pool, waiting, admitted)
				require.EqualValues(t, size+capacity, pool.Stats().Submitted)

				for i := 0; i < waiting; {
					step <- struct{}{}
					synctest.Wait()
					// Under early binding the freed worker may have no place in its queue:
					// it starts the next of its own tasks, and one place is free.
					require.LessOrEqual(t, len(admitted), 1, "one task ended")
					if len(admitted) == 1 {
						require.Equal(t, i, <-admitted)
						i++
					}
				}
				close(step)
				require.NoError(t, pool.Wait(t.Context()))
				assert.Equal(t, ledger{
					Submitted: size + capacity + waiting, Succeeded: size + capacity + waiting,
				}, ledgerOf(pool.Stats()))
			})
		})
	}
}

// A submitter that comes when a place becomes free goes behind those who wait.
func TestNobodyBargesPastABlockedSubmitter(t *testing.T) {
	for _, dispatch := range append(pooledTurns(), router.Custom(first)) {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const waiting = 50
				step, admitted := make(chan struct{}), make(chan int, waiting)
				pool := pooltest.Open(t, pooltest.System().Root, steps(step), actors.WithSize(1), actors.WithDispatch(dispatch),
					actors.WithQueue(1, router.Block))
				for n := range 2 {
					require.NoError(t, pool.Tell(t.Context(), n, actors.NoWait()))
					synctest.Wait()
				}
				line(t, pool, waiting, admitted)
				var barged atomic.Int64
				var bargers sync.WaitGroup
				for range waiting - 1 { // one waits to the end
					for range 2 {
						bargers.Go(func() {
							for range 50 {
								err := pool.Tell(t.Context(), -1, actors.NoWait())
								if err == nil {
									barged.Add(1)
								} else if !errors.Is(err, messages.ErrQueueFull) {
									t.Error(err)
								}
							}
						})
					}
					step <- struct{}{}
					bargers.Wait()
					synctest.Wait()
				}
				assert.Zero(t, barged.Load())
				for i := range waiting - 1 {
					require.Equal(t, i, <-admitted)
				}
				close(step)
				require.NoError(t, pool.Wait(t.Context()))
			})
		})
	}
}

func TestASubmitterThatLeavesTheLineKeepsItsOrder(t *testing.T) {
	for _, dispatch := range pooledTurns() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				step := make(chan struct{})
				var mu sync.Mutex
				var begun []int
				handle := steps(step)
				pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
					mu.Lock()
					begun = append(begun, n)
					mu.Unlock()
					return handle(ctx, n)
				}, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithQueue(0, router.Block))
				require.NoError(t, pool.Tell(t.Context(), 0))
				synctest.Wait()
				var cancels []context.CancelFunc
				for n := range 9 {
					ctx, cancel := context.WithCancel(context.Background())
					t.Cleanup(cancel)
					cancels = append(cancels, cancel)
					go func() { _ = pool.Tell(ctx, n+1) }()
					synctest.Wait()
				}
				for _, n := range []int{0, 4, 8} { // the first, one within and the last
					cancels[n]()
					synctest.Wait()
				}
				close(step)
				synctest.Wait()
				require.NoError(t, pool.Wait(t.Context()))
				assert.Equal(t, []int{0, 2, 3, 4, 6, 7, 8}, begun)
				assert.Equal(t, ledger{Submitted: 7, Succeeded: 7, Rejected: 3}, ledgerOf(pool.Stats()))
			})
		})
	}
}

// A resize gives new workers to those who wait, in order.
func TestAResizeAdmitsBlockedSubmittersInOrder(t *testing.T) {
	for _, dispatch := range pooledTurns() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const waiting = 6
				step, admitted := make(chan struct{}), make(chan int, waiting)
				pool := pooltest.Open(t, pooltest.System().Root, steps(step), actors.WithSize(1), actors.WithDispatch(dispatch),
					actors.WithQueue(0, router.Block))
				require.NoError(t, pool.Tell(t.Context(), -1))
				synctest.Wait()
				line(t, pool, waiting, admitted)
				for size := 2; size <= waiting+1; size++ {
					require.NoError(t, pool.Resize(t.Context(), size))
					synctest.Wait()
					require.Len(t, admitted, 1)
					require.Equal(t, size-2, <-admitted)
				}
				close(step)
				require.NoError(t, pool.Wait(t.Context()))
			})
		})
	}
}

// Under least-busy dispatch no worker idles while a task waits, whatever happens
// to tasks and workers.
func TestNoWorkerIdlesWhileATaskWaits(t *testing.T) {
	for seed := range uint64(8) {
		pooltest.Bubble(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, d time.Duration) (int, error) {
				if d < 0 {
					panic("negative")
				}
				if d == 0 {
					return 0, nil
				}
				select {
				case <-time.After(d):
					return 0, nil
				case <-ctx.Done():
					return 0, context.Cause(ctx)
				}
			}, actors.WithSize(4), actors.WithQueue(64, router.Block))
			var futures []*actors.Future[int]
			for step := range 200 {
				d := time.Duration(0) // most are short, so workers take several at once
				switch random.IntN(10) {
				case 0:
					d = time.Duration(1+random.IntN(50)) * time.Second
				case 1:
					d = -1
				case 2:
					d = time.Millisecond
				}
				f, err := pool.Submit(t.Context(), d, actors.Priority(random.IntN(3)),
					actors.Timeout(time.Duration(1+random.IntN(20))*time.Second))
				if err == nil {
					futures = append(futures, f)
				} else {
					require.ErrorIs(t, err, messages.ErrTaskTimeout)
				}
				switch random.IntN(12) {
				case 0:
					require.NoError(t, pool.Resize(t.Context(), 1+random.IntN(6)))
				case 1:
					pool.Pause()
					synctest.Wait()
					pool.Resume()
				case 2:
					futures[random.IntN(len(futures))].Cancel()
				case 3:
					time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
				}
				synctest.Wait()
				stats := pool.Stats()
				require.False(t, stats.Queued > 0 && stats.Idle > 0, "seed %d, step %d: %+v", seed, step, stats)
			}
			require.NoError(t, pool.Wait(t.Context()))
		})
	}
}
