package supervision_test

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/request"
	"github.com/troupe-go/troupe/internal/supervision"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// parentOf returns what ctx.Parent() is to a worker.
func parentOf(pool *pooltest.Actors) (parent *actor.PID) {
	pool.Do(func(ctx actor.Context) { parent = ctx.Parent() })
	return parent
}

// autoResponse is answered by Proto.Actor when an actor has read it.
type autoResponse struct{ fail bool }

func (a *autoResponse) GetAutoResponse(actor.Context) any {
	if a.fail {
		panic("no response")
	}
	return "response"
}

func TestWhatIsSentToTheParentOfAWorkerReachesThePool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 1})
		in := pooltest.NewInbox(t, s.system.Root)
		var nobody *messages.Report
		for _, message := range []any{
			&messages.Task{Payload: 1}, &messages.GetStats{},
			messages.Resize{Size: 2},
			"unknown", nobody,
			&actor.SupervisorEvent{},
		} {
			in.Request(s.pid, message)
			got := <-s.pool.Mail
			assert.Equal(t, message, got)
		}
		assert.Equal(t, 1, s.Size())
	})
}

func TestAMessageToTheParentOfAWorkerBecomesATaskOrAnAnswer(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(1))
		parent, in := parentOf(pool), pooltest.NewInbox(t, pool.System.Root)
		in.Request(parent, pooltest.Deed(func(ctx actor.Context) { ctx.Respond("done") }))
		assert.Equal(t, "done", <-in.Mail)
		assert.IsType(t, &messages.Stats{}, in.Ask(parent, &messages.GetStats{}))
		assert.Equal(t, &messages.Resized{From: 1, To: 2}, in.Ask(parent, messages.Resize{Size: 2}))
		assert.Equal(t, "response", in.Ask(parent, &autoResponse{}))
		before := pool.Stats().Submitted
		pool.System.Root.Send(parent, "without a sender")
		assert.True(t, in.Empty())
		assert.Equal(t, before+1, pool.Stats().Submitted)
		pool.System.Root.Send(parent, &autoResponse{fail: true})
		require.True(t, in.Empty())
		assert.IsType(t, &messages.Resized{}, in.Ask(parent, messages.Resize{Size: 3}), "the supervisor goes on")
	})
}

// Its successor, if there is one, carries out what it has not answered.
func TestASupervisorThatStopsCarriesOutNothing(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := supervise(t, supervision.Config{Size: 1})
		s.setSlow()
		require.NoError(t, s.resize(2))
		s.recorded()
		s.setRoom(5)
		stopped := s.system.Root.StopFuture(s.pid)
		answered := false
		s.system.Root.Send(s.pid, request.New(&messages.Resize{Size: 3}, func(any) { answered = true }))
		assert.Empty(t, s.recorded())
		require.NoError(t, stopped.Wait())
		assert.Empty(t, s.recorded())
		assert.False(t, answered)
		assert.Equal(t, 5, s.room, "no worker is made")
	})
}

func TestAPoisonPillToTheParentOfAWorkerDrainsThePool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(1))
		parent := parentOf(pool)
		stopped := pooltest.Events[*messages.PoolStopped](t, pool.System)
		ran := 0
		for range 3 {
			pool.System.Root.Send(pool.PID, pooltest.Deed(func(actor.Context) { time.Sleep(time.Second); ran++ }))
		}
		pool.System.Root.Poison(parent)
		pause(time.Minute)
		assert.Equal(t, 3, ran)
		assert.Len(t, stopped, 1)
	})
}

func TestReportsCountByPointerAndByValue(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(1))
		pool.Do(func(ctx actor.Context) {
			ctx.Send(ctx.Parent(), &messages.Report{Counters: map[string]int64{"n": 1}})
			ctx.Request(ctx.Parent(), messages.Report{Counters: map[string]int64{"n": 2}})
		})
		stats := pool.Stats()
		assert.Equal(t, map[string]int64{"n": 3}, stats.Custom)
		assert.Equal(t, map[string]int64{"n": 3}, stats.Workers[0].Custom)
	})
}

func TestAWatcherOfTheSupervisorHearsOfItsEndOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(1))
		parent, in := parentOf(pool), pooltest.NewInbox(t, pool.System.Root)
		pool.System.Root.Send(in.PID, parent)
		require.True(t, in.Empty())
		require.NoError(t, pool.System.Root.StopFuture(pool.PID).Wait())
		terminated := (<-in.Mail).(*actor.Terminated)
		assert.Equal(t, parent.Id, terminated.Who.Id)
		assert.True(t, in.Empty())
	})
}

// A Proto.Actor dead letter is published on the goroutine that has sent it.
func TestAPoolStopsThoughDeadLettersBlock(t *testing.T) {
	for name, subscriber := range map[string]func(*hostile){
		"block": (*hostile).block,
		"exit":  func(*hostile) { runtime.Goexit() },
		"panic": func(*hostile) { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.NewActors(t)
				pool.PID = pool.System.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
					return actor.ReceiveFunc(func(ctx actor.Context) {
						switch msg := ctx.Message().(type) {
						case pooltest.Deed:
							msg(ctx)
						case *actor.Stopped: // its name is gone, and its parent does not know yet
							time.Sleep(time.Second)
						}
					})
				}, actors.WithSize(2)))
				parent := parentOf(pool)
				in := pooltest.NewInbox(t, pool.System.Root)
				pool.System.Root.Send(in.PID, parent)
				require.True(t, in.Empty(), "it watches")
				require.NoError(t, pool.System.Root.StopFuture(in.PID).Wait())

				user := newHostile(t)
				sub := pool.System.EventStream.Subscribe(func(event any) {
					if _, ok := event.(*actor.DeadLetterEvent); ok {
						subscriber(user)
					}
				})
				t.Cleanup(func() { pool.System.EventStream.Unsubscribe(sub) })
				pool.Do(stopSelf)
				require.NoError(t, pool.System.Root.StopFuture(pool.PID).Wait())
			})
		})
	}
}

// A hostileLog is a logger that fails.
type hostileLog struct{ *hostile }

func (hostileLog) Enabled(context.Context, slog.Level) bool { return true }

func (l hostileLog) Handle(context.Context, slog.Record) error {
	l.call()
	return nil
}

func (l hostileLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l hostileLog) WithGroup(string) slog.Handler      { return l }

func TestLoggersAndSubscribersDoNotStopSupervision(t *testing.T) {
	for _, fault := range []string{"panics", "exits", "blocks"} {
		t.Run(fault, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				log, user := hostileLog{newHostile(t)}, newHostile(t)
				strategy := supervisor.OneForOne(supervisor.Restarts(1, 0), supervisor.Decider(func(error) actor.Directive {
					user.call()
					return actor.RestartDirective
				}))
				pool := startHostile(t, actors.WithSize(3), actors.WithLogger(slog.New(log)),
					actors.WithHealth(time.Second), actors.WithSupervision(strategy))
				log.become(log.faults()[fault])
				pool.System.EventStream.Subscribe(func(any) { log.call() })

				pool.once(func() { panic("a constructor") })
				pool.Do(stopSelf)
				user.once(func() { panic("a decider") })
				pool.Do(pooltest.Fail("once"))
				pause(time.Minute)
				require.NoError(t, pool.resize(1))
				for range 2 {
					pool.Do(pooltest.Fail("spent"))
				}
				require.NoError(t, pool.resize(2))
				assert.Equal(t, 2, pool.size())
				assert.NotZero(t, log.called())
			})
		})
	}
}
