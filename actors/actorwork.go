package actors

import (
	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// stage is the work of a pool whose workers are the user's own actors.
type stage struct {
	router   *router.Router
	producer actor.Producer
}

var _ work = (*stage)(nil)

// actorWork returns nil for a nil producer.
func actorWork(producer actor.Producer) func(*router.Router) work {
	if producer == nil {
		return nil
	}
	return func(r *router.Router) work { return &stage{router: r, producer: producer} }
}

func (s *stage) accept(envelope any, task *messages.Task, sender *actor.PID) (*router.Cell, error) {
	_, message, _ := actor.UnwrapEnvelope(envelope)
	c := &mail{stage: s, envelope: envelope}
	c.cell.Init(s.router, c)
	c.cell.SetSender(sender)
	return &c.cell, describe(&c.cell, message, task)
}

func (s *stage) newCells() []*router.Cell { return nil }

func (s *stage) worker(options []actor.PropsOption) *actor.Props {
	produce := func() actor.Actor { return guard(s.producer()) }
	return actor.PropsFromProducer(produce, options...).Configure(actor.WithSenderMiddleware(signReports))
}

func (s *stage) adopt(foreign *actor.PID) *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return &deputy{of: foreign} })
}

// mail is a task for the user's own actor: a message as it was sent.
type mail struct {
	cell     router.Cell
	stage    *stage
	envelope any
}

func (m *mail) Message() any { return m.envelope }

// Payload implements router.Body.
func (m *mail) Payload() any {
	_, message, _ := actor.UnwrapEnvelope(m.envelope)
	if task, ok := message.(*messages.Task); ok {
		return task.Payload
	}
	return message
}

// Again implements router.Body. What the worker responds still reaches the sender;
// the pool has nothing more to tell him.
func (m *mail) Again(r *router.Router) *router.Cell {
	again := &mail{stage: m.stage, envelope: m.envelope}
	again.cell.Init(r, again)
	return &again.cell
}

// Run is never called: the worker's actor does the work.
func (m *mail) Run(*router.Context) {}

// Settled tells the sender what only the pool knows. What the worker has to say,
// it has said itself.
func (m *mail) Settled(err error) {
	if err != nil {
		m.cell.Answer(m.stage.router, nil, err)
	}
}

func (m *mail) Released() {}

// signReports has the worker's reports say who sent them.
func signReports(next actor.SenderFunc) actor.SenderFunc {
	return func(ctx actor.SenderContext, target *actor.PID, envelope *actor.MessageEnvelope) {
		if _, ok := envelope.Message.(*messages.Report); ok && envelope.Sender == nil {
			signed := *envelope
			signed.Sender = ctx.Self()
			envelope = &signed
		}
		next(ctx, target, envelope)
	}
}

// guarded is the user's actor. An actor that panics while it is being stopped
// would never be stopped, and neither would its pool.
type guarded struct{ actor.Actor }

// guardedSupervisor is one that supervises its children itself.
type guardedSupervisor struct {
	guarded
	actor.SupervisorStrategy
}

func guard(a actor.Actor) actor.Actor {
	if s, ok := a.(actor.SupervisorStrategy); ok {
		return guardedSupervisor{guarded{a}, s}
	}
	return guarded{a}
}

// Receive implements actor.Actor.
func (g guarded) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		defer func() {
			if value := recover(); value != nil {
				ctx.Logger().Error("worker panicked in its last rites",
					"worker", ctx.Self().Id, "message", ctx.Message(), "panic", value)
			}
		}()
	}
	g.Actor.Receive(ctx)
}

// deputy is a worker that stands for a foreign actor and hands its tasks on: they
// are done when they have been handed on.
type deputy struct{ of *actor.PID }

// Receive implements actor.Actor.
func (d *deputy) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *actor.Started:
		ctx.Watch(d.of)
	case *actor.Terminated:
		ctx.Send(ctx.Parent(), &protorouter.RemoveRoutee{PID: message.Who})
	case actor.SystemMessage, actor.AutoReceiveMessage:
	default:
		ctx.Forward(d.of)
	}
}
