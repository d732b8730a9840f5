package engine

import (
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/internal/mailbox"
	"github.com/troupe-go/troupe/internal/request"
	"github.com/troupe-go/troupe/internal/watchers"
	"github.com/troupe-go/troupe/messages"
)

// A poolMailbox is the mailbox of the pool's own actor, whose PID is the pool's. Tasks go
// straight from their sender's goroutine to the queues. Only messages for the pool itself
// reach its actor. Whatever is posted becomes a task, an answer, or a Proto.Actor dead
// letter.
type poolMailbox struct {
	*mailbox.Mailbox // for the messages to the pool itself
	engine           *Engine
	failures         *actor.RestartStatistics // of the pool, for its parent's strategy
	watchers         watchers.Watchers
	requests         requests
	stopping         atomic.Bool // the pool has been told to stop
}

func newPoolMailbox(e *Engine) *poolMailbox {
	m := &poolMailbox{engine: e, failures: actor.NewRestartStatistics()}
	m.Mailbox = mailbox.New(m.unread)
	return m
}

// PostUserMessage submits a task, or queues a message for the pool itself. It never blocks.
func (m *poolMailbox) PostUserMessage(envelope any) {
	envelope = mailbox.Sound(envelope)
	message, sender := envelope, (*actor.PID)(nil)
	if wrapped, ok := envelope.(*actor.MessageEnvelope); ok {
		message, sender = wrapped.Message, wrapped.Sender
	}
	switch message := message.(type) {
	case *messages.Task:
		m.submit(envelope, message, message, sender)
	case *actor.PoisonPill:
		// Proto.Actor would stop the actor at once.
		m.engine.Drain(func() { m.engine.cfg.System.Root.Stop(m.engine.self) })
	case *request.Request, *noWorkers, *escalation:
		m.Mailbox.PostUserMessage(envelope)
	case *actor.DeadLetterResponse: // an answer of the pool's was a Proto.Actor dead letter
	// These cases are interfaces. Side by side, they cost one type lookup.
	case messages.Control, protorouter.ManagementMessage:
		m.control(envelope, message, sender)
	case actor.MessageBatch:
		unbatch(envelope, maxNesting, m.PostUserMessage, func(batch any, err error) {
			m.refuse(actor.UnwrapEnvelopeMessage(batch), sender, err)
		})
	default:
		m.submit(envelope, message, nil, sender)
	}
}

// control queues a control message. One that was sent by value is passed on by pointer.
func (m *poolMailbox) control(envelope, message any, sender *actor.PID) {
	v := reflect.ValueOf(message)
	switch {
	case v.Kind() != reflect.Pointer:
		pointer := reflect.New(v.Type())
		pointer.Elem().Set(v)
		message = pointer.Interface()
		envelope = envelop(message, sender)
	case v.IsNil():
		m.refuse(message, sender, fmt.Errorf("%w: nil %T", messages.ErrInvalidOption, message))
		return
	}
	switch message := message.(type) {
	case *messages.Broadcast:
		m.broadcast(envelop(message.Message, sender), message.Message, sender)
	case *protorouter.BroadcastMessage:
		m.broadcast(envelop(message.Message, sender), message.Message, sender)
	case *messages.Cancel:
		m.cancel(message, sender)
	case *messages.NotifyRoom:
		if sender != nil {
			m.engine.NotifyRoom(sender)
		}
	case *messages.GetStats, *messages.Resize, *messages.Pause, *messages.Resume, *messages.Drain, *messages.Finish,
		*messages.ListQuarantine, *messages.Requeue, *messages.DeleteQuarantined,
		*protorouter.GetRoutees, *protorouter.AddRoutee, *protorouter.RemoveRoutee, *protorouter.AdjustPoolSize:
		m.Mailbox.PostUserMessage(envelope)
	default: // a type of the user's that embeds one of them
		m.refuse(message, sender, fmt.Errorf("%w: %T is no control message", messages.ErrInvalidOption, message))
	}
}

// PostSystemMessage queues a message of the actor system. A Stop also closes the pool at
// once.
func (m *poolMailbox) PostSystemMessage(message any) {
	if m.watchers.Handle(m.engine.deliver, m.engine.self, message) {
		return
	}
	switch message.(type) {
	case *actor.Stop:
		m.stopping.Store(true)
		m.engine.Close()
	case *actor.Restart:
		if m.stopping.Load() { // a restart would make Proto.Actor forget the stop
			return
		}
	case *actor.ResumeMailbox:
		m.engine.resumeSuspended()
	}
	m.Mailbox.PostSystemMessage(message)
}

// submit submits a message that an actor sent. If it is rejected, the sender gets the
// error. Without a sender, the message becomes a Proto.Actor dead letter. task is nil
// unless the message is a Task.
func (m *poolMailbox) submit(envelope, message any, task *messages.Task, sender *actor.PID) {
	if m.engine.dispatch.toAll {
		m.broadcast(envelope, message, sender)
		return
	}
	if err := m.engine.cfg.Post(envelope, message, task, sender); err != nil {
		m.refuse(message, sender, err)
	}
}

// broadcast gives each worker the message as a task of its own.
func (m *poolMailbox) broadcast(envelope, message any, sender *actor.PID) {
	task, _ := message.(*messages.Task)
	err := m.engine.Broadcast(func(s *Spec) (*Task, error) {
		return m.engine.cfg.Make(envelope, message, task, sender, s)
	})
	if err != nil {
		m.refuse(message, sender, fmt.Errorf("broadcast: %w", err))
	}
}

// cancel cancels the tasks with an ID, at once: a task that the sender submits later with the
// same ID is another one.
func (m *poolMailbox) cancel(message *messages.Cancel, sender *actor.PID) {
	if message.ID == "" {
		m.refuse(message, sender, fmt.Errorf("%w: cancel of ID %q", messages.ErrInvalidOption, message.ID))
		return
	}
	report := &messages.CancelReport{Canceled: m.engine.CancelID(message.ID)}
	if sender != nil {
		m.engine.tell(sender, report)
	}
}

// unread answers a message that came too late for the pool's actor.
func (m *poolMailbox) unread(envelope any) {
	_, message, sender := actor.UnwrapEnvelope(envelope)
	switch message := message.(type) {
	case *request.Request:
		message.Answer(m.engine.rejection(messages.ErrPoolStopped))
	case *noWorkers, *escalation:
	default:
		m.refuse(message, sender, messages.ErrPoolStopped)
	}
}

// refuse answers the sender of a message with an error. Without a sender, the message becomes
// a Proto.Actor dead letter.
func (m *poolMailbox) refuse(message any, sender *actor.PID, err error) {
	e := m.engine
	if _, isAnswer := message.(*messages.Result); isAnswer || sender == nil { // two pools must not answer each other forever
		e.deliver.Refuse(e.self, message)
		return
	}
	a := &answer{result: *e.rejection(err)}
	if task, ok := message.(*messages.Task); ok && task != nil {
		a.result.TaskID, a.result.Headers = task.ID, task.Headers
	}
	a.envelope.Message, a.envelope.Sender = &a.result, e.self
	e.deliver.Tell(sender, &a.envelope)
}

// tell sends an actor an answer of the pool's, from its PID.
func (b *base) tell(to *actor.PID, message any) {
	b.deliver.Tell(to, &actor.MessageEnvelope{Message: message, Sender: b.self})
}

// rejection returns the answer to a message that the pool refuses.
func (b *base) rejection(err error) *messages.Result {
	return &messages.Result{Err: err, Outcome: messages.Rejected, Pool: b.name}
}
