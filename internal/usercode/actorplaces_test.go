package usercode_test

import (
	"reflect"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// actorPlaces are the places in pools of the user's own actors.
func actorPlaces() (places []place) {
	requests := func(message func(s *fixture) any) func(*fixture) {
		return func(s *fixture) { s.ask(message(s)) }
	}
	deed := func(d func(s *fixture, ctx actor.Context)) func(*fixture) {
		return requests(func(s *fixture) any {
			return &messages.Task{Payload: pooltest.Deed(func(ctx actor.Context) { d(s, ctx) }), Timeout: 2 * time.Second}
		})
	}
	crash := deed(func(*fixture, actor.Context) { panic(errTask) })
	places = append(places,
		place{name: "actor's Receive", produce: obedient, options: with(), trigger: deed(func(s *fixture, _ actor.Context) { s.harm() })},
		place{name: "actor's Receive after Hold", produce: obedient, options: with(), trigger: deed(func(s *fixture, ctx actor.Context) {
			actors.Hold(ctx)
			s.harm()
		})},
		place{name: "message to an actor that holds a task", produce: obedient, options: with(), trigger: deed(func(s *fixture, ctx actor.Context) {
			actors.Hold(ctx)
			ctx.Send(ctx.Self(), pooltest.Deed(func(actor.Context) { s.harm() }))
		})},
		place{
			name: "retry predicate of Fail", produce: obedient, options: retryHarm,
			trigger: deed(func(_ *fixture, ctx actor.Context) { actors.Fail(ctx, errTask) }),
		},
		place{
			name: "retry predicate of Done", produce: obedient, options: retryHarm,
			trigger: deed(func(_ *fixture, ctx actor.Context) {
				held := actors.Hold(ctx)
				go held.Done(errTask)
			}),
		},
		place{
			name: "error given to Fail", produce: obedient, options: with(actors.WithRetry(actors.Retry{Attempts: 2})),
			trigger: deed(func(s *fixture, ctx actor.Context) { actors.Fail(ctx, mean{s, "As"}) }),
		},
		place{
			name: "error as a response", produce: obedient, options: with(actors.WithErrorResponses()),
			trigger: deed(func(s *fixture, ctx actor.Context) { ctx.Respond(mean{s, "As"}) }),
		},
		place{
			name: "GetAutoResponse of a message", produce: obedient, options: with(),
			trigger: requests(func(s *fixture) any { return automatic{s} }),
		},
		place{
			name: "Hash of a message", produce: obedient, options: with(actors.WithDispatch(router.ConsistentHash())),
			trigger: func(s *fixture) { s.system.Root.Send(s.pid, hashed{s}) },
		},
		place{
			name: "Hash of a broadcast message", produce: obedient, options: with(),
			trigger: func(s *fixture) { s.system.Root.Send(s.pid, &messages.Broadcast{Message: hashed{s}}) },
		},
		place{
			name: "GetMessages of a batch", produce: obedient, options: with(),
			trigger: func(s *fixture) { s.system.Root.Send(s.pid, batch{s}) },
		},
		place{name: "constructor at a restart", options: with(), trigger: crash, produce: func(s *fixture) actor.Producer {
			produce := obedient(s)
			return func() actor.Actor { s.harm(); return produce() }
		}},
		place{
			name: "constructor of a replacement", options: with(), trigger: deed(func(_ *fixture, ctx actor.Context) { ctx.Stop(ctx.Self()) }),
			produce: func(s *fixture) actor.Producer {
				produce := obedient(s)
				return func() actor.Actor { s.harm(); return produce() }
			},
		},
		place{
			name: "text of a constructor's panic", options: with(), trigger: deed(func(_ *fixture, ctx actor.Context) { ctx.Stop(ctx.Self()) }),
			produce: func(s *fixture) actor.Producer {
				produce := obedient(s)
				return func() actor.Actor {
					if s.armed.Load() {
						panic(mean{s, "Error"})
					}
					return produce()
				}
			},
		},
		place{
			name: "OnInit of a replacement", produce: obedient, trigger: deed(func(_ *fixture, ctx actor.Context) { ctx.Stop(ctx.Self()) }),
			options: func(s *fixture) []actors.Option {
				return []actors.Option{actors.WithWorkerProps(actor.WithOnInit(func(actor.Context) { s.harm() }))}
			},
		},
		place{
			name: "strategy for the actor's children", produce: obedient,
			options: func(s *fixture) []actors.Option {
				return []actors.Option{actors.WithWorkerProps(actor.WithSupervisor(
					pooltest.Strategy(func(p actor.Supervisor, child *actor.PID, _ any) { s.harm(); p.StopChildren(child) })))}
			},
			trigger: deed(func(_ *fixture, ctx actor.Context) {
				child := ctx.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					if ctx.Message() == "crash" {
						panic("child")
					}
				}))
				ctx.Send(child, "crash")
			}),
		},
	)
	// A message that Proto.Actor sends the actor in the course of its life, and what brings it.
	for _, life := range []struct {
		message any
		trigger func(*fixture)
	}{
		{&actor.Started{}, crash},
		{&actor.Restarting{}, crash},
		{&actor.Stopping{}, deed(func(_ *fixture, ctx actor.Context) { ctx.Stop(ctx.Self()) })},
		{&actor.Stopped{}, deed(func(_ *fixture, ctx actor.Context) { ctx.Stop(ctx.Self()) })},
		{&actor.Terminated{}, deed(func(_ *fixture, ctx actor.Context) {
			ctx.Stop(ctx.Spawn(actor.PropsFromFunc(func(actor.Context) {})))
		})},
		{&actor.ReceiveTimeout{}, deed(func(_ *fixture, ctx actor.Context) { ctx.SetReceiveTimeout(time.Second) })},
	} {
		name := reflect.TypeOf(life.message).Elem().Name()
		places = append(places, place{
			name: "actor at " + name, options: with(), trigger: life.trigger,
			produce: func(s *fixture) actor.Producer {
				return func() actor.Actor {
					return actor.ReceiveFunc(func(ctx actor.Context) {
						if reflect.TypeOf(ctx.Message()) == reflect.TypeOf(life.message) {
							s.harm()
						}
						obey(ctx)
					})
				}
			},
		})
	}
	for name, option := range map[string]func(s *fixture) actor.PropsOption{
		"receiver middleware": func(s *fixture) actor.PropsOption {
			return actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
				return func(ctx actor.ReceiverContext, e *actor.MessageEnvelope) {
					if _, ok := e.Message.(*messages.Task); ok {
						s.harm()
					}
					next(ctx, e)
				}
			})
		},
		"sender middleware": func(s *fixture) actor.PropsOption {
			return actor.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
				return func(ctx actor.SenderContext, to *actor.PID, e *actor.MessageEnvelope) { s.harm(); next(ctx, to, e) }
			})
		},
		"context decorator": func(s *fixture) actor.PropsOption {
			return actor.WithContextDecorator(func(next actor.ContextDecoratorFunc) actor.ContextDecoratorFunc {
				return func(ctx actor.Context) actor.Context { s.harm(); return next(ctx) }
			})
		},
	} {
		places = append(places, place{
			name: name, produce: obedient, trigger: perhaps(deed(func(_ *fixture, ctx actor.Context) { ctx.Respond("done") })),
			options: func(s *fixture) []actors.Option { return []actors.Option{actors.WithWorkerProps(option(s))} },
		})
	}
	return places
}

// retryHarm retries with a predicate that misbehaves.
func retryHarm(s *fixture) []actors.Option {
	return []actors.Option{actors.WithRetry(actors.Retry{Attempts: 2, On: func(error) bool { s.harm(); return true }})}
}

// obedient makes actors that do what they are sent.
func obedient(*fixture) actor.Producer {
	return func() actor.Actor { return actor.ReceiveFunc(obey) }
}

func obey(ctx actor.Context) {
	message := ctx.Message()
	if task, ok := message.(*messages.Task); ok {
		message = task.Payload
	}
	if deed, ok := message.(pooltest.Deed); ok {
		deed(ctx)
	}
}

// automatic is a message that answers itself.
type automatic struct{ s *fixture }

func (a automatic) GetAutoResponse(actor.Context) any { a.s.harm(); return "automatic" }

type hashed struct{ s *fixture }

func (h hashed) Hash() string { h.s.harm(); return "key" }

type batch struct{ s *fixture }

func (b batch) GetMessages() []any { b.s.harm(); return nil }
