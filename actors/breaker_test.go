package actors_test

import (
	"context"
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
)

func failures(n int, cooldown time.Duration) actors.Option {
	return actors.WithBreaker(actors.Breaker{Failures: n, Cooldown: cooldown})
}

// A pool in which the first worker fails at everything, until it is cured. Which
// worker it is, an actor knows.
func brokenFirst(t *testing.T, root *actor.RootContext, dispatch router.Dispatch, opts ...actors.Option) (pool *actor.PID, cured *atomic.Bool) {
	t.Helper()
	cured = new(atomic.Bool)
	var broken atomic.Pointer[string] // the first to start
	return pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch msg := ctx.Message().(type) {
			case *actor.Started:
				broken.CompareAndSwap(nil, &ctx.Self().Id)
			case int:
				if ctx.Self().Id == *broken.Load() && !cured.Load() {
					panic(msg)
				}
				time.Sleep(10 * time.Millisecond)
				ctx.Respond(msg)
			}
		})
	}, append(opts, actors.WithDispatch(dispatch))...)), cured
}

func TestAFailingWorkerIsSidelinedProbedAndReadmitted(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.Random()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				opened := pooltest.Events[*messages.BreakerOpened](t, root.ActorSystem())
				closed := pooltest.Events[*messages.BreakerClosed](t, root.ActorSystem())
				in := pooltest.NewInbox(t, root)
				pool, cured := brokenFirst(t, root, dispatch, actors.WithSize(3), failures(2, time.Minute))
				// burst sends nine tasks at once and counts those that fail.
				burst := func() (failed int) {
					for n := range 9 {
						in.Request(pool, n)
					}
					for range 9 {
						if _, ok := (<-in.Mail).(*messages.Result); ok {
							failed++
						}
					}
					synctest.Wait()
					return failed
				}
				fails := 0
				for len(opened) == 0 {
					fails += burst()
				}
				assert.Equal(t, 2, fails)
				event := <-opened
				assert.Equal(t, 2, event.Failures)
				assert.LessOrEqual(t, time.Until(event.Until), time.Minute)

				for range 20 {
					assert.Zero(t, burst(), "sidelined")
				}
				stats := in.Stats(t, pool)
				assert.Equal(t, messages.WorkerSidelined, stateOf(stats, event.Worker.Id))
				assert.Equal(t, 3, stats.Size)

				time.Sleep(time.Until(event.Until) + time.Second)
				probes := 0
				for len(opened) == 0 {
					probes += burst()
				}
				assert.Equal(t, 1, probes, "probed with one task")
				again := <-opened
				assert.Equal(t, event.Worker.Id, again.Worker.Id)
				assert.Equal(t, 1, again.Failures)

				cured.Store(true)
				time.Sleep(time.Until(again.Until) + time.Second)
				for len(closed) == 0 {
					assert.Zero(t, burst())
				}
				assert.Equal(t, event.Worker.Id, (<-closed).Worker.Id)
				before := succeededBy(in.Stats(t, pool), event.Worker.Id)
				for range 20 {
					burst()
				}
				assert.Greater(t, succeededBy(in.Stats(t, pool), event.Worker.Id), before, "readmitted")
				assert.Empty(t, opened)
			})
		})
	}
}

func stateOf(stats *messages.Stats, worker string) messages.WorkerState {
	for _, w := range stats.Workers {
		if w.ID == worker {
			return w.State
		}
	}
	return 0
}

func succeededBy(stats *messages.Stats, worker string) int64 {
	for _, w := range stats.Workers {
		if w.ID == worker {
			return w.Succeeded
		}
	}
	return -1
}

func TestTheLastWorkerIsNeverSidelined(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				opened := pooltest.Events[*messages.BreakerOpened](t, root.ActorSystem())
				pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { return 0, pooltest.ErrTask },
					actors.WithSize(3), actors.WithDispatch(dispatch), failures(1, time.Hour))
				for range 30 {
					began := time.Now()
					_, err := pool.Ask(t.Context(), 1)
					require.ErrorIs(t, err, pooltest.ErrTask)
					assert.Zero(t, time.Since(began), "nobody had to wait for a cooldown")
				}
				synctest.Wait()
				assert.LessOrEqual(t, len(opened), 2)

				// The others fail on trial as well, and are left out again.
				for range 30 {
					time.Sleep(20 * time.Minute)
					began := time.Now()
					_, err := pool.Ask(t.Context(), 1)
					require.ErrorIs(t, err, pooltest.ErrTask)
					assert.Zero(t, time.Since(began))
				}
				// Nor does a resize leave only one that is left out.
				require.NoError(t, pool.Resize(t.Context(), 1))
				began := time.Now()
				_, err := pool.Ask(t.Context(), 1)
				require.ErrorIs(t, err, pooltest.ErrTask)
				assert.Zero(t, time.Since(began))
			})
		})
	}
}

// What is queued for a worker that is left out goes to the others, in order, and the
// keys of a worker come back to it with it.
func TestTheQueueOfASidelinedWorkerGoesToTheOthers(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.ConsistentHash()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				var order []int
				var fails atomic.Bool
				fails.Store(true)
				pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
					if fails.CompareAndSwap(true, false) {
						return 0, pooltest.ErrTask
					}
					order = append(order, n)
					return n, nil
				}, actors.WithSize(2), actors.WithDispatch(dispatch), failures(1, time.Hour))
				pool.Pause()
				for n := range 20 {
					require.NoError(t, pool.Tell(t.Context(), n, actors.Key("one")))
				}
				// Only one worker goes on at a time, so order needs no lock.
				pool.Resume()
				require.NoError(t, pool.Wait(t.Context()))
				assert.Len(t, order, 19)
				if dispatch.String() == "consistent-hash" {
					assert.IsIncreasing(t, order)
				}
			})
		})
	}
}

func TestTimeoutsInHandAreFailuresAndCancellationsAreNot(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		opened := pooltest.Events[*messages.BreakerOpened](t, root.ActorSystem())
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), failures(1, time.Hour))
		for range 5 {
			future, err := pool.Submit(t.Context(), time.Hour)
			require.NoError(t, err)
			synctest.Wait()
			future.Cancel()
			synctest.Wait()
		}
		assert.Empty(t, opened)
		_, err := pool.Ask(t.Context(), time.Hour, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		<-opened
	})
}

// A probe that is canceled tells nothing: the worker is given another.
func TestAProbeThatIsCanceledIsFollowedByAnother(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		opened := pooltest.Events[*messages.BreakerOpened](t, root.ActorSystem())
		closed := pooltest.Events[*messages.BreakerClosed](t, root.ActorSystem())
		pool := pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d == 0 {
				return 0, pooltest.ErrTask
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(2), failures(1, time.Minute))
		_, err := pool.Ask(t.Context(), 0)
		require.ErrorIs(t, err, pooltest.ErrTask)
		<-opened
		time.Sleep(time.Hour)
		var tasks []*actors.Future[time.Duration]
		for range 2 { // one of them is the probe
			f, err := pool.Submit(t.Context(), time.Hour)
			require.NoError(t, err)
			tasks = append(tasks, f)
		}
		synctest.Wait()
		for _, f := range tasks {
			f.Cancel()
		}
		synctest.Wait()
		assert.Empty(t, closed)
		assert.Empty(t, opened)
		for range 2 {
			require.NoError(t, pool.Tell(t.Context(), time.Second))
		}
		<-closed
	})
}

func TestASidelinedWorkerCanBeRemovedAndThePoolStopped(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		opened := pooltest.Events[*messages.BreakerOpened](t, root.ActorSystem())
		pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { return 0, pooltest.ErrTask },
			actors.WithSize(3), actors.WithDispatch(router.RoundRobin()), failures(1, time.Hour))
		for range 3 {
			_, err := pool.Ask(t.Context(), 1)
			require.Error(t, err)
		}
		assert.Eventually(t, func() bool { return len(opened) == 2 }, time.Minute, time.Second)
		for _, size := range []int{1, 4, 2} {
			require.NoError(t, pool.Resize(t.Context(), size))
			_, err := pool.Ask(t.Context(), 1)
			require.ErrorIs(t, err, pooltest.ErrTask)
		}
		time.Sleep(2 * time.Hour)
		_, err := pool.Ask(t.Context(), 1)
		require.ErrorIs(t, err, pooltest.ErrTask)
	})
}

func TestABadBreakerIsAnError(t *testing.T) {
	for _, b := range []actors.Breaker{{}, {Failures: 1}, {Cooldown: 1}, {Failures: -1, Cooldown: 1}, {Failures: 1, Cooldown: -1}} {
		_, err := actors.NewPool(pooltest.System().Root, pooltest.Double, actors.WithBreaker(b))
		assert.ErrorIs(t, err, messages.ErrInvalidOption, "%+v", b)
	}
}
