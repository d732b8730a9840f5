package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// workerOf returns the PID of a worker.
func workerOf(a *pooltest.Actors, i int) *actor.PID {
	return actor.NewPID(a.PID.Address, a.Stats().Workers[i].ID)
}

// These wait for the tasks that are held.
func TestStopsThatWaitForHeldTasks(t *testing.T) {
	for name, stop := range map[string]func(a *pooltest.Actors) (stopped *actor.PID){
		"Poison of the pool": func(a *pooltest.Actors) *actor.PID {
			a.System.Root.Poison(a.PID)
			return a.PID
		},
		"Finish": func(a *pooltest.Actors) *actor.PID {
			a.System.Root.Send(a.PID, &messages.Finish{})
			return a.PID
		},
		"Poison of a worker": func(a *pooltest.Actors) *actor.PID {
			worker := workerOf(a, 0)
			a.System.Root.Poison(worker)
			return worker
		},
		"RemoveRoutee": func(a *pooltest.Actors) *actor.PID {
			worker := workerOf(a, 0)
			a.System.Root.Send(a.PID, &messages.Resize{Size: 2}) // since the last one stays
			synctest.Wait()
			a.System.Root.Send(a.PID, &protorouter.RemoveRoutee{PID: worker})
			return worker
		},
	} {
		for _, dispatch := range pooltest.Dispatches() {
			for _, decision := range []string{"done", "failed", "retried", "continuation"} {
				t.Run(name+"/"+dispatch.String()+"/"+decision, func(t *testing.T) {
					pooltest.Bubble(t, func(t *testing.T) {
						options := []actors.Option{actors.WithSize(1), actors.WithDispatch(dispatch)}
						if decision == "retried" {
							options = append(options, retry())
						}
						a := pooltest.NewActors(t)
						a.PID = a.System.Root.Spawn(a.Props(options...))
						in := pooltest.NewInbox(t, a.System.Root)
						attempts, holds := 0, make(chan *actors.Held, 1)
						resolve := make(chan *actor.PID, 1)
						in.Request(a.PID, pooltest.Deed(func(ctx actor.Context) {
							if attempts++; attempts > 1 {
								ctx.Respond("second")
								return
							}
							held := actors.Hold(ctx)
							future := actor.NewFuture(ctx.ActorSystem(), 24*time.Hour)
							ctx.ReenterAfter(future, func(answer any, err error) {
								ctx.Respond(answer)
								held.Done(err)
							})
							resolve <- future.PID()
							holds <- held
						}))
						synctest.Wait()
						held, future := <-holds, <-resolve
						root := a.System.Root
						ended := stop(a)
						root.Send(in.PID, ended) // it watches
						time.Sleep(time.Hour)
						require.Empty(t, in.Mail, "the worker waits")
						require.NoError(t, held.Context().Err())
						var want any
						switch decision {
						case "done":
							held.Done(nil)
						case "failed":
							held.Done(pooltest.ErrTask)
							want = messages.Failed
						case "retried":
							held.Done(pooltest.ErrTask)
							if want = "second"; name == "Finish" {
								want = messages.Failed // a finishing pool retries nothing
							}
						case "continuation":
							root.Send(future, "answer")
							want = "answer"
						}
						time.Sleep(time.Hour)
						var got any
						terminated := false
						for _, message := range pooltest.Drain(in.Mail) {
							switch message := message.(type) {
							case *actor.Terminated:
								terminated = true
							case *messages.Result:
								got = message.Outcome
							default:
								got = message
							}
						}
						assert.True(t, terminated)
						assert.Equal(t, want, got)
						root.Send(future, "whatever")
						if ended != a.PID {
							require.NoError(t, root.StopFuture(a.PID).Wait())
						}
					})
				})
			}
		}
	}
}

func TestAPoisonedHolderGetsNoOtherTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(2), actors.WithMaxHeld(3))
		in := pooltest.NewInbox(t, a.System.Root)
		held := a.Hold(nil)
		var worker *actor.PID
		for i, w := range a.Stats().Workers {
			if w.Held > 0 {
				worker = workerOf(a, i)
			}
		}
		a.System.Root.Poison(worker)
		synctest.Wait()
		for range 10 {
			in.Request(a.PID, pooltest.Deed(func(ctx actor.Context) { ctx.Respond(ctx.Self().Id) }))
			assert.NotEqual(t, worker.Id, <-in.Mail)
		}
		held.Done(nil)
		synctest.Wait()
		stats := a.Stats()
		assert.Equal(t, 2, stats.Size, "it was replaced")
		assert.Equal(t, "11 succeeded", pooltest.Ledger(stats))
	})
}

func TestAResizeWaitsForHeldTasks(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(4), actors.WithDispatch(dispatch))
				holds := make(chan *actors.Held, 4)
				a.System.Root.Send(a.PID, &messages.Broadcast{Message: pooltest.Deed(func(ctx actor.Context) { holds <- actors.Hold(ctx) })})
				synctest.Wait()
				a.System.Root.Send(a.PID, &messages.Resize{Size: 1})
				time.Sleep(time.Hour)
				assert.Equal(t, "4 running", pooltest.Ledger(a.Stats()))
				assert.Equal(t, 1, a.Stats().Size)
				for range 4 {
					(<-holds).Done(nil)
				}
				synctest.Wait()
				stats := a.Stats()
				assert.Equal(t, "4 succeeded", pooltest.Ledger(stats))
				assert.Len(t, stats.Workers, 1)
				assert.Zero(t, stats.Replaced)
			})
		})
	}
}

func TestStopsThatCancelHeldTasks(t *testing.T) {
	for name, c := range map[string]struct {
		stop  func(a *pooltest.Actors)
		cause error
	}{
		"Stop of the pool": {func(a *pooltest.Actors) { a.System.Root.Stop(a.PID) }, messages.ErrPoolStopped},
		"Stop of a worker": {func(a *pooltest.Actors) { a.System.Root.Stop(workerOf(a, 0)) }, messages.ErrCanceled},
		"Poison, then Stop of a worker": {func(a *pooltest.Actors) {
			worker := workerOf(a, 0)
			a.System.Root.Poison(worker)
			synctest.Wait()
			a.System.Root.Stop(worker)
		}, messages.ErrCanceled},
		"Poison, then Stop of the pool": {func(a *pooltest.Actors) {
			a.System.Root.Poison(a.PID)
			synctest.Wait()
			a.System.Root.Stop(a.PID)
		}, messages.ErrPoolStopped},
	} {
		for _, dispatch := range pooltest.Dispatches() {
			t.Run(name+"/"+dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					a := pooltest.StartActors(t, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithMaxHeld(2), retry())
					in := pooltest.NewInbox(t, a.System.Root)
					holds := []*actors.Held{a.Hold(in.PID), a.Hold(in.PID)}
					c.stop(a)
					for range 2 {
						result := (<-in.Mail).(*messages.Result)
						assert.Equal(t, messages.Canceled, result.Outcome)
						assert.ErrorIs(t, result.Err, messages.ErrCanceled)
						assert.ErrorIs(t, result.Err, c.cause)
						assert.Equal(t, 1, result.Attempts)
						assert.NotEmpty(t, result.Worker)
					}
					assert.True(t, in.Empty())
					for _, held := range holds {
						isOver(t, held, context.Canceled, c.cause)
					}
				})
			})
		}
	}
}

func TestAStrategyDecidesAboutHeldTasks(t *testing.T) {
	for _, c := range []struct {
		directive actor.Directive
		options   []actors.Option
		ledger    string
		born      int
	}{
		{actor.ResumeDirective, nil, "2 running, 1 panicked", 1},
		{actor.RestartDirective, nil, "1 panicked, 2 canceled", 2},
		{actor.RestartDirective, []actors.Option{retry()}, "2 queued, 1 panicked", 2},
		{actor.RestartDirective, []actors.Option{retry(panics, func(p *actors.Retry) { p.Attempts = 2 })}, "3 queued", 2},
		{actor.StopDirective, nil, "1 panicked, 2 canceled", 2},
		{actor.StopDirective, []actors.Option{retry()}, "1 panicked, 2 canceled", 2},
	} {
		for _, dispatch := range pooltest.Dispatches() {
			for _, inTask := range []bool{true, false} {
				t.Run(c.directive.String()+"/"+dispatch.String(), func(t *testing.T) {
					pooltest.Bubble(t, func(t *testing.T) {
						decider := supervisor.Decider(func(error) actor.Directive { return c.directive })
						a := pooltest.StartActors(t, append(c.options, actors.WithSize(1), actors.WithDispatch(dispatch),
							actors.WithMaxHeld(3), actors.WithSupervision(supervisor.OneForOne(decider)))...)
						in := pooltest.NewInbox(t, a.System.Root)
						holds := []*actors.Held{a.Hold(in.PID), a.Hold(in.PID)}
						ledger := c.ledger
						if inTask {
							a.Do(pooltest.Fail(pooltest.ErrTask))
						} else { // the worker fails in a message to itself
							a.System.Root.Send(workerOf(a, 0), pooltest.Fail(pooltest.ErrTask))
							synctest.Wait()
							ledger = map[string]string{
								"2 running, 1 panicked": "2 running", "1 panicked, 2 canceled": "2 canceled", "2 queued, 1 panicked": "2 queued", "3 queued": "2 queued",
							}[ledger]
						}
						assert.Equal(t, ledger, pooltest.Ledger(a.Stats()))
						assert.Equal(t, c.born, a.Born())
						for _, held := range holds {
							if c.directive == actor.ResumeDirective {
								assert.NoError(t, held.Context().Err())
								held.Done(nil)
								continue
							}
							isOver(t, held, context.Canceled, messages.ErrCanceled)
							if len(c.options) == 0 {
								result := (<-in.Mail).(*messages.Result)
								assert.Equal(t, messages.Canceled, result.Outcome)
							}
						}
						synctest.Wait()
						if ledger == "2 queued" {
							time.Sleep(time.Minute) // they are held again
							stats := a.Stats()
							assert.EqualValues(t, 2, stats.Running)
							assert.EqualValues(t, 2, stats.Retries)
							assert.True(t, in.Empty())
						}
					})
				})
			}
		}
	}
}

func TestARestartDoesNotRetryTheLastAttempt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1), retry(func(p *actors.Retry) { p.Attempts = 2 }))
		in := pooltest.NewInbox(t, a.System.Root)
		a.Hold(in.PID)
		for range 2 {
			a.System.Root.Send(workerOf(a, 0), pooltest.Fail(pooltest.ErrTask))
			time.Sleep(time.Minute)
		}
		result := (<-in.Mail).(*messages.Result)
		assert.Equal(t, messages.Canceled, result.Outcome)
		assert.Equal(t, 2, result.Attempts)
		assert.True(t, in.Empty())
	})
}

func TestARecycledHolderFinishesItsTasks(t *testing.T) {
	for name, option := range map[string]actors.Option{
		"tasks": actors.WithMaxTasks(2), "age": actors.WithMaxAge(5 * time.Hour / 2), "idle": actors.WithIdleTimeout(time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(1), actors.WithMaxHeld(2), option)
				in := pooltest.NewInbox(t, a.System.Root)
				holds := []*actors.Held{a.Hold(in.PID), a.Hold(in.PID)}
				time.Sleep(3 * time.Hour)
				assert.Equal(t, "2 running", pooltest.Ledger(a.Stats()))
				for _, held := range holds {
					assert.NoError(t, held.Context().Err())
					held.Done(nil)
				}
				time.Sleep(2 * time.Hour)
				stats := a.Stats()
				assert.Equal(t, "2 succeeded", pooltest.Ledger(stats))
				assert.EqualValues(t, 1, stats.Recycled)
				assert.Equal(t, 2, a.Born())
				assert.Equal(t, "next", in.Ask(a.PID, respond("next")))
			})
		})
	}
}

func TestWaitWaitsForHeldTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		held := a.Hold(nil)
		drained := a.System.Root.RequestFuture(a.PID, &messages.Drain{}, 24*time.Hour)
		time.Sleep(time.Hour)
		assert.Equal(t, "1 running", pooltest.Ledger(a.Stats()))
		held.Done(nil)
		_, err := drained.Result()
		require.NoError(t, err)
	})
}

func TestTheWatchdogIgnoresHeldTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithTaskTimeout(time.Hour), actors.WithWatchdog(actors.Watchdog{Grace: time.Minute}))
		abandoned := pooltest.Events[*messages.WorkerAbandoned](t, a.System)
		held := a.Hold(nil)
		time.Sleep(5 * time.Hour)
		isOver(t, held, context.DeadlineExceeded, messages.ErrTaskTimeout)
		assert.Empty(t, abandoned)
		assert.Equal(t, 1, a.Born())
		assert.Equal(t, "1 timed out", pooltest.Ledger(a.Stats()))
	})
}

func TestTheHeldTasksOfAnAbandonedWorkerAreCanceled(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithMaxHeld(3), retry(),
					actors.WithWatchdog(actors.Watchdog{Grace: time.Minute}))
				in := pooltest.NewInbox(t, a.System.Root)
				held := a.Hold(in.PID)
				stuck := make(chan struct{})
				in.Request(a.PID, &messages.Task{Timeout: time.Minute, Payload: pooltest.Deed(func(ctx actor.Context) {
					actors.Hold(ctx)
					<-stuck
					actors.Hold(ctx)
					ctx.Respond("too late")
					actors.Fail(ctx, pooltest.ErrTask)
				})})
				time.Sleep(3 * time.Minute)
				isOver(t, held, context.Canceled, messages.ErrCanceled)
				for _, want := range []messages.Outcome{messages.TimedOut, messages.Canceled} {
					assert.Equal(t, want, (<-in.Mail).(*messages.Result).Outcome)
				}
				assert.Equal(t, "1 timed out, 1 canceled", pooltest.Ledger(a.Stats()))
				assert.Equal(t, "next", in.Ask(a.PID, respond("next")), "by another worker")
				close(stuck)
				assert.True(t, in.Empty())
				assert.Equal(t, "1 succeeded, 1 timed out, 1 canceled", pooltest.Ledger(a.Stats()))
			})
		})
	}
}

func TestTheHolderOfAProbeIsOnTrialUntilItIsDone(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches()[:3] {
		for _, err := range []error{nil, pooltest.ErrTask} {
			t.Run(dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					a := pooltest.StartActors(t, actors.WithSize(2), actors.WithDispatch(dispatch), actors.WithMaxHeld(3), failures(1, time.Hour))
					opened := pooltest.Events[*messages.BreakerOpened](t, a.System)
					closed := pooltest.Events[*messages.BreakerClosed](t, a.System)
					a.Do(func(ctx actor.Context) { actors.Fail(ctx, pooltest.ErrTask) })
					require.Len(t, opened, 1)
					broken := (<-opened).Worker.Id
					time.Sleep(time.Hour + time.Second)
					holds := make(chan *actors.Held, 100)
					probe := func() {
						a.Do(func(ctx actor.Context) {
							if ctx.Self().Id == broken {
								holds <- actors.Hold(ctx)
								return
							}
							time.Sleep(time.Second)
						})
					}
					for len(holds) == 0 {
						probe()
					}
					for range 20 {
						probe()
						time.Sleep(10 * time.Second)
					}
					require.Len(t, holds, 1, "it gets no other task")
					assert.Empty(t, closed)
					assert.Equal(t, messages.WorkerBusy, stateOf(a.Stats(), broken))
					(<-holds).Done(err)
					synctest.Wait()
					if err == nil {
						assert.Len(t, closed, 1)
						assert.Equal(t, messages.WorkerIdle, stateOf(a.Stats(), broken))
					} else {
						assert.Len(t, opened, 1)
						assert.Equal(t, messages.WorkerSidelined, stateOf(a.Stats(), broken))
					}
				})
			})
		}
	}
}
