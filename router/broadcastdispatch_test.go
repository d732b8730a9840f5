package router_test

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// responder is an actor that responds with its own PID and the header "h".
func responder() actor.Actor {
	return actor.ReceiveFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case int, *messages.Task:
			ctx.Respond(ctx.Self().Id + ctx.MessageHeader().Get("h"))
		}
	})
}

// answersOf waits until all goroutines are idle, and returns what has arrived.
func answersOf(in *pooltest.Inbox) (all []any) {
	synctest.Wait()
	for len(in.Mail) > 0 {
		all = append(all, <-in.Mail)
	}
	return all
}

func TestBroadcastGivesEveryMessageToAllWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(responder, actors.WithSize(3), actors.WithDispatch(router.Broadcast())))
		in := pooltest.NewInbox(t, root)
		question := &actor.MessageEnvelope{Message: 1, Sender: in.PID}
		question.SetHeader("h", "!")
		root.Send(pool, question)
		assert.ElementsMatch(t, []any{
			pool.Id + "/supervisor/1!", pool.Id + "/supervisor/2!", pool.Id + "/supervisor/3!",
		}, answersOf(in))
		in.Request(pool, &messages.Task{Payload: 1})
		assert.Len(t, answersOf(in), 3)
		stats := in.Stats(t, pool)
		assert.EqualValues(t, 6, stats.Submitted)
		assert.EqualValues(t, 6, stats.Succeeded)
	})
}

func TestBroadcastReachesAllRoutees(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pids []*actor.PID
		var want []any
		for range 3 {
			pid := pooltest.Spawn(t, root, actor.PropsFromProducer(responder))
			pids, want = append(pids, pid), append(want, pid.Id)
		}
		pool := pooltest.Spawn(t, root, actors.PropsFromRoutees(pids, actors.WithDispatch(router.Broadcast())))
		in := pooltest.NewInbox(t, root)
		in.Request(pool, 1)
		assert.ElementsMatch(t, want, answersOf(in))

		added := pooltest.Spawn(t, root, actor.PropsFromProducer(responder))
		root.Send(pool, &protorouter.AddRoutee{PID: added})
		synctest.Wait()
		in.Request(pool, 1)
		assert.ElementsMatch(t, append(want, added.Id), answersOf(in))
	})
}

func TestBroadcastAdmitsAllTasksOrNone(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(responder, actors.WithSize(2),
			actors.WithDispatch(router.Broadcast()), actors.WithQueue(2, router.DropOldest)))
		in := pooltest.NewInbox(t, root)
		root.Send(pool, &messages.Pause{})
		synctest.Wait()
		for range 4 {
			in.Request(pool, 1)
		}
		refused := answersOf(in)
		require.NotEmpty(t, refused)
		for _, answer := range refused {
			assert.ErrorIs(t, answer.(*messages.Result).Err, messages.ErrQueueFull)
		}
		root.Send(pool, &messages.Resume{})
		assert.Len(t, answersOf(in), 2*(4-len(refused)))
	})
}

func TestARetryOfABroadcastStaysWithItsWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pids := make([]*actor.PID, 2)
		for i := range pids {
			attempts := 0
			pids[i] = pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(int); ok {
					attempts++
					if attempts == 1 {
						ctx.Respond(pooltest.ErrTask)
						return
					}
					ctx.Respond(ctx.Self().Id)
				}
			}))
		}
		pool := pooltest.Spawn(t, root, actors.PropsFromRoutees(pids, actors.WithDispatch(router.Broadcast()),
			actors.WithErrorResponses(), actors.WithRetry(actors.Retry{Attempts: 2})))
		in := pooltest.NewInbox(t, root)
		in.Request(pool, 1)
		assert.ElementsMatch(t, []any{pids[0].Id, pids[1].Id}, answersOf(in))
	})
}

func TestABroadcastThatLosesItsRouteeIsNotRetried(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		ignores := actor.PropsFromFunc(func(actor.Context) {})
		dies, lives := pooltest.Spawn(t, root, ignores), pooltest.Spawn(t, root, ignores)
		pool := pooltest.Spawn(t, root, actors.PropsFromRoutees([]*actor.PID{dies, lives}, actors.WithDispatch(router.Broadcast()),
			actors.WithRetry(actors.Retry{Attempts: 5})))
		in := pooltest.NewInbox(t, root)
		in.Request(pool, 1)
		synctest.Wait()
		require.NoError(t, root.StopFuture(dies).Wait())
		answers := answersOf(in)
		require.Len(t, answers, 1)
		assert.ErrorIs(t, answers[0].(*messages.Result).Err, messages.ErrRouteeTerminated)
		stats := in.Stats(t, pool)
		assert.EqualValues(t, 1, stats.Failed)
		assert.EqualValues(t, 1, stats.Running)
	})
}

func TestBroadcastWithAHandlerIsAnOptionError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		_, err := actors.NewPool(pooltest.System().Root, pooltest.Double, actors.WithDispatch(router.Broadcast()))
		assert.ErrorIs(t, err, messages.ErrInvalidOption)
		assert.ErrorContains(t, err, "broadcast")
	})
}
