package actors_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/persistence"
	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// What an actor can do it can also do as a worker.

func TestBehaviorsWorkInWorkers(t *testing.T) {
	seen := sameAsAPlainActor(t, func(th *theater) actor.Actor {
		behavior := actor.NewBehavior()
		named := func(name string) actor.ReceiveFunc {
			return func(ctx actor.Context) {
				if _, ok := ctx.Message().(string); ok {
					ctx.Respond(name)
				}
			}
		}
		behavior.Become(named("first"))
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch ctx.Message() {
			case 1:
				behavior.Become(named("second"))
			case 2:
				behavior.BecomeStacked(named("third"))
			case 3:
				behavior.UnbecomeStacked()
			case 4:
				panic("a panic")
			default:
				behavior.Receive(ctx)
			}
		})
	}, func(th *theater) {
		th.ask("which?")
		th.tell(1)
		th.ask("which?")
		th.tell(2)
		th.ask("which?")
		th.tell(3)
		th.ask("which?")
		th.tell(4)
		th.ask("which?")
	})
	assert.Equal(t, []string{
		"answer: first", "answer: second", "answer: third", "answer: second", "answer: first",
	}, seen)
}

func TestStashedMessagesComeBackAfterARestart(t *testing.T) {
	seen := sameAsAPlainActor(t, func(th *theater) actor.Actor {
		restarted := th.noted() // by an earlier incarnation
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case int:
				if !restarted {
					th.note("stash %d", message)
					ctx.Stash()
					return
				}
				th.note("%d from %v", message, ctx.Sender())
			case error:
				panic(message)
			}
		})
	}, func(th *theater) {
		th.tell(1, 2)
		th.ask(3)
		th.tell(errors.New("a panic"), 4)
	})
	// Proto.Actor brings them back in reverse order and without their senders.
	assert.Equal(t, []string{
		"stash 1", "stash 2", "stash 3", "3 from <nil>", "2 from <nil>", "1 from <nil>", "4 from <nil>",
	}, seen)
}

func TestReceiveTimeoutsWorkInWorkers(t *testing.T) {
	seen := sameAsAPlainActor(t, func(th *theater) actor.Actor {
		begun := time.Now()
		return actor.ReceiveFunc(func(ctx actor.Context) {
			at := time.Since(begun)
			switch message := ctx.Message().(type) {
			case time.Duration:
				ctx.SetReceiveTimeout(message)
				th.note("%v: set to %v", at, ctx.ReceiveTimeout())
			case string:
				ctx.CancelReceiveTimeout()
				th.note("%v: canceled", at)
			case int:
				th.note("%v: int", at)
			case *actor.ReceiveTimeout:
				th.note("%v: timeout", at)
			}
		})
	}, func(th *theater) {
		pass := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		th.tell(time.Second)
		pass(600 * time.Millisecond)
		th.tell(1) // postpones it
		pass(600 * time.Millisecond)
		pass(600 * time.Millisecond)
		th.tell(2 * time.Second)
		pass(5 * time.Second)
		th.tell(time.Second, "cancel")
		pass(5 * time.Second)
	})
	assert.Equal(t, []string{
		"0s: set to 1s", "600ms: int", "1.6s: timeout",
		"1.8s: set to 2s", "3.8s: timeout", "6.8s: set to 1s", "6.8s: canceled",
	}, seen)
}

// decorated is a context that says so.
type decorated struct{ actor.Context }

func TestMiddlewareOfAllKindsWorksInWorkers(t *testing.T) {
	var th *theater
	receiver := actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
			th.note("receiver: %T", envelope.Message)
			if n, ok := envelope.Message.(int); ok {
				changed := *envelope
				changed.Message = n + 1
				envelope = &changed
			}
			next(ctx, envelope)
		}
	})
	sender := actor.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
		return func(ctx actor.SenderContext, target *actor.PID, envelope *actor.MessageEnvelope) {
			th.note("sender: %v", envelope.Message)
			next(ctx, target, envelope)
		}
	})
	decorator := actor.WithContextDecorator(func(next actor.ContextDecoratorFunc) actor.ContextDecoratorFunc {
		return func(ctx actor.Context) actor.Context { return decorated{next(ctx)} }
	})
	spawning := actor.WithSpawnMiddleware(func(next actor.SpawnFunc) actor.SpawnFunc {
		return func(system *actor.ActorSystem, id string, props *actor.Props, parent actor.SpawnerContext) (*actor.PID, error) {
			th.note("spawn")
			return next(system, id, props, parent)
		}
	})
	initial := actor.WithOnInit(func(actor.Context) { th.note("init") })
	seen := sameAsAPlainActor(t, func(in *theater) actor.Actor {
		th = in
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if n, ok := ctx.Message().(int); ok {
				_, isDecorated := ctx.(decorated)
				ctx.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
				ctx.Respond(fmt.Sprintf("%d %t", n, isDecorated))
			}
		})
	}, func(th *theater) { th.ask(1, 2) }, receiver, sender, decorator, spawning, initial)
	assert.Equal(t, []string{
		"init", "receiver: *actor.Started",
		"receiver: int", "spawn", "sender: 2 true", "answer: 2 true",
		"receiver: int", "spawn", "sender: 3 true", "answer: 3 true",
	}, seen)
}

func TestPersistenceWorksInWorkers(t *testing.T) {
	scene := func(th *theater) {
		for n := range int64(5) {
			th.tell(wrapperspb.Int64(n))
		}
		th.ask("sum")
		th.tell("crash")
		th.ask("sum")
		th.tell(wrapperspb.Int64(100))
		th.ask("sum")
	}
	seen := make(map[string][]string)
	for name, props := range map[string]func(actor.Producer, actor.PropsOption) *actor.Props{
		"plain":  func(p actor.Producer, o actor.PropsOption) *actor.Props { return actor.PropsFromProducer(p, o) },
		"worker": workerProps,
	} {
		store := provider{persistence.NewInMemoryProvider(100)}
		using := actor.WithReceiverMiddleware(persistence.Using(store))
		seen[name] = perform(t, func(*theater) actor.Actor { return new(account) }, scene,
			func(p actor.Producer) *actor.Props { return props(p, using) })
	}
	assert.Equal(t, []string{"answer: 10", "answer: 10", "answer: 110"}, seen["plain"])
	assert.Equal(t, seen["plain"], seen["worker"])
}

func workerProps(p actor.Producer, o actor.PropsOption) *actor.Props {
	return actors.PropsFromProducer(p, actors.WithSize(1), actors.WithWorkerProps(o))
}

func TestAWorkerThatStopsWhenIdleIsReplaced(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		born := 0
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			born++
			number := born
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case *actor.Started:
					ctx.SetReceiveTimeout(time.Second)
				case *actor.ReceiveTimeout:
					ctx.Stop(ctx.Self())
				case string:
					ctx.Respond(number)
				}
			})
		}, actors.WithSize(1)))
		in := pooltest.NewInbox(t, root)
		assert.Equal(t, 1, in.Ask(pool, "who?"))
		time.Sleep(1500 * time.Millisecond)
		assert.Equal(t, 2, in.Ask(pool, "who?"))
		synctest.Wait()
		assert.True(t, in.Stats(t, pool).Balanced())
	})
}
