package actors

import (
	"context"
	"reflect"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// actorWork is the work of a pool whose workers are the user's own actors.
type actorWork struct {
	engine   *engine.Engine
	timeout  time.Duration // of tasks that name none
	producer actor.Producer
}

var _ work = (*actorWork)(nil)

// newActorWork returns the design of pools of actors; nil for a nil producer.
func newActorWork(producer actor.Producer) design {
	if producer == nil {
		return nil
	}
	return func(c *config) (func() work, error) {
		if len(c.middleware) > 0 {
			return nil, invalid.Option("middleware %T: a pool of user actors has no handler", c.middleware[0])
		}
		if c.hedge > 0 {
			return nil, invalid.Option("hedge after %v: only tasks of a handler can be hedged", c.hedge)
		}
		return func() work { return &actorWork{timeout: c.timeout, producer: producer} }, nil
	}
}

// produce returns nil: an actor is its own state.
func (w *actorWork) produce() func(context.Context) (engine.State, error) { return nil }

func (w *actorWork) setEngine(e *engine.Engine) { w.engine = e }

func (w *actorWork) post(envelope, message any, task *messages.Task, sender *actor.PID) error {
	s := engine.Spec{Mode: engine.NoWait, Timeout: w.timeout, Sender: answerable(message, sender), InBody: true}
	if err := describe(&s, message, task); err != nil {
		w.engine.Rejected(err)
		return err
	}
	return w.engine.Tell(context.Background(), &s, func(body engine.Body) { body.(*mail).envelope = envelope })
}

func (w *actorWork) makeTask(envelope, message any, task *messages.Task, sender *actor.PID, s *engine.Spec) (*engine.Task, error) {
	s.Timeout, s.Sender, s.InBody = w.timeout, sender, true
	return newMail(envelope), describe(s, message, task)
}

func (w *actorWork) newTasks(n int) []*engine.Task {
	slab := make([]mail, n)
	tasks := make([]*engine.Task, n)
	for i := range slab {
		tasks[i] = &slab[i].task
		tasks[i].Init(&slab[i])
	}
	return tasks
}

func (w *actorWork) size() int { return int(reflect.TypeFor[mail]().Size()) }

func (w *actorWork) worker(options []actor.PropsOption) *actor.Props {
	return actor.PropsFromProducer(w.producer, options...).Configure(actor.WithSenderMiddleware(signReports, engine.Outgoing))
}

// mail is a task for the user's own actor: a message as it was sent.
type mail struct {
	task     engine.Task
	envelope any
}

func newMail(envelope any) *engine.Task {
	m := &mail{envelope: envelope}
	m.task.Init(m)
	return &m.task
}

// Message implements engine.Body.
func (m *mail) Message() any { return m.envelope }

// Payload implements engine.Body.
func (m *mail) Payload() any {
	_, message, _ := actor.UnwrapEnvelope(m.envelope)
	if task, ok := message.(*messages.Task); ok {
		return task.Payload
	}
	return message
}

// Sender implements engine.Body.
func (m *mail) Sender() *actor.PID {
	if envelope, ok := m.envelope.(*actor.MessageEnvelope); ok {
		return answerable(envelope.Message, envelope.Sender)
	}
	return nil
}

// Caller implements engine.Body.
func (m *mail) Caller() context.Context { return nil }

// Exact implements engine.Body.
func (m *mail) Exact() bool { return true }

// Owner implements engine.Body.
func (m *mail) Owner() any { return nil }

// Disowned implements engine.Body.
func (m *mail) Disowned() {}

// Copy implements engine.Body. What the worker responds still reaches the sender; the
// pool has nothing more to tell.
func (m *mail) Copy() *engine.Task { return newMail(m.envelope) }

// Run is never called: the worker's actor does the work.
func (m *mail) Run(*engine.Context) error { return nil }

// Settled tells the sender what only the pool knows. What the worker has to say, it has
// said itself.
func (m *mail) Settled(s *engine.Settlement) { s.Tell() }

// Released implements engine.Body.
func (m *mail) Released() { m.envelope = nil }

// Unlinked implements engine.Body.
func (m *mail) Unlinked() {}

// signReports makes the worker's reports say who sent them.
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
