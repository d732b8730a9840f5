package actors_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// refusals are answers that stand for failures.
func refusals() map[string]any {
	return map[string]any{"error": pooltest.ErrTask, "Result": &messages.Result{TaskID: "mine", Err: pooltest.ErrTask}}
}

// answerers are the moments at which a worker answers its task.
func answerers() map[string]func(ctx actor.Context, answer any) {
	return map[string]func(ctx actor.Context, answer any){
		"at once": func(ctx actor.Context, answer any) { ctx.Respond(answer) },
		"at once, held": func(ctx actor.Context, answer any) {
			actors.Hold(ctx)
			ctx.Respond(answer)
		},
		"later": func(ctx actor.Context, answer any) {
			held := actors.Hold(ctx)
			future := actor.NewFuture(ctx.ActorSystem(), time.Minute)
			ctx.ReenterAfter(future, func(any, error) {
				ctx.Respond(answer)
				held.Done(nil)
			})
			ctx.Send(future.PID(), "now")
		},
	}
}

func answering(t *testing.T, test func(t *testing.T, respond func(ctx actor.Context, answer any), refusal any)) {
	t.Helper()
	for name, respond := range answerers() {
		for kind, refusal := range refusals() {
			t.Run(name+"/"+kind, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) { test(t, respond, refusal) })
			})
		}
	}
}

func TestAnErrorResponseFailsTheTaskAndArrivesUnchanged(t *testing.T) {
	answering(t, func(t *testing.T, respond func(ctx actor.Context, answer any), refusal any) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithErrorResponses())
		in := pooltest.NewInbox(t, a.System.Root)
		assert.Equal(t, refusal, in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) { respond(ctx, refusal) })))
		assert.True(t, in.Empty())
		assert.Equal(t, "1 failed", pooltest.Ledger(a.Stats()))
		assert.Zero(t, a.Stats().Restarts)
	})
}

func TestByDefaultAnErrorResponseIsASuccess(t *testing.T) {
	answering(t, func(t *testing.T, respond func(ctx actor.Context, answer any), refusal any) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithTaskTimeout(time.Minute))
		in := pooltest.NewInbox(t, a.System.Root)
		assert.Equal(t, refusal, in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) { respond(ctx, refusal) })))
		time.Sleep(time.Hour)
		assert.True(t, in.Empty())
		assert.Zero(t, a.Stats().Failed)
	})
}

func TestOtherResponsesAreNoFailures(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithErrorResponses())
		in := pooltest.NewInbox(t, a.System.Root)
		var none *messages.Result
		for _, answer := range []any{"fine", &messages.Result{Value: 1}, none, messages.Result{Err: pooltest.ErrTask}} {
			assert.Equal(t, answer, in.Ask(a.PID, respond(answer)))
		}
		a.Do(func(ctx actor.Context) { ctx.Send(in.PID, pooltest.ErrTask) })
		assert.Equal(t, pooltest.ErrTask, <-in.Mail, "it is nobody's answer")
		synctest.Wait()
		assert.Equal(t, "5 succeeded", pooltest.Ledger(a.Stats()))
	})
}

func TestARetryReplacesAnErrorResponse(t *testing.T) {
	answering(t, func(t *testing.T, respond func(ctx actor.Context, answer any), refusal any) {
		a := pooltest.StartActors(t, actors.WithSize(2), actors.WithErrorResponses(), retry())
		in := pooltest.NewInbox(t, a.System.Root)
		attempts := 0
		answer := in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) {
			if attempts++; attempts < 3 {
				respond(ctx, refusal)
				return
			}
			ctx.Respond("fine")
		}))
		assert.Equal(t, "fine", answer)
		assert.True(t, in.Empty())
		assert.Equal(t, "1 succeeded", pooltest.Ledger(a.Stats()))

		last := errors.New("the last one")
		attempts = 0
		answer = in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) {
			if attempts++; attempts < 4 {
				respond(ctx, refusal)
				return
			}
			respond(ctx, last)
		}))
		assert.Equal(t, last, answer)
		assert.True(t, in.Empty())
	})
}

func TestAWithheldResponseIsReplacedIfTheTaskEndsOtherwise(t *testing.T) {
	answering(t, func(t *testing.T, respond func(ctx actor.Context, answer any), refusal any) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithErrorResponses(), retry())
		in := pooltest.NewInbox(t, a.System.Root)
		in.Request(a.PID, pooltest.Deed(func(ctx actor.Context) { respond(ctx, refusal) }))
		synctest.Wait()
		assert.Equal(t, "1 queued", pooltest.Ledger(a.Stats()), "it waits for its next attempt")
		a.System.Root.Stop(a.PID)
		result := (<-in.Mail).(*messages.Result)
		assert.ErrorIs(t, result.Err, messages.ErrDropped)
		assert.True(t, in.Empty())
	})
}

func TestAFailureAfterAnErrorResponseAddsNothing(t *testing.T) {
	for _, refusal := range refusals() {
		for _, order := range []string{"Fail first", "answer first"} {
			t.Run(order, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					a := pooltest.StartActors(t, actors.WithSize(1), actors.WithErrorResponses())
					in := pooltest.NewInbox(t, a.System.Root)
					assert.Equal(t, refusal, in.Ask(a.PID, pooltest.Deed(func(ctx actor.Context) {
						if order == "Fail first" {
							actors.Fail(ctx, errors.New("mine"))
						}
						ctx.Respond(refusal)
						actors.Fail(ctx, errors.New("again"))
					})))
					assert.True(t, in.Empty())
					assert.Equal(t, "1 failed", pooltest.Ledger(a.Stats()))
				})
			})
		}
	}
}

func TestAnErrorResponseFailsTheTaskThatItAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		type question struct {
			n     int
			after time.Duration
		}
		system := pooltest.System()
		pool := pooltest.Spawn(t, system.Root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				q, ok := ctx.Message().(question)
				if !ok {
					return
				}
				held := actors.Hold(ctx)
				future := actor.NewFuture(system, time.Hour)
				time.AfterFunc(q.after, func() { system.Root.Send(future.PID(), q.n) })
				ctx.ReenterAfter(future, func(answer any, _ error) {
					if q.n == 2 {
						ctx.Respond(pooltest.ErrTask)
					} else {
						ctx.Respond(answer)
					}
					held.Done(nil)
				})
			})
		}, actors.WithSize(1), actors.WithMaxHeld(3), actors.WithErrorResponses()))
		in := pooltest.NewInbox(t, system.Root)
		for n := range 3 { // all of one sender, and the last is answered first
			in.Request(pool, question{n, time.Duration(3-n) * time.Minute})
		}
		assert.Equal(t, pooltest.ErrTask, <-in.Mail)
		synctest.Wait()
		assert.Equal(t, "2 running, 1 failed", pooltest.Ledger(in.Stats(t, pool)))
		assert.Equal(t, 1, <-in.Mail)
		assert.Equal(t, 0, <-in.Mail)
		assert.True(t, in.Empty())
		assert.Equal(t, "2 succeeded, 1 failed", pooltest.Ledger(in.Stats(t, pool)))
	})
}

func TestAnAnswerThatMayBeForAnotherTaskSilencesNone(t *testing.T) {
	for name, c := range map[string]struct {
		held    int
		results int // after the one answer
	}{"one task of the sender": {1, 0}, "two tasks of the sender": {2, 2}} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(1), actors.WithMaxHeld(2))
				in := pooltest.NewInbox(t, a.System.Root)
				for range c.held {
					a.Hold(in.PID)
				}
				worker := workerOf(a, 0)
				a.System.Root.Send(worker, pooltest.Deed(func(ctx actor.Context) { ctx.Send(in.PID, "answer") }))
				assert.Equal(t, "answer", <-in.Mail)
				a.System.Root.Stop(worker)
				synctest.Wait()
				assert.Len(t, in.Mail, c.results)
			})
		})
	}
}
