package actors_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

func TestAHeldTaskIsLoadInTheStatistics(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				a := pooltest.StartActors(t, actors.WithSize(2), actors.WithDispatch(dispatch), actors.WithMaxHeld(2))
				holds := make(chan *actors.Held, 2)
				began := time.Now()
				for i := range 2 {
					a.System.Root.Send(a.PID, &messages.Broadcast{Message: &messages.Task{
						ID: fmt.Sprint("task ", i), Payload: pooltest.Deed(func(ctx actor.Context) {
							if held := actors.Hold(ctx); ctx.Self().Id == "workers/supervisor/1" {
								holds <- held
							} else {
								held.Done(nil)
							}
						}),
					}})
					time.Sleep(time.Second)
				}
				time.Sleep(58 * time.Second)
				stats := a.Stats()
				assert.Equal(t, "2 running, 2 succeeded", pooltest.Ledger(stats))
				assert.Equal(t, 1, stats.Busy)
				assert.Equal(t, 1, stats.Idle)
				assert.Equal(t, time.Minute, stats.LongestRunning)
				assert.InDelta(t, 0.5, stats.Utilization, 0.01)
				holder := stats.Workers[0]
				assert.Equal(t, messages.WorkerBusy, holder.State)
				assert.Equal(t, 2, holder.Held)
				assert.Equal(t, "task 0", holder.Task)
				assert.True(t, holder.Since.Equal(began))
				assert.False(t, holder.Settled)
				assert.Equal(t, messages.WorkerIdle, stats.Workers[1].State)
				assert.Zero(t, stats.Workers[1].Held)

				(<-holds).Done(nil)
				synctest.Wait()
				stats = a.Stats()
				assert.Equal(t, "task 1", stats.Workers[0].Task)
				assert.Equal(t, 59*time.Second, stats.LongestRunning)
				(<-holds).Done(nil)
				synctest.Wait()
				stats = a.Stats()
				assert.Zero(t, stats.Busy)
				assert.Empty(t, stats.Workers[0].Task)
				assert.Equal(t, (60+59)*time.Second/2, stats.Workers[0].MeanRun)
				assert.InEpsilon(t, time.Minute, stats.RunTime.Max, 0.05)
			})
		})
	}
}

func TestAutoscalingSeesHeldTasksAsLoad(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(4), actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 4}))
		var holds []*actors.Held
		for range 4 {
			holds = append(holds, a.Hold(nil))
		}
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 4, a.Stats().Size, "no worker goes, though none runs anything")
		for _, held := range holds {
			held.Done(nil)
		}
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 1, a.Stats().Size)
	})
}

func TestAJournalSaysHowHeldAttemptsEnded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		began := time.Now()
		a := pooltest.StartActors(t, actors.WithSize(1), actors.WithTaskTimeout(10*time.Second), retry(func(p *actors.Retry) {
			p.Attempts = 2
			p.Max = time.Second
		}))
		j := pooltest.AttachJournal(a.System.Root, journal.Options{Keep: 100})
		for id, end := range map[string]error{"ok": nil, "fails": pooltest.ErrTask} {
			a.System.Root.Send(a.PID, &messages.Task{ID: id, Payload: pooltest.Deed(func(ctx actor.Context) {
				held := actors.Hold(ctx)
				time.AfterFunc(2*time.Second, func() { held.Done(end) })
			})})
			synctest.Wait()
			time.Sleep(time.Minute - time.Since(began)%time.Minute)
		}
		a.System.Root.Send(a.PID, &messages.Task{ID: "late", Payload: pooltest.Deed(func(ctx actor.Context) { actors.Hold(ctx) })})
		time.Sleep(time.Minute)
		got := map[string][]note{}
		for _, n := range notes(j, began) {
			n.at = 0
			got[n.id] = append(got[n.id], n)
		}
		assert.Equal(t, map[string][]note{
			"ok":    {{"ok", messages.Succeeded, 1, true, false, 0, 0, 2}},
			"fails": {{"fails", messages.Failed, 1, true, true, 0, 0, 2}, {"fails", messages.Failed, 2, true, false, 0, 0, 2}},
			"late":  {{"late", messages.TimedOut, 1, true, false, 0, 0, 10}},
		}, got)
	})
}

// Orders are handled by asynchronous workers, one of which its strategy stops.
func TestEveryOrderOfAsynchronousWorkersIsAccountedFor(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches()[:3] {
		for _, held := range []int{1, 5} {
			t.Run(dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					const orders = 500
					a := pooltest.StartActors(t, actors.WithSize(10), actors.WithDispatch(dispatch), actors.WithMaxHeld(held),
						actors.WithSupervision(supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive { return actor.StopDirective }))))
					supplier := pooltest.Spawn(t, a.System.Root, actor.PropsFromFunc(func(ctx actor.Context) {
						if order, ok := ctx.Message().(int); ok {
							sender := ctx.Sender()
							time.AfterFunc(time.Duration(order%7+1)*time.Second, func() { ctx.ActorSystem().Root.Send(sender, order) })
						}
					}))
					in := pooltest.NewInbox(t, a.System.Root)
					for order := range orders {
						in.Request(a.PID, pooltest.Deed(func(ctx actor.Context) {
							held := actors.Hold(ctx)
							ctx.ReenterAfter(ctx.RequestFuture(supplier, order, time.Minute), func(answer any, err error) {
								if order == 7 {
									panic(pooltest.ErrTask)
								}
								ctx.Respond(answer)
								held.Done(err)
							})
						}))
					}
					time.Sleep(time.Hour)
					answers, canceled := map[int]bool{}, 0
					for _, answer := range pooltest.Drain(in.Mail) {
						switch answer := answer.(type) {
						case int:
							assert.False(t, answers[answer], "answered twice")
							answers[answer] = true
						case *messages.Result:
							assert.Equal(t, messages.Canceled, answer.Outcome)
							canceled++
						}
					}
					assert.Equal(t, orders, len(answers)+canceled)
					assert.GreaterOrEqual(t, canceled, 1)
					assert.LessOrEqual(t, canceled, held)
					assert.False(t, answers[7])
					stats := a.Stats()
					assert.Equal(t, fmt.Sprintf("%d succeeded, %d canceled", orders-canceled, canceled), pooltest.Ledger(stats))
					assert.EqualValues(t, 1, stats.Replaced)
				})
			})
		}
	}
}
