package actors_test

import (
	"context"
	"errors"
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
)

// hostilePolicies are what Retry.On may do instead of returning.
func hostilePolicies() map[string]func(error) bool {
	return map[string]func(error) bool{
		"panic":  func(error) bool { panic("On") },
		"Goexit": func(error) bool { runtime.Goexit(); return true },
	}
}

func TestAPolicyThatFailsCostsARacedTaskOnly(t *testing.T) {
	for name, on := range hostilePolicies() {
		for _, dispatch := range []router.Dispatch{router.ScatterGather(time.Hour), router.TailChopping(time.Minute, time.Hour)} {
			t.Run(name+" "+dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					fails := scriptEntry{takes: time.Second, err: pooltest.ErrTask}
					s := &script{entries: []scriptEntry{fails, fails, fails, {}}}
					pool := race(t, s, actors.WithSize(3), actors.WithDispatch(dispatch), actors.WithRetry(actors.Retry{Attempts: 2, On: on}))
					_, err := pool.Ask(t.Context(), "task")
					require.ErrorAs(t, err, new(*messages.PanicError))
					out, err := pool.Ask(t.Context(), "another")
					require.NoError(t, err)
					assert.Positive(t, out)
				})
			})
		}
	}
}

func TestAPolicyThatFailsCostsAHeldTaskOnly(t *testing.T) {
	for name, on := range hostilePolicies() {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithRetry(actors.Retry{Attempts: 2, On: on}))
				inbox := pooltest.NewInbox(t, pool.System.Root)
				answer := inbox.Result(t, pool.PID, pooltest.Deed(func(ctx actor.Context) {
					h := actors.Hold(ctx)
					time.AfterFunc(time.Second, func() { h.Done(pooltest.ErrTask) })
				}))
				assert.Equal(t, messages.Panicked, answer.Outcome)
				synctest.Wait()
				assert.Zero(t, pool.Stats().Busy)
			})
		})
	}
}

// A goexitProcess ends the goroutine of whoever sends it a message.
type goexitProcess struct{}

func (goexitProcess) SendUserMessage(*actor.PID, any)   { runtime.Goexit() }
func (goexitProcess) SendSystemMessage(*actor.PID, any) {}
func (goexitProcess) Stop(*actor.PID)                   {}

func TestARouteeThatEndsGoroutinesCostsItsTasksOnly(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system := pooltest.System()
				routee, ok := system.ProcessRegistry.Add(goexitProcess{}, "routee")
				require.True(t, ok)
				pool := pooltest.Spawn(t, system.Root, actors.PropsFromRoutees([]*actor.PID{routee}, actors.WithDispatch(dispatch),
					actors.WithRetry(actors.Retry{Attempts: 3, Panics: true})))
				inbox := pooltest.NewInbox(t, system.Root)
				for range 3 {
					answer := inbox.Result(t, pool, "task")
					require.ErrorIs(t, answer.Err, messages.ErrGoexit)
					assert.Equal(t, 3, answer.Attempts)
				}
				system.Root.Send(pool, "nobody waits")
				synctest.Wait()
				stats := inbox.Stats(t, pool)
				assert.EqualValues(t, 4, stats.Panicked)
				assert.Zero(t, stats.Restarts)
			})
		})
	}
}

func TestAWorkerMakesItsStateBeforeACopy(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var calls atomic.Int32
		produce := func(context.Context) (actors.Worker[int, int], error) { return copier{&calls}, nil }
		pool, err := actors.NewPoolOf(pooltest.System().Root, produce, actors.WithSize(2), actors.WithIdleTimeout(time.Minute),
			actors.WithDispatch(router.TailChopping(time.Second, time.Hour)))
		require.NoError(t, err)
		defer func() { pool.Close(); <-pool.Done() }()
		time.Sleep(time.Hour) // both states are closed
		out, err := pool.Ask(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, 7, out)
		synctest.Wait()
		assert.Zero(t, pool.Stats().Restarts)
	})
}

// A copier succeeds at every second call.
type copier struct{ calls *atomic.Int32 }

func (c copier) Handle(ctx context.Context, n int) (int, error) {
	if c.calls.Add(1)%2 == 1 {
		<-ctx.Done()
		return 0, context.Cause(ctx)
	}
	return n, nil
}

func TestACopyThatAnswersAndFailsHasAnswered(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(2), actors.WithDispatch(router.ScatterGather(time.Hour)))
		inbox := pooltest.NewInbox(t, pool.System.Root)
		var calls atomic.Int32
		inbox.Request(pool.PID, pooltest.Deed(func(ctx actor.Context) {
			if calls.Add(1) == 1 {
				actors.Fail(ctx, errors.New("first"))
				return
			}
			time.Sleep(time.Second)
			ctx.Respond("answer")
			actors.Fail(ctx, errors.New("second"))
		}))
		assert.Equal(t, "answer", <-inbox.Mail)
		time.Sleep(time.Minute)
		assert.True(t, inbox.Empty())
		assert.EqualValues(t, 1, pool.Stats().Failed)
	})
}

func TestARestartDuringARaceLeavesTheTaskToARetry(t *testing.T) {
	for name, restarted := range map[string]int32{"at home": 1, "of a copy": 2} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.StartActors(t, actors.WithSize(2), actors.WithDispatch(router.TailChopping(time.Second, time.Hour)),
					actors.WithRetry(actors.Retry{Attempts: 3}))
				inbox := pooltest.NewInbox(t, pool.System.Root)
				var calls atomic.Int32
				inbox.Request(pool.PID, pooltest.Deed(func(ctx actor.Context) {
					call := calls.Add(1)
					if call > 2 {
						ctx.Respond("retried")
						return
					}
					held, self := actors.Hold(ctx), ctx.Self()
					time.AfterFunc(time.Minute, func() {
						if call == restarted {
							pool.System.Root.Send(self, pooltest.Fail("crash"))
						} else {
							time.AfterFunc(time.Minute, func() { held.Done(pooltest.ErrTask) })
						}
					})
				}))
				assert.Equal(t, "retried", <-inbox.Mail)
				assert.EqualValues(t, 1, pool.Stats().Restarts)
			})
		})
	}
}

func TestTheFirstFailureCountsWhateverItNames(t *testing.T) {
	named := actors.WithOutcome(messages.Dropped, errors.New("first"))
	for name, entries := range map[string][]scriptEntry{
		"at home": {{takes: time.Second, err: named}, {takes: time.Minute, err: pooltest.ErrTask}},
		"a copy":  {{takes: time.Minute, err: pooltest.ErrTask}, {takes: time.Second, err: named}},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				s := &script{entries: entries}
				pool := race(t, s, actors.WithSize(2), actors.WithDispatch(router.ScatterGather(time.Hour)))
				f, err := pool.Submit(t.Context(), "task")
				require.NoError(t, err)
				_, err = f.Wait(t.Context())
				require.ErrorIs(t, err, messages.ErrDropped)
				outcome, _ := f.Outcome()
				assert.Equal(t, messages.Dropped, outcome)
			})
		})
	}
}

func TestANamedOutcomeAtHomeLeavesTheTaskToItsCopies(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{err: actors.WithOutcome(messages.Dropped, pooltest.ErrTask)}, {takes: time.Second}}}
		pool := race(t, s, actors.WithSize(2), actors.WithDispatch(router.ScatterGather(time.Hour)))
		out, err := pool.Ask(t.Context(), "task")
		require.NoError(t, err)
		assert.Equal(t, 2, out)
	})
}

func TestOnlyOneOfTheHeldCopiesAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		slow := pooltest.Spawn(t, system.Root, actor.PropsFromFunc(func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				time.Sleep(time.Second)
				ctx.Respond(n)
			}
		}))
		worker := func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				held := actors.Hold(ctx)
				ctx.ReenterAfter(ctx.RequestFuture(slow, n, time.Minute), func(answer any, err error) {
					ctx.Respond(answer)
					held.Done(err)
				})
			}
		}
		pool := pooltest.Spawn(t, system.Root, actors.PropsFromProducer(func() actor.Actor { return actor.ReceiveFunc(worker) },
			actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Hour))))
		inbox := pooltest.NewInbox(t, system.Root)
		for n := range 5 {
			assert.Equal(t, n, inbox.Ask(pool, n))
			time.Sleep(time.Minute)
			assert.True(t, inbox.Empty(), "the others do not answer")
		}
		assert.EqualValues(t, 5, inbox.Stats(t, pool).Succeeded)
	})
}
