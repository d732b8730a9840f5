package actors_test

import (
	"context"
	"errors"
	"math"
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

// These tests state that what a pool does about faults is not itself a weak spot:
// each is an attack that once succeeded.

// exits is an error whose text ends the goroutine of whoever asks for it.
type exits struct{}

func (exits) Error() string { runtime.Goexit(); return "" }

func TestAnErrorWithoutATextIsQuarantinedLikeAnyOther(t *testing.T) {
	for name, handler := range map[string]func(context.Context, int) (int, error){
		"panic": func(context.Context, int) (int, error) { panic(exits{}) },
		"error": func(context.Context, int) (int, error) { return 0, exits{} },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, handler, actors.WithSize(1),
					actors.WithRetry(actors.Retry{Attempts: 2, On: actors.AnyError, Panics: true}),
					actors.WithQuarantine(actors.Quarantine{Crashes: 2, Exhausted: true}))
				future, err := pool.Submit(t.Context(), 1)
				require.NoError(t, err)
				<-future.Done()
				assert.EqualValues(t, 1, pool.Stats().Quarantined)
			})
		})
	}
}

func TestHugeDelaysAreForEverAndDisturbNoOther(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d < 0 {
				return 0, messages.RetryAfter(math.MaxInt64)
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(3), actors.WithRetry(actors.Retry{Attempts: 9, Min: 1, Max: math.MaxInt64, Jitter: 1}),
			actors.WithWatchdog(actors.Watchdog{Grace: math.MaxInt64}),
			actors.WithBreaker(actors.Breaker{Failures: 1, Cooldown: math.MaxInt64}),
			actors.WithSupervision(supervisor.Backoff{Min: math.MaxInt64, Max: math.MaxInt64}))
		never, err := pool.Submit(t.Context(), -1)
		require.NoError(t, err)
		synctest.Wait()
		for range 3 {
			began := time.Now()
			_, err = pool.Ask(t.Context(), time.Hour, actors.Timeout(time.Second))
			require.ErrorIs(t, err, messages.ErrTaskTimeout)
			assert.Equal(t, time.Second, time.Since(began))
		}
		never.Cancel()
		_, err = never.Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrCanceled)
	})
}

func TestAHostileCustomDispatchDoesNotBlockARequeue(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		var worst atomic.Bool
		pool := pooltest.Open(t, root, newPoison().handle, actors.WithSize(2), quarantine(1, 0), actors.WithDispatch(router.Custom(
			func(router.TaskView, router.Workers) int {
				if worst.Load() {
					runtime.Goexit()
				}
				return 0
			})))
		_, err := pool.Ask(t.Context(), -1)
		require.ErrorIs(t, err, messages.ErrQuarantined)
		worst.Store(true)
		in.Request(pool.PID(), &messages.Requeue{Numbers: []int64{1}})
		synctest.Wait()
		worst.Store(false)
		require.NoError(t, pool.Resize(t.Context(), 3))
		assert.Equal(t, 1, pool.DeleteQuarantined(1), "it can still be had")
	})
}

func TestAnAbandonedActorMayFailInStopped(t *testing.T) {
	for name, fails := range map[string]func(){"panic": func() { panic("farewell") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				release := make(chan struct{})
				var stuck atomic.Bool
				pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
					return actor.ReceiveFunc(func(ctx actor.Context) {
						if _, ok := ctx.Message().(*messages.Task); ok {
							stuck.Store(true)
							<-release
							ctx.Send(ctx.Parent(), "a message of an abandoned actor")
						}
					})
				}, actors.WithSize(1), watchdog(time.Second, 1), actors.WithWorkerProps(actor.WithReceiverMiddleware(
					func(next actor.ReceiverFunc) actor.ReceiverFunc {
						return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
							if _, ok := envelope.Message.(*actor.Stopping); ok && stuck.Load() {
								stuck.Store(false)
								fails()
							}
							next(ctx, envelope)
						}
					}))))
				root.Send(pool, &messages.Task{Timeout: time.Second})
				time.Sleep(time.Minute)
				close(release)
				synctest.Wait()
				in := pooltest.NewInbox(t, root)
				assert.Zero(t, in.Stats(t, pool).Abandoned)
			})
		})
	}
}

// One slow task must not have all others refused, for ever.
func TestTheDeadlineCheckRecoversFromASlowTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithDeadlineCheck())
		_, err := pool.Ask(t.Context(), time.Hour)
		require.NoError(t, err)
		for range 3 {
			synctest.Wait() // the worker is free a moment after the answer
			_, err = pool.Ask(t.Context(), time.Millisecond, actors.Timeout(time.Second))
			require.NoError(t, err, "a free worker tries it")
		}
	})
}

// A poisonous task that is retried many times does not cost the pool its workers.
func TestAPoisonousTaskDoesNotEmptyThePool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		stops := supervisor.Decider(func(error) actor.Directive { return actor.StopDirective })
		pool := pooltest.Open(t, root, newPoison().handle, actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(stops)),
			actors.WithRetry(actors.Retry{Attempts: 50, Panics: true}))
		_, err := pool.Ask(t.Context(), -1)
		require.Error(t, err)
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [3]int64{2, 0, 50}, [3]int64{int64(stats.Size), int64(stats.Lost), stats.Replaced})
	})
}

func TestANewWorkerTakesOverFromOneThatWaitsForItsRestart(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(1), actors.WithDispatch(router.RoundRobin()),
			actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
		_, err := pool.Ask(t.Context(), -1)
		require.ErrorIs(t, err, pooltest.ErrTask)
		synctest.Wait()
		waits, err := pool.Submit(t.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, pool.Resize(t.Context(), 2))
		began := time.Now()
		_, err = waits.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(began))
		require.NoError(t, pool.Resize(t.Context(), 1))
		began = time.Now()
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(began), "the one that is of no use was the one to go")
	})
}

func TestAFailedResizeLeavesTheQueueToWorkersThatAreToCome(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		var panics atomic.Bool
		stops := supervisor.Decider(func(error) actor.Directive { return actor.StopDirective })
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			if panics.Load() {
				panic("no worker today")
			}
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if n, ok := ctx.Message().(int); ok {
					if n < 0 {
						panic(n)
					}
					ctx.Respond(n)
				}
			})
		}, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(stops, supervisor.Backoff{Min: time.Second, Max: time.Minute}))))
		panics.Store(true)
		assert.Equal(t, messages.Panicked, in.Result(t, pool, -1).Outcome)
		in.Request(pool, 5)
		synctest.Wait()
		require.Error(t, in.Result(t, pool, &messages.Resize{Size: 2}).Err)
		panics.Store(false)
		assert.Equal(t, 5, <-in.Mail)
	})
}

// A task that waits for its retry may be queued behind one that waits for it.
func TestAWaitForARetryThatCannotComeFails(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			switch {
			case n == 0:
				f, err := pool.Submit(ctx, 1, actors.Key("other"))
				if err != nil {
					return 0, err
				}
				return f.Wait(ctx)
			case actors.Attempt(ctx) == 1:
				return 0, pooltest.ErrTask
			}
			return n, nil
		}, actors.WithSize(2), actors.WithDispatch(router.ConsistentHash()), retry(),
			actors.WithSupervision(supervisor.OneForOne()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for _, key := range []string{"other", "a", "b", "c", "d"} {
			_, err := pool.Ask(ctx, 0, actors.Key(key))
			assert.True(t, err == nil || errors.Is(err, messages.ErrDeadlock), "%v", err)
		}
	})
}

// A retried task stays behind those of its key that have been queued
// meanwhile, also when the workers change.
func TestARetryHasLostItsPlace(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n == 0 && actors.Attempt(ctx) == 1 {
				return 0, pooltest.ErrTask
			}
			return g.Handle(ctx, n)
		}, actors.WithSize(1), actors.WithDispatch(router.ConsistentHash()), retry())
		for n := range 4 {
			require.NoError(t, pool.Tell(t.Context(), n, actors.Key("k")))
		}
		time.Sleep(time.Minute)
		require.NoError(t, pool.Resize(t.Context(), 5))
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int{1, 2, 3, 0}, g.Order())
	})
}

func TestABroadcastTaskOfALeavingWorkerIsDroppedWithAResult(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, pooltest.Double, actors.WithSize(3))
		pool.Pause()
		in.Request(pool.PID(), &messages.Broadcast{Message: 1})
		synctest.Wait()
		require.NoError(t, pool.Resize(t.Context(), 1))
		for range 2 {
			assert.Equal(t, messages.Dropped, (<-in.Mail).(*messages.Result).Outcome)
		}
		pool.Resume()
		assert.Equal(t, messages.Succeeded, (<-in.Mail).(*messages.Result).Outcome)
	})
}

// A worker that is leaving may be the last to have a task, when no other will come.
func TestATaskIsSettledAtOnceIfNoWorkerIsLeftToRetryIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n < 0 {
				panic(pooltest.ErrTask)
			}
			_, _ = pooltest.Sleep(ctx, time.Minute)
			return 0, pooltest.ErrTask
		}, actors.WithSize(2), retry(), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))),
			actors.WithDispatch(router.Custom(func(_ router.TaskView, workers router.Workers) int { return workers.Len() - 1 })))
		future, err := pool.Submit(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, pool.Resize(t.Context(), 1)) // the one that has the task leaves
		_, err = pool.Ask(t.Context(), -1)
		require.ErrorIs(t, err, pooltest.ErrTask)
		synctest.Wait()
		require.Zero(t, pool.Stats().Size)
		began := time.Now()
		_, err = future.Wait(t.Context())
		assert.Equal(t, messages.Failed, pooltest.OutcomeOf(err), "%v", err)
		assert.Equal(t, time.Minute, time.Since(began))
	})
}
