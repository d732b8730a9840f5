package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// An answered is an answer with the actor that has sent it.
type answered struct {
	message any
	sender  *actor.PID
}

// spawnAsker starts an actor that keeps its answers.
func spawnAsker(t *testing.T, root *actor.RootContext) (*actor.PID, chan answered) {
	t.Helper()
	answers := make(chan answered, 100)
	return pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case actor.SystemMessage, actor.AutoReceiveMessage:
		default:
			answers <- answered{ctx.Message(), ctx.Sender()}
		}
	})), answers
}

// take is a handler whose tasks take the given time, or panic if that is 0.
func take(ctx context.Context, d time.Duration) (time.Duration, error) {
	if d == 0 {
		panic("zero")
	}
	return pooltest.Sleep(ctx, d)
}

// taker is take for a pool of actors.
func taker(ctx actor.Context) {
	task, ok := ctx.Message().(*messages.Task)
	if !ok {
		return
	}
	d, _ := task.Payload.(time.Duration)
	if d == 0 {
		panic("zero")
	}
	time.Sleep(d)
}

// TestEveryResultSaysWhereItComesFrom checks the pool's name, the headers of the task and the
// sender, on every path that a Result takes.
func TestEveryResultSaysWhereItComesFrom(t *testing.T) {
	headers := map[string]string{"trace": "7"}
	task := func(d time.Duration) *messages.Task {
		return &messages.Task{ID: "x", Payload: d, Headers: headers, Timeout: time.Hour}
	}
	type send func(message any)
	cancelIt := func(send send) { send(task(time.Minute)); synctest.Wait(); send(&messages.Cancel{ID: "x"}) }
	full := actors.WithQueue(0, actors.Reject)
	for _, path := range []struct {
		name    string
		option  actors.Option
		do      func(send send)
		outcome messages.Outcome
		control bool // the answer is to a control message, which has no headers
		handled bool // only for a pool with a handler
	}{
		{name: "success", do: func(send send) { send(task(1)) }, outcome: messages.Succeeded, handled: true},
		{name: "panic", do: func(send send) { send(task(0)) }, outcome: messages.Panicked},
		{name: "timeout", do: func(send send) { send(task(2 * time.Hour)) }, outcome: messages.TimedOut},
		{
			name: "timeout of a queued task", outcome: messages.TimedOut,
			do: func(send send) { send(nil); synctest.Wait(); send(task(1)) },
		},
		{name: "cancel", do: cancelIt, outcome: messages.Canceled},
		{
			name: "cancel of a queued task", outcome: messages.Canceled,
			do: func(send send) { send(nil); synctest.Wait(); cancelIt(send) },
		},
		{
			name: "no room", option: full, outcome: messages.Rejected,
			do: func(send send) { send(nil); synctest.Wait(); send(task(1)) },
		},
		{
			name: "newest dropped", option: actors.WithQueue(0, actors.DropNewest), outcome: messages.Dropped,
			do: func(send send) { send(nil); synctest.Wait(); send(task(1)) },
		},
		{
			name: "oldest dropped", option: actors.WithQueue(1, actors.DropOldest), outcome: messages.Dropped,
			do: func(send send) { send(nil); synctest.Wait(); send(task(1)); send(nil) },
		},
		{
			name: "invalid", outcome: messages.Rejected,
			do: func(send send) { send(&messages.Task{ID: "x", Headers: headers, Timeout: -1}) },
		},
		{
			name: "payload type", outcome: messages.Rejected, handled: true,
			do: func(send send) { send(&messages.Task{ID: "x", Headers: headers, Payload: "text"}) },
		},
		{
			name: "broadcast", outcome: messages.TimedOut,
			do: func(send send) { send(&messages.Broadcast{Message: task(2 * time.Hour)}) },
		},
		{
			name: "rejected broadcast", option: full, outcome: messages.Rejected,
			do: func(send send) { send(nil); synctest.Wait(); send(&messages.Broadcast{Message: task(1)}) },
		},
		{
			name: "rejected broadcast of Proto.Actor", option: full, outcome: messages.Rejected,
			do: func(send send) { send(nil); synctest.Wait(); send(&protorouter.BroadcastMessage{Message: task(1)}) },
		},
		{
			name: "a batch", option: full, outcome: messages.Rejected,
			do: func(send send) { send(nil); synctest.Wait(); send(batch{task(1)}) },
		},
		{
			name: "retries spent", option: actors.WithRetry(actors.Retry{Attempts: 2, Panics: true}), outcome: messages.Panicked,
			do: func(send send) { send(task(0)) },
		},
		{
			name: "quarantine", option: actors.WithQuarantine(actors.Quarantine{Crashes: 1}), outcome: messages.Quarantined,
			do: func(send send) { send(task(0)) },
		},
		{
			name: "finish", outcome: messages.Dropped,
			do: func(send send) { send(nil); synctest.Wait(); send(task(1)); send(&messages.Finish{}) },
		},
		{
			name: "a pool that stops", outcome: messages.Rejected,
			do: func(send send) { send(nil); synctest.Wait(); send(&messages.Drain{}); synctest.Wait(); send(task(1)) },
		},
		{name: "invalid size", outcome: messages.Rejected, control: true, do: func(send send) { send(&messages.Resize{}) }},
		{name: "nil message", outcome: messages.Rejected, control: true, do: func(send send) { send((*messages.Resize)(nil)) }},
		{name: "no ID", outcome: messages.Rejected, control: true, do: func(send send) { send(&messages.Cancel{}) }},
		{
			name: "pause of a pool that stops", outcome: messages.Rejected, control: true,
			do: func(send send) { send(nil); synctest.Wait(); send(&messages.Drain{}); send(&messages.Pause{}) },
		},
		{
			name: "room of a pool that stops", outcome: messages.Rejected, control: true,
			do: func(send send) {
				send(nil)
				synctest.Wait()
				send(&messages.Drain{})
				synctest.Wait()
				send(&messages.NotifyRoom{})
			},
		},
	} {
		option := path.option
		if option == nil {
			option = actors.WithTaskTimeout(0)
		}
		options := []actors.Option{actors.WithName("origin"), actors.WithSize(1), option}
		check := func(t *testing.T, props *actor.Props) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Spawn(t, root, props)
				asker, answers := spawnAsker(t, root)
				path.do(func(message any) {
					if message == nil { // a task that keeps the worker busy, without an answer
						root.Send(pool, &messages.Task{Payload: 2 * time.Hour})
						return
					}
					root.RequestWithCustomSender(pool, message, asker)
				})
				for {
					answer := <-answers
					assert.True(t, pool.Equal(answer.sender), "%T from %v", answer.message, answer.sender)
					result, ok := answer.message.(*messages.Result)
					if !ok { // of another control message
						continue
					}
					assert.Equal(t, path.outcome, result.Outcome)
					assert.Equal(t, "origin", result.Pool)
					if !path.control {
						assert.Equal(t, headers, result.Headers)
						assert.Equal(t, "x", result.TaskID)
					}
					time.Sleep(24 * time.Hour) // until no Receive runs
					return
				}
			})
		}
		t.Run(path.name, func(t *testing.T) { check(t, actors.PropsFromHandler(take, options...)) })
		if !path.handled {
			t.Run(path.name+" of actors", func(t *testing.T) {
				check(t, actors.PropsFromProducer(func() actor.Actor { return actor.ReceiveFunc(taker) }, options...))
			})
		}
	}
}
