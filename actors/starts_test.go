package actors_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
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
	"github.com/troupe-go/troupe/supervisor"
)

func TestAFailedStartIsLeftToTheStrategy(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errProduce }, "panic": func() error { panic(errProduce) },
		"Goexit": func() error { runtime.Goexit(); return nil },
	} {
		for strategy, supervision := range map[string]actor.SupervisorStrategy{
			"restart": supervisor.OneForOne(),
			"resume":  actor.NewOneForOneStrategy(10, time.Minute, func(any) actor.Directive { return actor.ResumeDirective }),
			"backoff": supervisor.Backoff{Min: time.Second, Max: time.Minute},
		} {
			t.Run(name+" and "+strategy, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					s := workshop{produce: func(n int) error {
						if n <= 3 {
							return fail()
						}
						return nil
					}}
					pool := newWorkshopPool(t, &s, actors.WithSize(1), actors.WithSupervision(supervision))
					n, err := pool.Ask(t.Context(), number)
					require.NoError(t, err)
					assert.Equal(t, 4, n)
				})
			})
		}
	}
}

func TestErrNoWorkersWrapsTheErrorOfProduce(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errProduce }, "panic": func() error { panic(errProduce) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				s := workshop{produce: func(int) error { time.Sleep(time.Second); return fail() }}
				pool := newWorkshopPool(t, &s, actors.WithSize(2))
				future, err := pool.Submit(t.Context(), number)
				require.NoError(t, err, "it waits for a worker")
				_, err = future.Wait(t.Context())
				require.ErrorIs(t, err, messages.ErrNoWorkers)
				require.ErrorIs(t, err, errProduce)
				_, err = pool.Ask(t.Context(), number)
				require.ErrorIs(t, err, messages.ErrNoWorkers)
				require.ErrorIs(t, err, errProduce)
				synctest.Wait()
				stats := pool.Stats()
				assert.Equal(t, 2, stats.Lost)
				assert.True(t, stats.Balanced())
			})
		})
	}
}

func TestNewPoolOfDoesNotWaitForProduce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := workshop{produce: func(int) error { time.Sleep(time.Hour); return nil }}
		begun := time.Now()
		pool := newWorkshopPool(t, &s, actors.WithSize(1))
		assert.Zero(t, time.Since(begun))
		_, err := pool.Ask(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, time.Hour, time.Since(begun))
		assert.Less(t, pool.Stats().RunTime.Max, time.Second, "the time of produce is not that of a task")
	})
}

func TestTheContextOfProduceEndsWithTheWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var kept context.Context
		closed := false
		pool, err := actors.NewPoolOf(nil, func(ctx context.Context) (*closer, error) {
			kept = ctx
			return &closer{close: func() { closed = true; assert.NoError(t, ctx.Err(), "Close may still use it") }}, nil
		}, actors.WithSize(1))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, kept.Err())
		pool.Close()
		<-pool.Done()
		assert.True(t, closed)
		assert.Error(t, kept.Err())
	})
}

func TestAStopEndsTheContextOfAProduceThatRuns(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, err := actors.NewPoolOf(nil, func(ctx context.Context) (*closer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, actors.WithSize(2), actors.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		future, err := pool.Submit(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		pool.Close()
		<-pool.Done()
		_, err = future.Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrDropped)
	})
}

func TestANilWorkerIsAFailedStart(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, err := actors.NewPoolOf(nil, func(context.Context) (actors.Worker[int, int], error) { return nil, nil },
			actors.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 1)
		require.ErrorIs(t, err, messages.ErrNoWorkers)
		require.ErrorIs(t, err, messages.ErrInvalidOption)
		pool.Close()
	})
}

func TestATaskDoesNotWaitForASlowStartAlone(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		hung := make(chan struct{})
		s := workshop{produce: func(n int) error {
			if n == 4 {
				<-hung
			}
			return nil
		}}
		pool := newWorkshopPool(t, &s, actors.WithSize(3), actors.WithIdleTimeout(time.Minute))
		time.Sleep(time.Hour)
		begun := time.Now()
		n, err := pool.Ask(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, 5, n, "another worker has taken the task")
		assert.LessOrEqual(t, time.Since(begun), time.Second)
		close(hung)
	})
}

func TestIdleWorkersAreStartedForAsManyTasksAsWait(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := workshop{produce: func(int) error { time.Sleep(50 * time.Millisecond); return nil }}
		pool := newWorkshopPool(t, &s, actors.WithSize(8), actors.WithIdleTimeout(time.Minute))
		time.Sleep(time.Hour)
		begun := time.Now()
		for range 4 {
			require.NoError(t, pool.Tell(t.Context(), func(context.Context, *craftsman) (int, error) {
				time.Sleep(10 * time.Second)
				return 0, nil
			}))
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.Less(t, time.Since(begun), 11*time.Second, "they ran side by side")
		made, _ := s.count()
		assert.Equal(t, 8+4, made)
	})
}

func TestTasksDoNotWaitForAWorkerThatIsSlowToStart(t *testing.T) {
	for name, dispatch := range map[string]router.Dispatch{
		"round-robin": router.RoundRobin(), "random": router.Random(), "hashed": router.ConsistentHash(), "late": router.LeastBusy(),
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				hung := make(chan struct{})
				s := workshop{produce: func(n int) error {
					if n == 2 {
						<-hung
					}
					return nil
				}}
				pool := newWorkshopPool(t, &s, actors.WithSize(3), actors.WithDispatch(dispatch))
				begun := time.Now()
				for i := range 100 {
					require.NoError(t, pool.Tell(t.Context(), number, actors.Key(fmt.Sprint(i))))
				}
				require.NoError(t, pool.Wait(t.Context()))
				assert.LessOrEqual(t, time.Since(begun), time.Second)
				close(hung)
				synctest.Wait()
				for _, w := range pool.Stats().Workers {
					assert.Equal(t, messages.WorkerIdle, w.State)
				}
			})
		})
	}
}

func TestAPoolThatIsClosedDuringAStartLeavesNoTimer(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var gone atomic.Bool
		closeDuringStart(t, &gone)
		assert.Eventually(t, func() bool { runtime.GC(); return gone.Load() }, time.Minute, time.Second, "a timer refers to the pool")
	})
}

// closeDuringStart closes a pool while its worker starts. gone is set when nothing refers to
// the pool any more.
func closeDuringStart(t *testing.T, gone *atomic.Bool) {
	t.Helper()
	shop := new(workshop) // which the pool refers to
	runtime.AddCleanup(shop, func(b *atomic.Bool) { b.Store(true) }, gone)
	pool, err := actors.NewPoolOf(nil, func(ctx context.Context) (*craftsman, error) {
		<-ctx.Done()
		time.Sleep(time.Second) // the state is made after the pool was closed
		return shop.make(ctx)
	}, actors.WithMaxAge(time.Hour), actors.WithIdleTimeout(time.Hour))
	require.NoError(t, err)
	synctest.Wait()
	pool.Close()
	<-pool.Done()
}
