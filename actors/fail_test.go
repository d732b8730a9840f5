package actors_test

import (
	"errors"
	"fmt"
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
)

// failureWays are the ways in which a worker makes its task fail with an error.
func failureWays() map[string]func(ctx actor.Context, err error) {
	return map[string]func(ctx actor.Context, err error){
		"Fail":                actors.Fail,
		"Done during Receive": func(ctx actor.Context, err error) { actors.Hold(ctx).Done(err) },
		"Done": func(ctx actor.Context, err error) {
			held := actors.Hold(ctx)
			time.AfterFunc(time.Millisecond, func() { held.Done(err) })
		},
	}
}

// failsInEachWay runs a test for each way to fail a task.
func failsInEachWay(t *testing.T, test func(t *testing.T, fail func(ctx actor.Context, err error))) {
	t.Helper()
	for name, fail := range failureWays() {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) { test(t, fail) })
		})
	}
}

func TestAFailedTaskIsReportedToItsSender(t *testing.T) {
	failsInEachWay(t, func(t *testing.T, fail func(ctx actor.Context, err error)) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		in := pooltest.NewInbox(t, a.System.Root)
		result := in.Result(t, a.PID, pooltest.Deed(func(ctx actor.Context) { fail(ctx, pooltest.ErrTask) }))
		assert.Equal(t, pooltest.ErrTask, result.Err)
		assert.Equal(t, messages.Failed, result.Outcome)
		assert.Equal(t, 1, result.Attempts)
		assert.True(t, in.Empty())
		stats := a.Stats()
		assert.Equal(t, "1 failed", pooltest.Ledger(stats))
		assert.EqualValues(t, 1, stats.Workers[0].Failed)
		assert.Zero(t, stats.Restarts)
		assert.Equal(t, 1, a.Born(), "the worker has not failed")
	})
}

func TestFailWithoutAnErrorDoesNothing(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		a.Do(func(ctx actor.Context) { actors.Fail(ctx, nil) })
		assert.Equal(t, "1 succeeded", pooltest.Ledger(a.Stats()))
	})
}

func TestTheFirstFailureCounts(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		in := pooltest.NewInbox(t, a.System.Root)
		assert.Equal(t, pooltest.ErrTask, in.Result(t, a.PID, pooltest.Deed(func(ctx actor.Context) {
			actors.Fail(ctx, pooltest.ErrTask)
			actors.Fail(ctx, errors.New("the second"))
			actors.Hold(ctx).Done(errors.New("the third"))
		})).Err)
	})
}

func TestAFailureBelongsToOneTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		a.Do(func(ctx actor.Context) { actors.Fail(ctx, pooltest.ErrTask) })
		a.Do(func(actor.Context) {})
		assert.Equal(t, "1 succeeded, 1 failed", pooltest.Ledger(a.Stats()))
	})
}

func TestAFailureOverridesAHold(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		var held *actors.Held
		a.Do(func(ctx actor.Context) {
			held = actors.Hold(ctx)
			actors.Fail(ctx, pooltest.ErrTask)
		})
		assert.Equal(t, "1 failed", pooltest.Ledger(a.Stats()))
		assert.Error(t, held.Context().Err())
		held.Done(nil)
		assert.Equal(t, "1 failed", pooltest.Ledger(a.Stats()))
	})
}

func TestAPanicOverridesAFailure(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		a.Do(func(ctx actor.Context) {
			actors.Fail(ctx, errors.New("lost"))
			panic(pooltest.ErrTask)
		})
		assert.Equal(t, "1 panicked", pooltest.Ledger(a.Stats()))
	})
}

func TestAFailedTaskIsRetried(t *testing.T) {
	failsInEachWay(t, func(t *testing.T, fail func(ctx actor.Context, err error)) {
		a := pooltest.StartActors(t, actors.WithSize(2), retry())
		in := pooltest.NewInbox(t, a.System.Root)
		attempts := 0
		answer := in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) {
			if attempts++; attempts < 3 {
				fail(ctx, pooltest.ErrTask)
				return
			}
			ctx.Respond("third time lucky")
		}))
		assert.Equal(t, "third time lucky", answer)
		assert.True(t, in.Empty(), "nothing is told of the failures")
		stats := a.Stats()
		assert.Equal(t, "1 succeeded", pooltest.Ledger(stats))
		assert.EqualValues(t, 2, stats.Retries)

		result := in.Result(t, a.PID, pooltest.Deed(func(ctx actor.Context) { fail(ctx, pooltest.ErrTask) }))
		assert.ErrorIs(t, result.Err, pooltest.ErrTask)
		assert.Equal(t, 4, result.Attempts)
		assert.True(t, in.Empty())
	})
}

func TestARetryOfAFailedTaskIsNarrowedByOn(t *testing.T) {
	failsInEachWay(t, func(t *testing.T, fail func(ctx actor.Context, err error)) {
		a := pooltest.StartActors(t, actors.WithSize(1), retry(func(p *actors.Retry) {
			p.On = func(err error) bool { return errors.Is(err, pooltest.ErrTask) }
		}))
		in := pooltest.NewInbox(t, a.System.Root)
		for err, attempts := range map[error]int{
			fmt.Errorf("temporary: %w", pooltest.ErrTask): 4,
			errors.New("permanent"):                       1,
			messages.NoRetry(pooltest.ErrTask):            1,
			messages.ErrQueueFull:                         1,
		} {
			result := in.Result(t, a.PID, pooltest.Deed(func(ctx actor.Context) { fail(ctx, err) }))
			assert.Equal(t, attempts, result.Attempts, err)
		}
	})
}

func TestAFailureMayNameTheOutcome(t *testing.T) {
	failsInEachWay(t, func(t *testing.T, fail func(ctx actor.Context, err error)) {
		a := pooltest.StartActors(t, actors.WithSize(1), retry(), actors.WithQuarantine(actors.Quarantine{Exhausted: true}))
		in := pooltest.NewInbox(t, a.System.Root)
		for _, outcome := range []messages.Outcome{
			messages.Failed, messages.TimedOut, messages.Canceled, messages.Dropped, messages.Quarantined,
		} {
			result := in.Result(t, a.PID, pooltest.Deed(func(ctx actor.Context) {
				fail(ctx, actors.WithOutcome(outcome, pooltest.ErrTask))
			}))
			assert.Equal(t, outcome, result.Outcome)
			assert.ErrorIs(t, result.Err, pooltest.ErrTask)
			assert.Equal(t, 1, result.Attempts)
		}
		synctest.Wait()
		assert.Equal(t, "1 failed, 1 timed out, 1 canceled, 1 dropped, 1 quarantined", pooltest.Ledger(a.Stats()))
	})
}

func TestAFailedTaskIsQuarantinedAfterItsRetries(t *testing.T) {
	failsInEachWay(t, func(t *testing.T, fail func(ctx actor.Context, err error)) {
		a := pooltest.StartActors(t, actors.WithSize(1), retry(), actors.WithQuarantine(actors.Quarantine{Exhausted: true}))
		events := pooltest.Events[*messages.TaskQuarantined](t, a.System)
		in := pooltest.NewInbox(t, a.System.Root)
		result := in.Result(t, a.PID, pooltest.Deed(func(ctx actor.Context) { fail(ctx, pooltest.ErrTask) }))
		assert.Equal(t, messages.Quarantined, result.Outcome)
		assert.ErrorIs(t, result.Err, pooltest.ErrTask)
		synctest.Wait()
		assert.Equal(t, "1 quarantined", pooltest.Ledger(a.Stats()))
		require.Len(t, events, 1)
		assert.Equal(t, 4, (<-events).Attempts)
	})
}

func TestAfterAnAnswerAFailureTellsTheSenderNothing(t *testing.T) {
	ways := failureWays()
	ways["panic"] = func(_ actor.Context, err error) { panic(err) }
	ways["panic after Hold"] = func(ctx actor.Context, err error) { actors.Hold(ctx); panic(err) }
	ways["Hold, then timeout"] = func(ctx actor.Context, _ error) { actors.Hold(ctx) }
	for name, fail := range ways {
		for option, options := range map[string][]actors.Option{
			"once":         {actors.WithTaskTimeout(time.Hour)},
			"retry":        {actors.WithTaskTimeout(time.Hour), retry(panics)},
			"quarantine":   {actors.WithTaskTimeout(time.Hour), actors.WithQuarantine(actors.Quarantine{Crashes: 1})},
			"error answer": {actors.WithTaskTimeout(time.Hour), actors.WithErrorResponses()},
		} {
			t.Run(name+"/"+option, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					a := pooltest.StartActors(t, append(options, actors.WithSize(1))...)
					in := pooltest.NewInbox(t, a.System.Root)
					first := true
					assert.Equal(t, "answer", in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) {
						if first {
							first = false
							ctx.Respond("answer")
						}
						fail(ctx, pooltest.ErrTask)
					})))
					time.Sleep(2 * time.Hour)
					assert.True(t, in.Empty())
					stats := a.Stats()
					assert.Zero(t, stats.Succeeded+stats.Running+stats.Queued)
				})
			})
		}
	}
}

func TestAfterAnAnswerADroppedRetryTellsTheSenderNothing(t *testing.T) {
	failsInEachWay(t, func(t *testing.T, fail func(ctx actor.Context, err error)) {
		a := pooltest.StartActors(t, actors.WithSize(1), retry())
		in := pooltest.NewInbox(t, a.System.Root)
		assert.Equal(t, "answer", in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) {
			ctx.Respond("answer")
			fail(ctx, pooltest.ErrTask)
		})))
		time.Sleep(10 * time.Millisecond)
		assert.Equal(t, "1 queued", pooltest.Ledger(a.Stats()))
		a.System.Root.Stop(a.PID)
		assert.True(t, in.Empty())
	})
}

func TestTheBreakerCountsFailuresOfHeldTasks(t *testing.T) {
	failsInEachWay(t, func(t *testing.T, fail func(ctx actor.Context, err error)) {
		a := pooltest.StartActors(t, actors.WithSize(2), failures(3, time.Hour))
		opened := pooltest.Events[*messages.BreakerOpened](t, a.System)
		in := pooltest.NewInbox(t, a.System.Root)
		var broken atomic.Pointer[string] // the first worker that gets a task
		deed := pooltest.Deed(func(ctx actor.Context) {
			broken.CompareAndSwap(nil, &ctx.Self().Id)
			if ctx.Self().Id == *broken.Load() {
				fail(ctx, pooltest.ErrTask)
				return
			}
			time.Sleep(10 * time.Millisecond)
			ctx.Respond("fine")
		})
		failed := 0
		for len(opened) == 0 {
			in.Request(a.PID, deed)
			in.Request(a.PID, deed)
			for range 2 {
				if _, ok := (<-in.Mail).(*messages.Result); ok {
					failed++
				}
			}
			synctest.Wait()
		}
		assert.Equal(t, 3, failed)
		event := <-opened
		assert.Equal(t, *broken.Load(), event.Worker.Id)
		assert.Equal(t, 3, event.Failures)
		assert.Equal(t, messages.WorkerSidelined, stateOf(a.Stats(), event.Worker.Id))
	})
}
