package actors_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/persistence"
	"github.com/asynkron/protoactor-go/plugin"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// These tests run Proto.Actor's own parts inside of workers: a worker of a pool made by
// PropsFromProducer is the user's actor itself.

// provider is the storage of package persistence, in memory.
type provider struct{ *persistence.InMemoryProvider }

func (p provider) GetState() persistence.ProviderState { return p.InMemoryProvider }

// account is a persistent actor that sums up what it is sent.
type account struct {
	persistence.Mixin
	sum int64
}

func (a *account) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *wrapperspb.Int64Value:
		if !a.Recovering() {
			a.PersistReceive(message)
		}
		a.sum += message.Value
	case string:
		if message == "crash" {
			panic(message)
		}
		ctx.Respond(a.sum)
	}
}

func TestAPersistentWorkerRecoversAfterARestart(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		store := provider{persistence.NewInMemoryProvider(100)}
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor { return new(account) },
			actors.WithSize(1), actors.WithWorkerProps(actor.WithReceiverMiddleware(persistence.Using(store)))))
		in := pooltest.NewInbox(t, root)
		for n := range int64(4) {
			root.Send(pool, wrapperspb.Int64(n))
		}
		require.IsType(t, &messages.Result{}, in.Ask(pool, "crash"))
		assert.EqualValues(t, 6, in.Ask(pool, "sum"))
		assert.EqualValues(t, 1, in.Stats(t, pool).Restarts)
	})
}

// sleeper is an actor that passivates itself.
type sleeper struct {
	plugin.PassivationHolder
	born chan<- *sleeper
}

func (s *sleeper) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		s.born <- s
	case string:
		ctx.Respond(ctx.Actor() == actor.Actor(s))
	}
}

func TestAPassivatedWorkerIsReplaced(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		born := make(chan *sleeper, 10)
		pool, err := root.SpawnNamed(actors.PropsFromProducer(func() actor.Actor { return &sleeper{born: born} },
			actors.WithSize(1), actors.WithWorkerProps(actor.WithReceiverMiddleware(
				plugin.Use(&plugin.PassivationPlugin{Duration: time.Second})))), "pool")
		require.NoError(t, err)
		in := pooltest.NewInbox(t, root)
		assert.Equal(t, true, in.Ask(pool, "am I what the producer made?"))
		assert.Len(t, born, 1)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		assert.Len(t, born, 2, "it was idle for a second")
		assert.Equal(t, true, in.Ask(pool, "again"))
		require.NoError(t, root.StopFuture(pool).Wait())
		// The plugin leaves a goroutine behind for an actor that is stopped before its time.
		for len(born) > 0 {
			s := <-born
			s.Reset(time.Millisecond)
		}
		time.Sleep(time.Second)
	})
}

func TestMessagesThatAnswerThemselvesGoToAWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, _ := echoes(actors.WithSize(1))
		pool := pooltest.Spawn(t, root, props)
		in := pooltest.NewInbox(t, root)
		touched, ok := in.Ask(pool, &actor.Touch{}).(*actor.Touched)
		require.True(t, ok)
		assert.Equal(t, pool.Id+"/supervisor/1", touched.Who.Id)
		synctest.Wait() // the answer comes before the task is settled
		assert.EqualValues(t, 1, in.Stats(t, pool).Succeeded)

		typed := pooltest.Open(t, root, pooltest.Double)
		assert.ErrorIs(t, in.Result(t, typed.PID(), &actor.Touch{}).Err, messages.ErrPayloadType)
	})
}

func TestControlMessagesMayBeSentByValue(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, _ := echoes(actors.WithSize(2))
		pool := pooltest.Spawn(t, root, props)
		in := pooltest.NewInbox(t, root)
		assert.IsType(t, &messages.Stats{}, in.Ask(pool, messages.GetStats{}))
		assert.Equal(t, &messages.Resized{From: 2, To: 3}, in.Ask(pool, messages.Resize{Size: 3}))
		assert.Equal(t, &messages.Paused{}, in.Ask(pool, messages.Pause{}))
		assert.Equal(t, &messages.Resumed{}, in.Ask(pool, messages.Resume{}))
		assert.Equal(t, &messages.Quarantine{Tasks: []messages.QuarantinedTask{}}, in.Ask(pool, messages.ListQuarantine{}))
		assert.IsType(t, &messages.Requeued{}, in.Ask(pool, messages.Requeue{}))
		assert.Equal(t, &messages.Deleted{}, in.Ask(pool, messages.DeleteQuarantined{}))
		in.Request(pool, messages.Broadcast{Message: "hello"})
		for range 3 {
			assert.Equal(t, "echo of hello", <-in.Mail)
		}
		assert.IsType(t, &messages.DrainReport{}, in.Ask(pool, messages.Drain{}))
	})
}

// Whatever is sent to an address that belongs to a pool becomes a task, an answer, or a
// Proto.Actor dead letter. A worker made by the user reads what is sent to it directly.
func TestNoMessageDisappears(t *testing.T) {
	var read atomic.Int64
	reads := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if ctx.Sender() != nil {
				read.Add(1)
			}
		})
	}
	for name, props := range map[string]*actor.Props{
		"handler": actors.PropsFromHandler(pooltest.Double, actors.WithSize(1)),
		"actors":  actors.PropsFromProducer(reads, actors.WithSize(1)),
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool, err := root.SpawnNamed(props, "pool")
				require.NoError(t, err)
				in := pooltest.NewInbox(t, root)
				letters := pooltest.Events[*actor.DeadLetterEvent](t, root.ActorSystem())
				reach := func(when string) {
					for _, address := range []string{"pool", "pool/supervisor", "pool/supervisor/1"} {
						for _, message := range anything() {
							read.Store(0)
							in.Request(root.ActorSystem().NewLocalPID(address), message)
							time.Sleep(time.Second)
							synctest.Wait()
							heard := len(pooltest.Drain(in.Mail)) + len(pooltest.Drain(letters)) + int(read.Load())
							assert.Positive(t, heard, "%T to %s, %s", message, address, when)
						}
					}
				}
				reach("while it runs")
				require.NoError(t, root.StopFuture(pool).Wait())
				reach("when it has stopped")
			})
		})
	}
}

func anything() []any {
	return []any{
		"text", 7, &messages.Task{Payload: 7}, (*messages.Task)(nil), &messages.Task{}, &actor.Touch{},
		&messages.GetStats{},
		messages.Resize{Size: 1},
		&messages.Resize{Size: -1}, (*messages.Resize)(nil),
		&messages.Broadcast{Message: 7}, &messages.Broadcast{}, &protorouter.GetRoutees{},
		&protorouter.BroadcastMessage{Message: 7}, &messages.Requeue{Numbers: []int64{9}},
		errors.New("an error"),
		struct{}{},
		nil,
		batch{"a", 7},
	}
}
