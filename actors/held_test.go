package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
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

// respond returns a task whose worker responds.
func respond(answer any) pooltest.Deed { return func(ctx actor.Context) { ctx.Respond(answer) } }

// isOver checks that nothing about a held task is possible any more, and why its context has
// ended.
func isOver(t *testing.T, held *actors.Held, err, cause error) {
	t.Helper()
	assert.Equal(t, err, held.Context().Err())
	assert.Equal(t, cause, context.Cause(held.Context()))
	held.Done(errors.New("too late"))
	held.Done(nil)
}

func TestAHeldTaskRunsUntilDone(t *testing.T) {
	for err, want := range map[error]string{nil: "1 succeeded", pooltest.ErrTask: "1 failed"} {
		t.Run(want, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(1))
				held := a.Hold(nil)
				require.NoError(t, held.Context().Err())
				time.Sleep(time.Hour)
				assert.Equal(t, "1 running", pooltest.Ledger(a.Stats()))
				held.Done(err)
				assert.Equal(t, want, pooltest.Ledger(a.Stats()))
				isOver(t, held, context.Canceled, context.Canceled)
				synctest.Wait()
				assert.Equal(t, want, pooltest.Ledger(a.Stats()))
			})
		})
	}
}

func TestOneOfManyCallsOfDoneCounts(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const tasks, callers = 200, 4
		a := pooltest.StartActors(t, actors.WithSize(4), actors.WithMaxHeld(3))
		var all sync.WaitGroup
		for range tasks {
			all.Add(callers)
			a.System.Root.Send(a.PID, pooltest.Deed(func(ctx actor.Context) {
				held := actors.Hold(ctx)
				for i := range callers {
					go func() {
						defer all.Done()
						if i%2 == 0 {
							held.Done(pooltest.ErrTask)
						} else {
							held.Done(nil)
						}
					}()
				}
			}))
		}
		all.Wait()
		synctest.Wait()
		stats := a.Stats()
		assert.EqualValues(t, tasks, stats.Succeeded+stats.Failed)
	})
}

func TestDoneDuringReceiveTakesEffectWhenItReturns(t *testing.T) {
	for err, want := range map[error]string{nil: "1 succeeded", pooltest.ErrTask: "1 failed"} {
		t.Run(want, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(1))
				var held *actors.Held
				a.Do(func(ctx actor.Context) {
					held = actors.Hold(ctx)
					held.Done(err)
					held.Done(errors.New("the second call does not count"))
					assert.NoError(t, held.Context().Err())
					time.Sleep(time.Second)
				})
				assert.Equal(t, "1 running", pooltest.Ledger(a.Stats()))
				time.Sleep(2 * time.Second)
				assert.Equal(t, want, pooltest.Ledger(a.Stats()))
				isOver(t, held, context.Canceled, context.Canceled)
			})
		})
	}
}

func TestHoldTwiceReturnsTheSameHeld(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithMaxHeld(2))
		a.Do(func(ctx actor.Context) {
			first := actors.Hold(ctx)
			assert.Same(t, first, actors.Hold(ctx))
			first.Done(nil)
			assert.Same(t, first, actors.Hold(ctx), "though it is done")
		})
		assert.NotSame(t, a.Hold(nil), a.Hold(nil), "another task")
	})
}

func TestOutsideOfATaskHoldReturnsASettledOne(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		type probe struct{}
		settled := func(ctx actor.Context) {
			held := actors.Hold(ctx)
			assert.ErrorIs(t, held.Context().Err(), context.Canceled)
			held.Done(pooltest.ErrTask)
			actors.Fail(ctx, pooltest.ErrTask)
		}
		system := pooltest.System()
		var calls []string
		note := func(where string, ctx actor.Context) {
			calls = append(calls, where)
			settled(ctx)
		}
		pool := pooltest.Spawn(t, system.Root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch message := ctx.Message().(type) {
				case *actor.Started, *actor.Stopping, *actor.Stopped:
					note(strings.TrimPrefix(strings.ToLower(fmt.Sprintf("%T", message)), "*actor."), ctx)
				case probe:
					note("message to the worker", ctx)
				case string:
					ctx.Send(ctx.Self(), probe{})
					future := actor.NewFuture(system, time.Hour)
					ctx.ReenterAfter(future, func(any, error) { note("continuation", ctx) })
					system.Root.Send(future.PID(), message)
				}
			})
		}, actors.WithSize(1)))
		system.Root.Send(pool, "task")
		synctest.Wait()
		assert.Equal(t, "1 succeeded", pooltest.Ledger(pooltest.Stats(t, system, pool)))
		pooltest.Spawn(t, system.Root, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				note("foreign actor", ctx)
			}
		}))
		synctest.Wait()
		require.NoError(t, system.Root.StopFuture(pool).Wait())
		assert.ElementsMatch(t, []string{"started", "message to the worker", "continuation", "foreign actor", "stopping", "stopped"}, calls)
	})
}

func TestTheContextOfAHeldTaskSaysWhyItEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(a *pooltest.Actors, worker *actor.PID)
		err    error
		cause  error
		ledger string
	}{
		"timeout": {func(*pooltest.Actors, *actor.PID) { time.Sleep(time.Hour) }, context.DeadlineExceeded, messages.ErrTaskTimeout, "1 timed out"},
		"worker stopped": {func(a *pooltest.Actors, worker *actor.PID) {
			a.System.Root.Stop(worker)
		}, context.Canceled, messages.ErrCanceled, "1 canceled"},
		"pool stopped": {func(a *pooltest.Actors, _ *actor.PID) { a.System.Root.Stop(a.PID) }, context.Canceled, messages.ErrPoolStopped, ""},
	} {
		for _, early := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					a := pooltest.StartActors(t, actors.WithSize(1), actors.WithTaskTimeout(time.Hour))
					held := a.Hold(nil)
					if early { // else the context is made when the task is over
						assert.NoError(t, held.Context().Err())
					}
					deadline, ok := held.Context().Deadline()
					assert.True(t, ok)
					assert.Equal(t, time.Hour, time.Until(deadline))
					c.end(a, actor.NewPID(a.PID.Address, a.Stats().Workers[0].ID))
					synctest.Wait()
					isOver(t, held, c.err, c.cause)
					if c.ledger != "" {
						assert.Equal(t, c.ledger, pooltest.Ledger(a.Stats()))
					}
				})
			})
		}
	}
}

func TestTheContextOfAHeldTaskCarriesItsWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		held := a.Hold(nil)
		assert.Equal(t, a.Stats().Workers[0].ID, actors.WorkerID(held.Context()))
		held.Done(nil)
	})
}

func TestAWorkerHoldsAsManyTasksAsItMay(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		for _, limit := range []int{1, 3} {
			t.Run(dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					a := pooltest.StartActors(t, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithMaxHeld(limit))
					holds := make(chan *actors.Held, 100)
					hold := pooltest.Deed(func(ctx actor.Context) { holds <- actors.Hold(ctx) })
					for range 5 * limit {
						a.System.Root.Send(a.PID, &messages.Task{Payload: hold, Key: "key"})
					}
					synctest.Wait()
					for left := 4 * limit; left > 0; left-- {
						require.Len(t, holds, limit)
						stats := a.Stats()
						assert.EqualValues(t, left, stats.Queued)
						assert.EqualValues(t, limit, stats.Running)
						assert.Equal(t, limit, stats.Workers[0].Held)
						(<-holds).Done(nil)
						synctest.Wait()
					}
					for len(holds) > 0 {
						(<-holds).Done(nil)
					}
					assert.EqualValues(t, 5*limit, a.Stats().Succeeded)
				})
			})
		}
	}
}

func TestBelowItsLimitAHolderTakesOtherTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithMaxHeld(2))
		in := pooltest.NewInbox(t, a.System.Root)
		held := a.Hold(nil)
		assert.Equal(t, "done", in.Ask(a.PID, respond("done")))
		synctest.Wait()
		assert.Equal(t, "1 running, 1 succeeded", pooltest.Ledger(a.Stats()))
		other := a.Hold(nil)
		in.Request(a.PID, respond("waited"))
		assert.True(t, in.Empty())
		other.Done(nil)
		assert.Equal(t, "waited", <-in.Mail)
		held.Done(nil)
		synctest.Wait()
		assert.Equal(t, "4 succeeded", pooltest.Ledger(a.Stats()))
	})
}

func TestTheNextTaskStartsWhenAHeldOneEnds(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		for name, end := range map[string]func(held *actors.Held){
			"done":    func(held *actors.Held) { held.Done(nil) },
			"failed":  func(held *actors.Held) { held.Done(pooltest.ErrTask) },
			"timeout": func(*actors.Held) { time.Sleep(time.Minute) },
		} {
			t.Run(dispatch.String()+"/"+name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					a := pooltest.StartActors(t, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithTaskTimeout(time.Minute))
					in := pooltest.NewInbox(t, a.System.Root)
					held := a.Hold(nil)
					time.Sleep(time.Second)
					in.Request(a.PID, respond("next"))
					assert.True(t, in.Empty())
					assert.Equal(t, "1 queued, 1 running", pooltest.Ledger(a.Stats()))
					end(held)
					synctest.Wait()
					require.Len(t, in.Mail, 1)
					assert.Equal(t, "next", <-in.Mail)
				})
			})
		}
	}
}

func TestARejectedSenderGetsRoomWhenAHeldTaskEnds(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithQueue(0, actors.Reject))
				in := pooltest.NewInbox(t, a.System.Root)
				held := a.Hold(nil)
				assert.ErrorIs(t, in.Result(t, a.PID, respond("early")).Err, messages.ErrQueueFull)
				held.Done(nil)
				assert.Equal(t, "late", in.Ask(a.PID, respond("late")))
			})
		})
	}
}

// answerWays are those in which a worker answers a task that it holds.
func answerWays(system *actor.ActorSystem, other *actor.PID) map[string]func(ctx actor.Context, held *actors.Held) {
	return map[string]func(ctx actor.Context, held *actors.Held){
		"continuation": func(ctx actor.Context, held *actors.Held) {
			ctx.ReenterAfter(ctx.RequestFuture(other, "question", time.Minute), func(answer any, err error) {
				ctx.Respond(answer)
				held.Done(err)
			})
		},
		"pipe": func(ctx actor.Context, held *actors.Held) {
			future := ctx.RequestFuture(other, "question", time.Minute)
			future.PipeTo(ctx.Sender())
			ctx.ReenterAfter(future, func(_ any, err error) { held.Done(err) })
		},
		"goroutine": func(ctx actor.Context, held *actors.Held) {
			sender := ctx.Sender()
			go func() {
				time.Sleep(time.Second)
				system.Root.Send(sender, "answer")
				held.Done(nil)
			}()
		},
		"message to the worker": func(ctx actor.Context, held *actors.Held) {
			sender := ctx.Sender()
			ctx.Send(other, func(answer any) {
				system.Root.Send(ctx.Self(), func(ctx actor.Context) { ctx.Send(sender, answer); held.Done(nil) })
			})
		},
	}
}

func TestAHeldTaskIsAnsweredInEveryWay(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		for name := range answerWays(nil, nil) {
			t.Run(dispatch.String()+"/"+name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					system := pooltest.System()
					other := pooltest.Spawn(t, system.Root, actor.PropsFromFunc(func(ctx actor.Context) {
						switch message := ctx.Message().(type) {
						case string:
							time.Sleep(time.Second)
							ctx.Respond("answer")
						case func(any):
							time.Sleep(time.Second)
							message("answer")
						}
					}))
					pool := pooltest.Spawn(t, system.Root, actors.PropsFromProducer(func() actor.Actor {
						return actor.ReceiveFunc(func(ctx actor.Context) {
							switch message := ctx.Message().(type) {
							case string:
								answerWays(system, other)[name](ctx, actors.Hold(ctx))
							case func(actor.Context):
								message(ctx)
							}
						})
					}, actors.WithSize(3), actors.WithDispatch(dispatch)))
					in := pooltest.NewInbox(t, system.Root)
					for range 10 {
						in.Request(pool, "order")
					}
					for range 10 {
						assert.Equal(t, "answer", <-in.Mail)
					}
					assert.True(t, in.Empty())
					assert.Equal(t, "10 succeeded", pooltest.Ledger(in.Stats(t, pool)))
				})
			})
		}
	}
}

// A task of the same sender that is still held is not mistaken for the one that is answered.
func TestAnAnswerAfterDoneIsForNoOtherHeldTask(t *testing.T) {
	type order struct{ number int }
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system := pooltest.System()
				var second *actors.Held
				pool := pooltest.Spawn(t, system.Root, actors.PropsFromProducer(func() actor.Actor {
					return actor.ReceiveFunc(func(ctx actor.Context) {
						o, is := ctx.Message().(*order)
						if !is {
							return
						}
						held := actors.Hold(ctx)
						if o.number == 2 {
							second = held
							return
						}
						ctx.ReenterAfter(actor.NewFuture(system, time.Second), func(any, error) {
							held.Done(nil)
							ctx.Respond("first")
						})
					})
				}, actors.WithSize(1), actors.WithMaxHeld(2), actors.WithDispatch(dispatch)))
				in := pooltest.NewInbox(t, system.Root)
				in.Request(pool, &order{1})
				in.Request(pool, &order{2})
				assert.Equal(t, "first", <-in.Mail)
				second.Done(pooltest.ErrTask)
				synctest.Wait()
				require.Len(t, in.Mail, 1, "the sender of the second task is told")
				assert.ErrorIs(t, (<-in.Mail).(*messages.Result).Err, pooltest.ErrTask)
			})
		})
	}
}

func TestAPanicAfterHoldSettlesTheTask(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic(pooltest.ErrTask) }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(1))
				in := pooltest.NewInbox(t, a.System.Root)
				var held *actors.Held
				result := in.Result(t, a.PID, pooltest.Deed(func(ctx actor.Context) {
					held = actors.Hold(ctx)
					end()
				}))
				assert.Equal(t, messages.Panicked, result.Outcome)
				isOver(t, held, context.Canceled, context.Canceled)
				assert.True(t, in.Empty())
				assert.Equal(t, "1 panicked", pooltest.Ledger(a.Stats()))
				assert.Equal(t, "next", in.Ask(a.PID, respond("next")))
			})
		})
	}
}

func TestATimeoutDuringReceiveEndsTheHolding(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithTaskTimeout(time.Minute))
		holds := make(chan *actors.Held, 2)
		a.Do(func(ctx actor.Context) {
			before := actors.Hold(ctx)
			time.Sleep(time.Hour)
			assert.Same(t, before, actors.Hold(ctx))
			holds <- before
		})
		a.Do(func(ctx actor.Context) {
			time.Sleep(time.Hour)
			holds <- actors.Hold(ctx) // it was settled before
		})
		time.Sleep(3 * time.Hour)
		isOver(t, <-holds, context.DeadlineExceeded, messages.ErrTaskTimeout)
		assert.Equal(t, "2 timed out", pooltest.Ledger(a.Stats()))
		assert.Zero(t, a.Stats().Workers[0].Held)
	})
}

func TestABroadcastIsHeldByEachWorker(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(3), actors.WithDispatch(dispatch))
				holds := make(chan *actors.Held, 6)
				hold := pooltest.Deed(func(ctx actor.Context) { holds <- actors.Hold(ctx) })
				for range 2 {
					a.System.Root.Send(a.PID, &messages.Broadcast{Message: hold})
				}
				synctest.Wait()
				assert.Equal(t, "3 queued, 3 running", pooltest.Ledger(a.Stats()))
				for range 6 {
					synctest.Wait()
					(<-holds).Done(nil)
				}
				synctest.Wait()
				stats := a.Stats()
				assert.Equal(t, "6 succeeded", pooltest.Ledger(stats))
				for _, w := range stats.Workers {
					assert.EqualValues(t, 2, w.Succeeded)
				}
			})
		})
	}
}

func TestHeldOptionsAreForUsersActors(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		for _, option := range []actors.Option{actors.WithMaxHeld(2), actors.WithErrorResponses()} {
			_, err := actors.NewPool(nil, pooltest.Double, option)
			assert.ErrorIs(t, err, messages.ErrInvalidOption)
		}
		for _, n := range []int{0, -1} {
			_, err := pooltest.System().Root.SpawnNamed(actors.PropsFromProducer(func() actor.Actor { return nil }, actors.WithMaxHeld(n)), "pool")
			assert.ErrorIs(t, err, messages.ErrInvalidOption)
			assert.ErrorContains(t, err, "max held")
		}
	})
}
