package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// What workers do with other actors.

// child returns the props of an actor that answers strings and panics at integers.
func child(th *theater) *actor.Props {
	return actor.PropsFromFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case string:
			th.note("child: %s with %q", message, header(ctx))
			ctx.Respond("child's " + message)
		case int:
			panic(message)
		case *actor.Restarting, *actor.Stopped:
			th.note("child: %T", message)
		}
	})
}

// header returns a header of the message.
func header(ctx actor.Context) string {
	if header := ctx.MessageHeader(); header != nil {
		return header.Get("k")
	}
	return ""
}

// parent is an actor that has a child. It forwards strings and integers to it.
func parent(th *theater) actor.Actor {
	var of *actor.PID
	return actor.ReceiveFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case *actor.Started:
			of = ctx.Spawn(child(th))
		case string, int:
			ctx.Forward(of)
		case error:
			panic(message)
		case time.Duration:
			th.note("children: %d", len(ctx.Children()))
			ctx.Stop(of)
		case *actor.Terminated:
			th.note("%T %t, children: %d", message, message.Who.Equal(of), len(ctx.Children()))
		}
	})
}

func TestChildrenOfWorkersAnswerThroughForward(t *testing.T) {
	seen := sameAsAPlainActor(t, parent, func(th *theater) {
		th.ask("hello")
		th.root.Send(th.pid, &actor.MessageEnvelope{
			Header: map[string]string{"k": "v"}, Message: "headers", Sender: th.in.PID,
		})
		synctest.Wait()
		th.note("answer: %v", <-th.in.Mail)
	})
	assert.Equal(t, []string{
		`child: hello with ""`, "answer: child's hello", `child: headers with "v"`, "answer: child's headers",
	}, seen)
}

func TestChildrenOfWorkersRestartAndStopAsUsual(t *testing.T) {
	seen := sameAsAPlainActor(t, parent, func(th *theater) {
		th.tell(1) // the child panics
		th.ask("hello")
		th.tell(time.Second) // the child is stopped
	})
	assert.Equal(t, []string{
		"child: *actor.Restarting", `child: hello with ""`, "answer: child's hello",
		"children: 1", "child: *actor.Stopped", "*actor.Terminated true, children: 0",
	}, seen)
}

func TestARestartedWorkerStopsItsChildren(t *testing.T) {
	seen := sameAsAPlainActor(t, parent, func(th *theater) {
		th.tell(assert.AnError)
		th.ask("hello")
	})
	assert.Equal(t, []string{
		"child: *actor.Stopped", "*actor.Terminated true, children: 0", `child: hello with ""`, "answer: child's hello",
	}, seen)
}

func TestWithSupervisorGovernsTheChildrenOfWorkers(t *testing.T) {
	stops := actor.NewOneForOneStrategy(1, 1, func(any) actor.Directive { return actor.StopDirective })
	seen := sameAsAPlainActor(t, parent, func(th *theater) { th.tell(1) }, actor.WithSupervisor(stops))
	assert.Equal(t, []string{"child: *actor.Stopped", "*actor.Terminated true, children: 0"}, seen)
}

// asker is an actor that asks another one before it answers.
func asker(th *theater) actor.Actor {
	var helper *actor.PID
	return actor.ReceiveFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case *actor.Started:
			helper = th.root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if s, ok := ctx.Message().(string); ok && s != "silence" {
					ctx.Respond("help with " + s)
				}
			}))
		case *actor.Stopped:
			th.root.Stop(helper)
		case string:
			ctx.ReenterAfter(ctx.RequestFuture(helper, message, time.Second), func(answer any, err error) {
				th.note("after %v: %v, %v", ctx.Message(), answer, err)
				if err != nil {
					answer = err // Proto.Actor's mailbox cannot take nil
				}
				ctx.Respond(answer)
			})
		case []string:
			ctx.RequestFuture(helper, message[0], time.Second).PipeTo(ctx.Sender())
		}
	})
}

func TestReenterAfterAnswersTheRightSender(t *testing.T) {
	seen := sameAsAPlainActor(t, asker, func(th *theater) {
		th.ask("this")
		other := pooltest.NewInbox(th.t, th.root)
		th.in.Request(th.pid, "silence")
		other.Request(th.pid, "that")
		synctest.Wait()
		th.note("other: %v", <-other.Mail)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		th.note("answer: %v", <-th.in.Mail)
	})
	assert.Equal(t, []string{
		"after this: help with this, <nil>", "answer: help with this",
		"after that: help with that, <nil>", "other: help with that",
		"after silence: <nil>, future: timeout", "answer: future: timeout",
	}, seen)
}

func TestPipeToReachesTheSender(t *testing.T) {
	seen := sameAsAPlainActor(t, asker, func(th *theater) {
		th.ask([]string{"this"})
		th.in.Request(th.pid, []string{"silence"})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		th.note("answer: %v", <-th.in.Mail)
	})
	assert.Equal(t, []string{"answer: help with this", "answer: future: timeout"}, seen)
}

func TestAWorkerMaySendToItself(t *testing.T) {
	seen := sameAsAPlainActor(t, func(th *theater) actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case int:
				th.note("%d, from itself: %t", message, ctx.Self().Equal(ctx.Sender()))
				if message > 0 {
					ctx.Request(ctx.Self(), message-1)
				} else {
					ctx.Respond("done")
				}
			case string:
				th.note("%s", message)
			}
		})
	}, func(th *theater) { th.tell(2) })
	assert.Equal(t, []string{"2, from itself: false", "1, from itself: true", "0, from itself: true", "done"}, seen)
}

func TestAWorkerIsToldWhenAnActorItWatchesStops(t *testing.T) {
	seen := sameAsAPlainActor(t, func(th *theater) actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case *actor.PID:
				ctx.Watch(message)
			case []*actor.PID:
				ctx.Unwatch(message[0])
			case *actor.Terminated:
				th.note("terminated, sender %v", ctx.Sender())
			}
		})
	}, func(th *theater) {
		watched, unwatched := pooltest.NewInbox(th.t, th.root), pooltest.NewInbox(th.t, th.root)
		th.tell(watched.PID, unwatched.PID, []*actor.PID{unwatched.PID})
		th.root.Stop(watched.PID)
		th.root.Stop(unwatched.PID)
	})
	assert.Equal(t, []string{"terminated, sender <nil>"}, seen)
}

func TestAWorkerMayWatchAnotherWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(2))
		in := pooltest.NewInbox(t, pool.System.Root)
		routees := in.Ask(pool.PID, &protorouter.GetRoutees{}).(*protorouter.Routees).PIDs
		require.Len(t, routees, 2)
		in.Request(routees[0], pooltest.Deed(func(ctx actor.Context) { ctx.Watch(routees[1]) }))
		in.Request(in.PID, routees[1]) // the inbox watches it as well
		synctest.Wait()
		pooltest.Drain(in.Mail)

		pool.System.Root.Send(routees[1], pooltest.Fail("a panic"))
		synctest.Wait()
		assert.Empty(t, in.Mail, "it has restarted")
		pool.System.Root.Stop(routees[1])
		synctest.Wait()
		assert.Equal(t, &actor.Terminated{Who: routees[1]}, <-in.Mail)
		assert.Equal(t, 2, pool.Stats().Size)
	})
}
