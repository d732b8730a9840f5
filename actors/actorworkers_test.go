package actors_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// echo is a worker of the user's own.
type echo struct{ got chan<- any }

func (e *echo) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started, *actor.Stopping, *actor.Stopped, *actor.Restarting:
	case string:
		if msg == "panic" {
			panic(pooltest.ErrTask)
		}
		ctx.Respond("echo of " + msg)
	case time.Duration:
		time.Sleep(msg)
	default:
		e.got <- msg
	}
}

func echoes(opts ...actors.Option) (*actor.Props, <-chan any) {
	got := make(chan any, 100)
	return actors.PropsFromProducer(func() actor.Actor { return &echo{got: got} }, opts...), got
}

func TestAnActorWorkerGetsTheMessageAsSentAndAnswersTheSender(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, got := echoes(actors.WithSize(2))
		pool := pooltest.Spawn(t, root, props)
		in := pooltest.NewInbox(t, root)
		assert.Equal(t, "echo of hello", in.Ask(pool, "hello"))
		for _, message := range []any{&messages.Task{Payload: 1}, &struct{ n int }{1}} {
			in.Request(pool, message)
			assert.Same(t, message, <-got)
		}
		assert.True(t, in.Empty(), "the pool adds nothing to what the worker says")
		assert.EqualValues(t, 3, in.Stats(t, pool).Succeeded)
	})
}

func TestThePoolAnswersForAnActorWorkerThatFailed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, _ := echoes(actors.WithSize(1))
		pool := pooltest.Spawn(t, root, props)
		in := pooltest.NewInbox(t, root)
		result := in.Result(t, pool, "panic")
		var panicked *messages.PanicError
		assert.ErrorAs(t, result.Err, &panicked)
		assert.ErrorIs(t, result.Err, pooltest.ErrTask)
		assert.Equal(t, messages.Panicked, result.Outcome)

		root.Send(pool, time.Hour)
		synctest.Wait()
		began := time.Now()
		result = in.Result(t, pool, &messages.Task{Payload: 1, Timeout: time.Second})
		assert.ErrorIs(t, result.Err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, "echo of again", in.Ask(pool, "again"))
		assert.Equal(t, time.Hour, time.Since(began))
	})
}

// What a worker does to its own pool must not block it.
func TestAWorkerMayStopItsOwnPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		var pool *actor.PID
		pool = root.Spawn(actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if msg, ok := ctx.Message().(string); ok {
					ctx.Stop(pool)
					ctx.Respond("stopped for " + msg)
				}
			})
		}, actors.WithSize(1)))
		root.Send(in.PID, pool)
		in.Ask(pool, &messages.Pause{}) // so that both come before the end
		in.Request(pool, "it")
		in.Request(pool, "nothing")
		root.Send(pool, &messages.Resume{})
		var got []string
		for range 4 {
			got = append(got, fmt.Sprintf("%T", <-in.Mail))
		}
		assert.ElementsMatch(t, []string{"string", "*messages.Result", "*messages.Result", "*actor.Terminated"}, got)
	})
}
