package actors_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

// bindings are a dispatch with late binding and one with early binding.
var bindings = []router.Dispatch{router.LeastBusy(), router.RoundRobin()}

// underBoth runs a test under late and under early binding, each in virtual time.
func underBoth(t *testing.T, test func(t *testing.T, dispatch actors.Option)) {
	t.Helper()
	for _, dispatch := range bindings {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) { test(t, actors.WithDispatch(dispatch)) })
		})
	}
}

// A routees is a pool of foreign actors, with a sender.
type routees struct {
	root *actor.RootContext
	pool *actor.PID
	in   *pooltest.Inbox
	t    *testing.T
}

// spawnRoutees starts n actors that do the same.
func spawnRoutees(t testing.TB, root *actor.RootContext, n int, receive actor.ReceiveFunc) (pids []*actor.PID) {
	t.Helper()
	for range n {
		pids = append(pids, pooltest.Spawn(t, root, actor.PropsFromFunc(receive)))
	}
	return pids
}

// startRoutees starts a pool of foreign actors.
func startRoutees(t *testing.T, root *actor.RootContext, pids []*actor.PID, opts ...actors.Option) *routees {
	t.Helper()
	return &routees{
		root: root, pool: pooltest.Spawn(t, root, actors.PropsFromRoutees(pids, opts...)), in: pooltest.NewInbox(t, root), t: t,
	}
}

// stats returns a snapshot of the pool at rest.
func (r *routees) stats() *messages.Stats {
	r.t.Helper()
	synctest.Wait()
	return pooltest.Stats(r.t, r.root.ActorSystem(), r.pool)
}

// request sends n messages from the inbox.
func (r *routees) request(n int) {
	for i := range n {
		r.in.Request(r.pool, i)
	}
	synctest.Wait()
}

// answers returns the mail that has arrived.
func (r *routees) answers() (all []any) {
	synctest.Wait()
	for len(r.in.Mail) > 0 {
		all = append(all, <-r.in.Mail)
	}
	return all
}

func (r *routees) members() []*actor.PID {
	synctest.Wait()
	answer, err := r.root.RequestFuture(r.pool, &protorouter.GetRoutees{}, time.Minute).Result()
	require.NoError(r.t, err)
	return answer.(*protorouter.Routees).PIDs
}

// stop stops a foreign actor.
func (r *routees) stop(pid *actor.PID) {
	require.NoError(r.t, r.root.StopFuture(pid).Wait())
	synctest.Wait()
}

// answerer starts a foreign actor that answers each number after a while.
func answerer(t *testing.T, root *actor.RootContext, takes time.Duration) *actor.PID {
	t.Helper()
	return pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
		if n, ok := ctx.Message().(int); ok {
			time.Sleep(takes)
			ctx.Respond(n)
		}
	}))
}

// A silent is a foreign actor that answers when it is told to.
type silent struct {
	pid *actor.PID
	got chan actor.MessageEnvelope
}

func newSilent(t *testing.T, root *actor.RootContext) *silent {
	t.Helper()
	s := &silent{got: make(chan actor.MessageEnvelope, 1000)}
	s.pid = pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case actor.SystemMessage, actor.AutoReceiveMessage:
		default:
			s.got <- actor.MessageEnvelope{Message: ctx.Message(), Sender: ctx.Sender()}
		}
	}))
	return s
}

func TestARouteesAnswerReachesTheSenderUnchanged(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		var header string
		routee := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				header = ctx.MessageHeader().Get("trace")
				answer := &actor.MessageEnvelope{Message: n + 1, Sender: ctx.Self()}
				answer.SetHeader("answer", "yes")
				ctx.Send(ctx.Sender(), answer)
			}
		}))
		r := startRoutees(t, root, []*actor.PID{routee}, dispatch)

		got := make(chan actor.MessageEnvelope, 1)
		asker := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(int); ok {
				e := actor.MessageEnvelope{Message: ctx.Message(), Sender: ctx.Sender()}
				e.SetHeader("answer", ctx.MessageHeader().Get("answer"))
				got <- e
			}
		}))
		question := &actor.MessageEnvelope{Message: 1, Sender: asker}
		question.SetHeader("trace", "t1")
		root.Send(r.pool, question)
		answer := <-got
		assert.Equal(t, 2, answer.Message)
		assert.Equal(t, routee, answer.Sender)
		assert.Equal(t, "yes", answer.GetHeader("answer"))
		assert.Equal(t, "t1", header)
		assert.EqualValues(t, 1, r.stats().Succeeded)
	})
}

func TestATaskIsSettledWhenItsSenderHasTheAnswer(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		r := startRoutees(t, root, []*actor.PID{answerer(t, root, time.Second)}, dispatch)
		snapshots := make(chan *messages.Stats, 1)
		pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started:
				ctx.Request(r.pool, 1)
			case int:
				ctx.Request(r.pool, &messages.GetStats{})
			case *messages.Stats:
				snapshots <- m
			}
		}))
		stats := <-snapshots
		assert.EqualValues(t, 1, stats.Succeeded)
		assert.Zero(t, stats.Running)
		assert.True(t, stats.Balanced())
	})
}

func TestATaskWithoutSenderIsDoneWhenForwarded(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		s := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{s.pid}, dispatch)
		root.Send(r.pool, 1)
		root.Send(r.pool, 2)
		assert.EqualValues(t, 2, r.stats().Succeeded)
		assert.Nil(t, (<-s.got).Sender)
	})
}

func TestATaskIsRunningUntilItsRouteeAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		s := newSilent(t, root)
		late := startRoutees(t, root, []*actor.PID{s.pid})
		late.request(3)
		stats := late.stats()
		assert.EqualValues(t, 1, stats.Running, "least busy: one at a time")
		assert.EqualValues(t, 2, stats.Queued)
		root.Send((<-s.got).Sender, "first")
		assert.Equal(t, []any{"first"}, late.answers())
		stats = late.stats()
		assert.EqualValues(t, 1, stats.Running)
		assert.EqualValues(t, 1, stats.Queued)

		s = newSilent(t, root)
		early := startRoutees(t, root, []*actor.PID{s.pid}, actors.WithDispatch(router.RoundRobin()))
		early.request(3)
		assert.EqualValues(t, 3, early.stats().Running, "round-robin: any number")
	})
}

func TestASlowRouteeDoesNotAttractTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		slow := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{slow.pid, answerer(t, root, time.Millisecond)})
		r.request(20)
		time.Sleep(time.Second)
		assert.Len(t, r.answers(), 19)
		assert.Len(t, slow.got, 1)
	})
}

func TestASlowRouteeOfAPoolOfActorsDoesNotAttractTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		slow := newSilent(t, root)
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if n, ok := ctx.Message().(int); ok {
					time.Sleep(time.Millisecond)
					ctx.Respond(n)
				}
			})
		}, actors.WithSize(1)))
		root.Send(pool, &protorouter.AddRoutee{PID: slow.pid})
		synctest.Wait()
		r := &routees{root: root, pool: pool, in: pooltest.NewInbox(t, root), t: t}
		r.request(20)
		time.Sleep(time.Second)
		assert.Len(t, r.answers(), 19)
		assert.Len(t, slow.got, 1)
	})
}

func TestFurtherAnswersAreDeadLetters(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		system := pooltest.System()
		root := system.Root
		var dead []any
		system.EventStream.Subscribe(func(event any) {
			if letter, ok := event.(*actor.DeadLetterEvent); ok {
				dead = append(dead, letter.Message)
			}
		})
		s := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{s.pid}, dispatch)
		r.request(1)
		question := <-s.got
		root.Send(question.Sender, "first")
		root.Send(question.Sender, "second")
		assert.Equal(t, []any{"first"}, r.answers())
		assert.Equal(t, []any{"second"}, dead)

		require.NoError(t, root.StopFuture(r.pool).Wait())
		root.Send(question.Sender, "after the pool")
		synctest.Wait()
		assert.Equal(t, []any{"second", "after the pool"}, dead)
	})
}

func TestATaskTimesOutOneMinuteAfterItWasForwarded(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		s := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{s.pid}, dispatch)
		r.request(1)
		time.Sleep(30 * time.Second)
		r.in.Request(r.pool, &messages.Task{Payload: 1, Timeout: 2 * time.Hour})
		time.Sleep(30*time.Second - time.Millisecond)
		assert.Empty(t, r.answers())
		time.Sleep(time.Millisecond)
		answers := r.answers()
		require.Len(t, answers, 1)
		result := answers[0].(*messages.Result)
		assert.ErrorIs(t, result.Err, messages.ErrTaskTimeout)
		assert.Equal(t, messages.TimedOut, result.Outcome)
		assert.Contains(t, result.Err.Error(), "not answered within 1m0s")
		r.request(1)
		time.Sleep(time.Hour)
		stats := r.stats()
		assert.EqualValues(t, 1, stats.Running, "a timeout of the task's own counts instead")
		if stats.Queued == 0 {
			assert.EqualValues(t, 2, stats.TimedOut)
		}
	})
}

func TestARetryAtARouteeGetsANewMinute(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		s := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{s.pid},
			actors.WithRetry(actors.Retry{Attempts: 2}), actors.WithErrorResponses())
		r.request(1)
		time.Sleep(50 * time.Second)
		root.Send((<-s.got).Sender, pooltest.ErrTask)
		synctest.Wait()
		require.Len(t, s.got, 1)
		time.Sleep(59 * time.Second)
		assert.Empty(t, r.answers())
		time.Sleep(time.Second)
		assert.Len(t, r.answers(), 1)
		assert.EqualValues(t, 1, r.stats().TimedOut)
	})
}

func TestTheTimeoutOfATaskHoldsAtARoutee(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		s := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{s.pid}, dispatch, actors.WithTaskTimeout(time.Second))
		r.request(1)
		time.Sleep(time.Second)
		result := r.answers()[0].(*messages.Result)
		assert.ErrorIs(t, result.Err, messages.ErrTaskTimeout)
		r.request(1)
		s.got <- <-s.got
		assert.EqualValues(t, 1, r.stats().Running, "the routee is free again")
	})
}

func TestErrorResponsesOfRouteesFailTheirTasks(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		attempts := 0
		routee := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case int:
				attempts++
				if attempts > 1 {
					ctx.Respond("done")
					return
				}
				ctx.Respond(pooltest.ErrTask)
			case string:
				ctx.Respond(&messages.Result{Err: pooltest.ErrTask, TaskID: "own"})
			}
		}))
		r := startRoutees(t, root, []*actor.PID{routee}, dispatch, actors.WithErrorResponses(),
			actors.WithRetry(actors.Retry{Attempts: 2}))
		r.request(1)
		assert.Equal(t, []any{"done"}, r.answers())
		r.in.Request(r.pool, "fails for good")
		answers := r.answers()
		require.Len(t, answers, 1)
		assert.Equal(t, &messages.Result{Err: pooltest.ErrTask, TaskID: "own"}, answers[0], "unchanged")
		stats := r.stats()
		assert.EqualValues(t, 1, stats.Succeeded)
		assert.EqualValues(t, 1, stats.Failed)
		assert.EqualValues(t, 2, stats.Retries)
	})
}

func TestTheTasksOfATerminatedRouteeFail(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		dies, lives := newSilent(t, root), newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{dies.pid, lives.pid}, dispatch)
		r.request(2)
		r.stop(dies.pid)
		answers := r.answers()
		require.Len(t, answers, 1)
		result := answers[0].(*messages.Result)
		assert.ErrorIs(t, result.Err, messages.ErrRouteeTerminated)
		assert.Contains(t, result.Err.Error(), dies.pid.Id)
		assert.Equal(t, messages.Failed, result.Outcome)
		assert.Equal(t, []*actor.PID{lives.pid}, r.members())
		root.Send((<-lives.got).Sender, "alive")
		assert.Equal(t, []any{"alive"}, r.answers())
		stats := r.stats()
		assert.Equal(t, 1, stats.Size)
		assert.Zero(t, stats.Lost)
	})
}

func TestTheTasksOfATerminatedRouteeAreRetriedElsewhere(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		dies := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{dies.pid, answerer(t, root, time.Millisecond)}, dispatch,
			actors.WithRetry(actors.Retry{Attempts: 2, On: func(err error) bool {
				return errors.Is(err, messages.ErrRouteeTerminated)
			}}))
		r.request(10)
		time.Sleep(time.Second)
		r.stop(dies.pid)
		time.Sleep(time.Second)
		assert.ElementsMatch(t, []any{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, r.answers())
		assert.EqualValues(t, 10, r.stats().Succeeded)
	})
}

func TestTheLastRouteeMayGoAndAnotherCome(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		failures := 0
		dies := newSilent(t, root)
		parent, pool := pooltest.SpawnUnder(t, root, actors.PropsFromRoutees([]*actor.PID{dies.pid}, dispatch),
			pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { failures++ }))
		r := &routees{root: root, pool: pool, in: pooltest.NewInbox(t, root), t: t}
		root.Send(pool, &messages.Pause{})
		synctest.Wait()
		r.request(1)
		r.stop(dies.pid)
		result := r.answers()[0].(*messages.Result)
		assert.ErrorIs(t, result.Err, messages.ErrNoWorkers)
		assert.Empty(t, r.members())

		r.request(1)
		result = r.answers()[0].(*messages.Result)
		assert.ErrorIs(t, result.Err, messages.ErrNoWorkers)
		assert.Equal(t, messages.Rejected, result.Outcome)

		root.Send(pool, &messages.Resume{})
		root.Send(pool, &protorouter.AddRoutee{PID: answerer(t, root, 0)})
		synctest.Wait()
		r.request(1)
		assert.Equal(t, []any{0}, r.answers())
		assert.Zero(t, failures, "the parent hears nothing")
		require.NoError(t, root.StopFuture(parent).Wait())
	})
}

func TestARouteeThatWasDeadWhenItCameLeavesAtOnce(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		dead := root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
		require.NoError(t, root.StopFuture(dead).Wait())
		nobody := actor.NewPID("nonhost", "nobody")
		r := startRoutees(t, root, []*actor.PID{dead, answerer(t, root, 0), nobody}, dispatch)
		assert.Len(t, r.members(), 1)
		root.Send(r.pool, &protorouter.AddRoutee{PID: dead})
		assert.Len(t, r.members(), 1)
		r.request(10)
		assert.Len(t, r.answers(), 10)
		assert.EqualValues(t, 10, r.stats().Succeeded)
	})
}

func TestARemovedRouteeFinishesWhatItHas(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		s := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{s.pid}, dispatch)
		r.request(1)
		root.Send(r.pool, &protorouter.RemoveRoutee{PID: s.pid})
		assert.Empty(t, r.members())
		assert.EqualValues(t, 1, r.stats().Running)
		root.Send((<-s.got).Sender, "done")
		assert.Equal(t, []any{"done"}, r.answers())
		assert.EqualValues(t, 1, r.stats().Succeeded)

		root.Send(s.pid, "alive")
		assert.Equal(t, "alive", (<-s.got).Message)
		root.Send(r.pool, &protorouter.AddRoutee{PID: s.pid})
		assert.Len(t, r.members(), 1)
		r.request(1)
		assert.Len(t, s.got, 1)
	})
}

func TestADrainWaitsForRoutees(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		for _, drain := range []any{&messages.Drain{}, &actor.PoisonPill{}, &messages.Finish{}} {
			routee := answerer(t, root, time.Second)
			r := startRoutees(t, root, []*actor.PID{routee}, dispatch)
			r.request(1)
			root.Send(r.pool, drain)
			assert.Empty(t, r.answers())
			time.Sleep(time.Second)
			assert.Equal(t, []any{0}, r.answers())
			_, err := root.RequestFuture(routee, 2, 2*time.Second).Result()
			assert.NoError(t, err, "the pool stops no routee")
		}
	})
}

func TestAStopCancelsTheTasksOfRoutees(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		system := pooltest.System()
		root := system.Root
		s := newSilent(t, root)
		r := startRoutees(t, root, []*actor.PID{s.pid}, dispatch)
		r.request(1)
		require.NoError(t, root.StopFuture(r.pool).Wait())
		result := r.answers()[0].(*messages.Result)
		assert.ErrorIs(t, result.Err, messages.ErrPoolStopped)
		assert.Equal(t, messages.Canceled, result.Outcome)
		_, exists := system.ProcessRegistry.GetLocal(s.pid.Id)
		assert.True(t, exists)
		for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
			for _, name := range bucket.Keys() {
				assert.NotContains(t, name, r.pool.Id+"/")
			}
		}
	})
}

func TestRouteesSurviveARestartOfTheirPool(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		stays, goes, comes := answerer(t, root, 0), answerer(t, root, 0), answerer(t, root, 0)
		restart := func(s actor.Supervisor, child *actor.PID, _ any) { s.RestartChildren(child) }
		_, pool := pooltest.SpawnUnder(t, root, actors.PropsFromRoutees([]*actor.PID{stays, goes}, dispatch), pooltest.Strategy(restart))
		r := &routees{root: root, pool: pool, in: pooltest.NewInbox(t, root), t: t}
		root.Send(pool, &protorouter.AddRoutee{PID: comes})
		root.Send(pool, &protorouter.RemoveRoutee{PID: goes})
		require.Len(t, r.members(), 2)
		process, _ := root.ActorSystem().ProcessRegistry.GetLocal(pool.Id)
		process.SendSystemMessage(pool, &actor.Restart{})
		assert.ElementsMatch(t, []*actor.PID{stays, comes}, r.members())
		r.request(4)
		assert.Len(t, r.answers(), 4)
	})
}

func TestAWorkerOfARouteeThatIsStoppedIsReplaced(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		routee := answerer(t, root, 0)
		r := startRoutees(t, root, []*actor.PID{routee}, dispatch)
		worker := r.stats().Workers[0].ID
		root.Stop(actor.NewPID("nonhost", worker))
		assert.Equal(t, []*actor.PID{routee}, r.members())
		assert.NotEqual(t, worker, r.stats().Workers[0].ID)
		r.request(1)
		assert.Equal(t, []any{0}, r.answers())
	})
}

func TestAPoolOfRouteesHasNoSizeOfItsOwn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		routee := answerer(t, root, 0)
		r := startRoutees(t, root, []*actor.PID{routee, routee})
		assert.Len(t, r.members(), 1, "each counts once")
		for _, resize := range []any{&messages.Resize{Size: 2}, &protorouter.AdjustPoolSize{Change: 1}} {
			assert.ErrorIs(t, r.in.Result(t, r.pool, resize).Err, messages.ErrInvalidOption)
		}
		assert.ErrorIs(t, r.in.Result(t, r.pool, &protorouter.AddRoutee{PID: r.pool}).Err, messages.ErrInvalidOption)
		assert.Len(t, r.members(), 1)
	})
}

func TestAPoolOfRouteesMayBeginEmpty(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		r := startRoutees(t, root, nil)
		r.request(1)
		assert.ErrorIs(t, r.answers()[0].(*messages.Result).Err, messages.ErrNoWorkers)
		root.Send(r.pool, &protorouter.AddRoutee{PID: answerer(t, root, 0)})
		synctest.Wait()
		r.request(1)
		assert.Equal(t, []any{0}, r.answers())
	})
}

func TestASenderThatARouteeWatchesIsTheRealOne(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		ends := make(chan *actor.PID, 1)
		routee := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case int:
				ctx.Watch(ctx.Sender())
			case *actor.Terminated:
				ends <- m.Who
			}
		}))
		r := startRoutees(t, root, []*actor.PID{routee})
		r.request(1)
		assert.Empty(t, ends)
		require.NoError(t, root.StopFuture(r.in.PID).Wait())
		assert.Equal(t, r.in.PID.Id, (<-ends).Id)
	})
}

// A routee may still be working on the message.
func TestThePayloadThatARouteeHasIsNotLookedAt(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		routee := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
			if n, ok := ctx.Message().(*int); ok {
				for range 10 {
					*n++
					time.Sleep(time.Second)
				}
			}
		}))
		r := startRoutees(t, root, []*actor.PID{routee}, dispatch, actors.WithTaskTimeout(4500*time.Millisecond))
		j := pooltest.AttachJournal(root, journal.Options{Keep: 10, Payload: func(p any) string { return fmt.Sprint(*p.(*int)) }})
		r.in.Request(r.pool, new(int))
		time.Sleep(5 * time.Second)
		require.Len(t, r.answers(), 1)
		entries, _, _ := j.Since(0)
		require.Len(t, entries, 1)
		assert.Empty(t, entries[0].Payload)
		time.Sleep(10 * time.Second)
	})
}

func TestABadPoolOfRouteesIsAnOptionError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		good := []*actor.PID{actor.NewPID("here", "a")}
		for text, props := range map[string]*actor.Props{
			"routee 1":             actors.PropsFromRoutees(append(good, nil)),
			"routee 0":             actors.PropsFromRoutees([]*actor.PID{{}}),
			"size 2":               actors.PropsFromRoutees(good, actors.WithSize(2)),
			"autoscale":            actors.PropsFromRoutees(good, actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 2})),
			"supervision strategy": actors.PropsFromRoutees(good, actors.WithSupervision(supervisor.OneForOne())),
			"worker props":         actors.PropsFromRoutees(good, actors.WithWorkerProps(actor.WithOnInit())),
			"max held 2":           actors.PropsFromRoutees(good, actors.WithMaxHeld(2)),
			"recycling":            actors.PropsFromRoutees(good, actors.WithMaxTasks(2)),
			"middleware": actors.PropsFromRoutees(good, actors.WithMiddleware(
				func(h actors.Handler[int, int]) actors.Handler[int, int] { return h })),
		} {
			_, err := root.SpawnNamed(props, "pool")
			require.ErrorIs(t, err, messages.ErrInvalidOption, text)
			assert.ErrorContains(t, err, text)
		}
	})
}

func TestAPoolMayBeARouteeOfAnother(t *testing.T) {
	underBoth(t, func(t *testing.T, dispatch actors.Option) {
		root := pooltest.System().Root
		inner := startRoutees(t, root, []*actor.PID{answerer(t, root, time.Second)}, dispatch)
		outer := startRoutees(t, root, []*actor.PID{inner.pool}, dispatch)
		outer.request(3)
		time.Sleep(3 * time.Second)
		assert.Equal(t, []any{0, 1, 2}, outer.answers())
		assert.EqualValues(t, 3, inner.stats().Succeeded)
		assert.EqualValues(t, 3, outer.stats().Succeeded)
		require.NoError(t, root.StopFuture(inner.pool).Wait())
		assert.Empty(t, outer.members())
	})
}
