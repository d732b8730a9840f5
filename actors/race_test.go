package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
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

// A script says what each call of a handler does, in the order of the calls. The last entry
// stands for all that follow.
type script struct {
	calls   atomic.Int32
	ended   atomic.Int32 // contexts that have ended before their handler returned
	entries []scriptEntry
}

// A scriptEntry takes its time and then returns its error, or panics. After its time, the answer
// is the number of the call.
type scriptEntry struct {
	takes time.Duration
	err   error
	panic any
}

func (s *script) handle(ctx context.Context, _ string) (int, error) {
	n := int(s.calls.Add(1))
	e := s.entries[min(n, len(s.entries))-1]
	if _, err := pooltest.Sleep(ctx, e.takes); err != nil {
		s.ended.Add(1)
		return 0, err
	}
	if e.panic != nil {
		panic(e.panic)
	}
	return n, e.err
}

// race starts a pool whose handler follows a script.
func race(t *testing.T, s *script, opts ...actors.Option) *actors.Pool[string, int] {
	t.Helper()
	return pooltest.Open(t, pooltest.System().Root, s.handle, opts...)
}

const never = 1000 * time.Hour

func TestScatteredTaskIsSettledByTheFirstSuccess(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{takes: never}, {takes: time.Minute}, {takes: time.Second}, {takes: never}}}
		pool := race(t, s, actors.WithSize(4), actors.WithDispatch(router.ScatterGather(time.Hour)))
		start := time.Now()
		_, err := pool.Ask(t.Context(), "task")
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(start))
		synctest.Wait()
		stats := pool.Stats()
		assert.EqualValues(t, 4, s.calls.Load(), "every worker runs it")
		assert.EqualValues(t, 3, s.ended.Load(), "the others are canceled")
		assert.EqualValues(t, 1, stats.Submitted)
		assert.EqualValues(t, 1, stats.Succeeded)
		assert.EqualValues(t, 3, stats.Copies)
		assert.Zero(t, stats.Busy)
	})
}

func TestFailedScatterHasTheFirstErrorAndOneAttempt(t *testing.T) {
	for name, entries := range map[string][]scriptEntry{
		"at home first": {{time.Second, errors.New("first"), nil}, {2 * time.Second, errors.New("second"), nil}},
		"at home last":  {{3 * time.Second, errors.New("third"), nil}, {time.Second, errors.New("first"), nil}, {2 * time.Second, errors.New("second"), nil}},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				s := &script{entries: entries}
				pool := race(t, s, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Hour)))
				f, err := pool.Submit(t.Context(), "task")
				require.NoError(t, err)
				_, err = f.Wait(t.Context())
				require.EqualError(t, err, "first")
				result, _ := f.Result()
				assert.Equal(t, 1, result.Attempts)
				synctest.Wait()
				stats := pool.Stats()
				assert.EqualValues(t, 1, stats.Submitted)
				assert.EqualValues(t, 1, stats.Failed)
				assert.EqualValues(t, 2, stats.Copies)
			})
		})
	}
}

func TestPanicAtHomeLeavesTheTaskToItsCopies(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{panic: "home"}, {takes: time.Second}}}
		pool := race(t, s, actors.WithSize(2), actors.WithDispatch(router.ScatterGather(time.Hour)))
		f, err := pool.Submit(t.Context(), "task")
		require.NoError(t, err)
		synctest.Wait()
		stats := pool.Stats()
		assert.EqualValues(t, 1, stats.Running, "it waits for its copy")
		assert.True(t, stats.Balanced())
		out, err := f.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, out)
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Restarts)
	})
}

func TestTaskWhoseCopiesAllPanicHasPanicked(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{panic: "first"}, {takes: time.Second, panic: "second"}}}
		pool := race(t, s, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Hour)))
		_, err := pool.Ask(t.Context(), "task")
		crash := new(messages.PanicError)
		require.ErrorAs(t, err, &crash)
		assert.Equal(t, "first", crash.Value)
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Panicked)
	})
}

func TestScatterIsRetriedWhenAllHaveFailed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fails := scriptEntry{takes: time.Second, err: pooltest.ErrTask}
		s := &script{entries: []scriptEntry{fails, fails, fails, {}}}
		pool := race(t, s, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Hour)),
			actors.WithRetry(actors.Retry{Attempts: 2, Min: time.Minute, Max: time.Minute}))
		f, err := pool.Submit(t.Context(), "task")
		require.NoError(t, err)
		_, err = f.Wait(t.Context())
		require.NoError(t, err)
		result, _ := f.Result()
		assert.Equal(t, 2, result.Attempts)
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Retries)
	})
}

func TestScatterThatTakesTooLongTimesOut(t *testing.T) {
	for name, entries := range map[string][]scriptEntry{
		"in hand":            {{takes: never}},
		"failed at home":     {{err: pooltest.ErrTask}, {takes: never}},
		"one copy has ended": {{takes: never}, {err: pooltest.ErrTask}, {takes: never}},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				s := &script{entries: entries}
				pool := race(t, s, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Minute)))
				start := time.Now()
				_, err := pool.Ask(t.Context(), "task", actors.Timeout(time.Hour))
				require.ErrorIs(t, err, messages.ErrTaskTimeout)
				assert.Equal(t, time.Minute, time.Since(start))
				synctest.Wait()
				stats := pool.Stats()
				assert.EqualValues(t, 1, stats.TimedOut)
				assert.Zero(t, stats.Busy, "all handlers have seen the end of their contexts")
			})
		})
	}
}

func TestEndOfAScatteredTaskCancelsItsCopies(t *testing.T) {
	for name, end := range map[string]func(*actors.Pool[string, int], *actors.Future[int]){
		"canceled": func(_ *actors.Pool[string, int], f *actors.Future[int]) { f.Cancel() },
		"closed":   func(pool *actors.Pool[string, int], _ *actors.Future[int]) { pool.Close() },
	} {
		for _, failed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/failed at home=%v", name, failed), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					s := &script{entries: []scriptEntry{{takes: never}}}
					if failed {
						s.entries = []scriptEntry{{err: pooltest.ErrTask}, {takes: never}}
					}
					pool := race(t, s, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(never)))
					f, err := pool.Submit(t.Context(), "task")
					require.NoError(t, err)
					synctest.Wait()
					end(pool, f)
					_, err = f.Wait(t.Context())
					require.ErrorIs(t, err, messages.ErrCanceled)
					synctest.Wait()
					stats := pool.Stats()
					assert.EqualValues(t, 1, stats.Canceled)
					assert.Zero(t, stats.Running)
					assert.Zero(t, stats.Busy)
				})
			})
		}
	}
}

func TestDrainWaitsForTheCopiesOfAFailedTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{err: pooltest.ErrTask}, {takes: time.Minute}}}
		pool := race(t, s, actors.WithSize(2), actors.WithDispatch(router.ScatterGather(time.Hour)))
		f, err := pool.Submit(t.Context(), "task")
		require.NoError(t, err)
		synctest.Wait()
		start := time.Now()
		_, err = pool.Shutdown(t.Context())
		require.NoError(t, err)
		assert.Equal(t, time.Minute, time.Since(start))
		out, err := f.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, out)
	})
}

func TestShrinkingLosesCopiesThatHaveNotBegun(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		gate := make(chan struct{})
		handler := func(ctx context.Context, s string) (int, error) {
			if s == "busy" {
				<-gate
				return 0, nil
			}
			return 0, pooltest.ErrTask
		}
		pool := pooltest.Open(t, pooltest.System().Root, handler, actors.WithSize(2), actors.WithDispatch(router.ScatterGather(never)))
		busy, err := pool.Submit(t.Context(), "busy")
		require.NoError(t, err)
		synctest.Wait() // both workers are busy with it
		task, err := pool.Submit(t.Context(), "task")
		require.NoError(t, err)
		require.NoError(t, pool.Resize(t.Context(), 1))
		close(gate)
		_, err = busy.Wait(t.Context())
		require.NoError(t, err)
		_, err = task.Wait(t.Context())
		require.ErrorIs(t, err, pooltest.ErrTask)
	})
}

func TestTailIsChoppedAfterEachInterval(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{takes: never}, {takes: never}, {takes: 10 * time.Second}, {takes: never}}}
		pool := race(t, s, actors.WithSize(8), actors.WithDispatch(router.TailChopping(time.Minute, time.Hour)))
		f, err := pool.Submit(t.Context(), "task")
		require.NoError(t, err)
		var begun []int32
		for range 3 {
			synctest.Wait()
			begun = append(begun, s.calls.Load())
			time.Sleep(time.Minute)
		}
		out, err := f.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 3, out)
		assert.Equal(t, []int32{1, 2, 3}, begun)
		time.Sleep(time.Hour)
		assert.EqualValues(t, 3, s.calls.Load(), "no further copy after the first success")
	})
}

func TestTailChoppingGoesOnAtOnceAfterAFailure(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{err: errors.New("first")}, {err: pooltest.ErrTask}, {}}}
		pool := race(t, s, actors.WithSize(3), actors.WithDispatch(router.TailChopping(time.Minute, time.Hour)))
		start := time.Now()
		out, err := pool.Ask(t.Context(), "task")
		require.NoError(t, err)
		assert.Equal(t, 3, out)
		assert.Zero(t, time.Since(start))

		s.entries = s.entries[:2]
		s.calls.Store(0)
		_, err = pool.Ask(t.Context(), "task")
		require.EqualError(t, err, "first", "every worker has failed")
		assert.EqualValues(t, 3, s.calls.Load())
	})
}

func TestHedgeStartsForIdempotentTasksOnly(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{takes: time.Hour}, {takes: time.Second}}}
		pool := race(t, s, actors.WithSize(2), actors.WithHedge(time.Minute))
		out, err := pool.Ask(t.Context(), "task")
		require.NoError(t, err)
		assert.Equal(t, 1, out)

		s.calls.Store(0)
		start := time.Now()
		out, err = pool.Ask(t.Context(), "task", actors.Idempotent())
		require.NoError(t, err)
		assert.Equal(t, 2, out, "the answer is that of the hedge")
		assert.Equal(t, time.Minute+time.Second, time.Since(start))
		synctest.Wait()
		stats := pool.Stats()
		assert.EqualValues(t, 2, stats.Submitted)
		assert.EqualValues(t, 1, stats.Copies)
		assert.EqualValues(t, 1, s.ended.Load(), "the first attempt is canceled")
	})
}

func TestHedgeWaitsForAnIdleWorker(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				s := &script{entries: []scriptEntry{{takes: time.Hour}, {takes: 150 * time.Second}, {}}}
				pool := race(t, s, actors.WithSize(2), actors.WithDispatch(dispatch), actors.WithHedge(time.Minute))
				task, err := pool.Submit(t.Context(), "task", actors.Idempotent())
				require.NoError(t, err)
				synctest.Wait()
				_, err = pool.Submit(t.Context(), "other")
				require.NoError(t, err)
				start := time.Now()
				out, err := task.Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 3, out)
				assert.Equal(t, 3*time.Minute, time.Since(start))
			})
		})
	}
}

func TestHedgedTaskFailsWithTheFirstError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := &script{entries: []scriptEntry{{takes: 2 * time.Minute, err: errors.New("second")}, {takes: time.Second, err: errors.New("first")}}}
		pool := race(t, s, actors.WithSize(2), actors.WithHedge(time.Minute))
		_, err := pool.Ask(t.Context(), "task", actors.Idempotent())
		require.EqualError(t, err, "first")

		s.calls.Store(0)
		s.entries = []scriptEntry{{err: pooltest.ErrTask}}
		_, err = pool.Ask(t.Context(), "task", actors.Idempotent())
		require.ErrorIs(t, err, pooltest.ErrTask)
		assert.EqualValues(t, 1, s.calls.Load(), "a task that fails before is not hedged")
	})
}

func TestEveryWayToSubmitGetsTheAnswerOfACopy(t *testing.T) {
	for _, ahead := range []bool{true, false} { // whether the first call is the faster one
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var calls atomic.Int32
				handler := func(ctx context.Context, n int) (int, error) {
					first := calls.Add(1)%2 == 1
					if first != ahead {
						if _, err := pooltest.Sleep(ctx, time.Second); err != nil {
							return 0, err
						}
					}
					if _, err := pooltest.Sleep(ctx, time.Second); err != nil {
						return 0, err
					}
					return 2 * n, nil
				}
				system := pooltest.System()
				pool := pooltest.Open(t, system.Root, handler, actors.WithSize(2), actors.WithDispatch(router.ScatterGather(time.Hour)))
				ctx := t.Context()

				out, err := pool.Ask(ctx, 1)
				require.NoError(t, err)
				assert.Equal(t, 2, out)

				f, err := pool.Submit(ctx, 2)
				require.NoError(t, err)
				out, err = f.Wait(ctx)
				require.NoError(t, err)
				assert.Equal(t, 4, out)
				result, settled := f.Result()
				assert.True(t, settled)
				assert.Equal(t, messages.Succeeded, result.Outcome)
				assert.Equal(t, 4, result.Value)

				for out, err := range pool.Map(ctx, slices.Values([]int{3})) {
					require.NoError(t, err)
					assert.Equal(t, 6, out)
				}
				for a := range pool.Each(ctx, slices.Values([]int{4})) {
					require.NoError(t, a.Err)
					assert.Equal(t, 8, a.Out)
					assert.Equal(t, 4, a.In)
				}
				group := pool.Group(ctx)
				require.NoError(t, group.Submit(5))
				for a := range group.Answers() {
					assert.Equal(t, 10, a.Out)
				}
				answer := pooltest.Result(t, system, pool.PID(), 6)
				assert.Equal(t, 12, answer.Value)
				require.NoError(t, pool.Tell(ctx, 7))
				require.NoError(t, pool.Wait(ctx))
				assert.EqualValues(t, 7, pool.Stats().Succeeded)
			})
		})
	}
}

func TestScatteredSenderGetsTheFirstAnswerOnly(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var order atomic.Int32
		pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Hour)))
		var letters atomic.Int32
		pool.System.EventStream.Subscribe(func(event any) {
			if _, ok := event.(*actor.DeadLetterEvent); ok {
				letters.Add(1)
			}
		})
		inbox := pooltest.NewInbox(t, pool.System.Root)
		inbox.Request(pool.PID, pooltest.Deed(func(ctx actor.Context) {
			n := order.Add(1)
			time.Sleep(time.Duration(4-n) * time.Second)
			ctx.Respond(n)
			time.Sleep(time.Minute)
		}))
		assert.EqualValues(t, 3, <-inbox.Mail)
		time.Sleep(time.Hour)
		assert.True(t, inbox.Empty())
		assert.EqualValues(t, 2, letters.Load())
		stats := pool.Stats()
		assert.EqualValues(t, 1, stats.Submitted)
		assert.EqualValues(t, 1, stats.Succeeded)
	})
}

func TestScatteredActorsMayHoldTheirCopies(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Hour)))
		inbox := pooltest.NewInbox(t, pool.System.Root)
		var order atomic.Int32
		var ended atomic.Int32
		inbox.Request(pool.PID, pooltest.Deed(func(ctx actor.Context) {
			n, h := order.Add(1), actors.Hold(ctx)
			context.AfterFunc(h.Context(), func() { ended.Add(1) })
			sender, self := ctx.Sender(), ctx.Self()
			time.AfterFunc(time.Duration(n)*time.Second, func() {
				pool.System.Root.Send(self, pooltest.Deed(func(ctx actor.Context) {
					if n == 1 {
						h.Done(pooltest.ErrTask)
						return
					}
					if h.Context().Err() != nil { // another has answered
						return
					}
					ctx.Send(sender, n)
					h.Done(nil)
				}))
			})
		}))
		assert.EqualValues(t, 2, <-inbox.Mail)
		time.Sleep(time.Minute)
		assert.True(t, inbox.Empty())
		assert.EqualValues(t, 3, ended.Load())
		stats := pool.Stats()
		assert.EqualValues(t, 1, stats.Submitted)
		assert.EqualValues(t, 1, stats.Succeeded)
		assert.Zero(t, stats.Busy)
	})
}

func TestErrorResponsesOfCopiesAreFailures(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithDispatch(router.ScatterGather(time.Hour)), actors.WithErrorResponses())
		inbox := pooltest.NewInbox(t, pool.System.Root)
		var order atomic.Int32
		respond := func(answers ...any) pooltest.Deed {
			order.Store(0)
			return func(ctx actor.Context) {
				n := order.Add(1)
				time.Sleep(time.Duration(n) * time.Second)
				ctx.Respond(answers[n-1])
			}
		}
		first := errors.New("first")
		assert.Equal(t, "answer", inbox.Ask(pool.PID, respond(first, pooltest.ErrTask, "answer")))
		synctest.Wait()
		assert.Equal(t, first, inbox.Ask(pool.PID, respond(first, pooltest.ErrTask, pooltest.ErrTask)))
		synctest.Wait()
		stats := pool.Stats()
		assert.EqualValues(t, 1, stats.Succeeded)
		assert.EqualValues(t, 1, stats.Failed)
		assert.True(t, inbox.Empty())
	})
}

func TestBadOptionsOfCopiesAreErrors(t *testing.T) {
	handler := pooltest.Echo[int]
	for name, opts := range map[string][]actors.Option{
		"scatter without time":    {actors.WithDispatch(router.ScatterGather(0))},
		"chopping without time":   {actors.WithDispatch(router.TailChopping(time.Second, 0))},
		"chopping at no interval": {actors.WithDispatch(router.TailChopping(0, time.Second))},
		"hedge at once":           {actors.WithHedge(0)},
		"hedge and scatter":       {actors.WithHedge(time.Second), actors.WithDispatch(router.ScatterGather(time.Second))},
	} {
		_, err := actors.NewPool[int, int](nil, handler, opts...)
		require.ErrorIs(t, err, messages.ErrInvalidOption, name)
	}
	system := pooltest.System()
	defer system.Shutdown()
	_, err := system.Root.SpawnNamed(actors.PropsFromProducer(func() actor.Actor { return nil }, actors.WithHedge(time.Second)), "pool")
	require.ErrorIs(t, err, messages.ErrInvalidOption)
}

// A copy that is held at the moment when its race ends must not stop the pool.
func TestRacesThatEndWhileCopiesAreHeldStopNobody(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	worker := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(int); ok {
				held := actors.Hold(ctx)
				ctx.Respond("answer")
				go held.Done(nil)
			}
		})
	}
	pool := pooltest.Spawn(t, system.Root, actors.PropsFromProducer(worker, actors.WithSize(8), actors.WithMaxHeld(100),
		actors.WithDispatch(router.TailChopping(time.Microsecond, time.Minute))))
	for n := range 2_000 {
		answer, err := system.Root.RequestFuture(pool, n, time.Minute).Result()
		require.NoError(t, err)
		require.Equal(t, "answer", answer)
	}
	assert.True(t, pooltest.Stats(t, system, pool).Balanced())
}
