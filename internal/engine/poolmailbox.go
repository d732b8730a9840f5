package engine

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"

	"github.com/troupe-go/troupe/messages"
)

// A poolMailbox is the mailbox of the pool's own actor, whose PID is the pool's. Tasks go
// straight from their sender's goroutine to the queues. Only messages for the pool itself
// reach its actor.
type poolMailbox struct {
	actor.Mailbox // for the messages to the pool itself
	engine        *Engine
	failures      *actor.RestartStatistics // of the pool, for its parent's strategy

	stopping atomic.Bool // the pool has been told to stop

	// The name is registered before the mailbox has its handlers, so a message may arrive
	// before the mailbox is ready.
	mu    sync.Mutex
	ready bool     // guarded by mu
	early []func() // guarded by mu; each posts a message; nil once ready
}

func newPoolMailbox(e *Engine) *poolMailbox {
	return &poolMailbox{Mailbox: actor.Unbounded()(), engine: e, failures: actor.NewRestartStatistics()}
}

// Start is called once, when the mailbox can take messages.
func (m *poolMailbox) Start() {
	m.Mailbox.Start()
	m.mu.Lock()
	early := m.early
	m.ready, m.early = true, nil
	m.mu.Unlock()
	for _, post := range early {
		post()
	}
}

// whenReady calls post as soon as the mailbox can take messages.
func (m *poolMailbox) whenReady(post func()) {
	m.mu.Lock()
	if !m.ready {
		m.early = append(m.early, post)
		m.mu.Unlock()
		return
	}
	m.mu.Unlock()
	post()
}

// PostUserMessage submits a task, or queues a message for the pool itself. It never blocks.
func (m *poolMailbox) PostUserMessage(envelope any) {
	message, sender := envelope, (*actor.PID)(nil)
	if wrapped, ok := envelope.(*actor.MessageEnvelope); ok {
		message, sender = wrapped.Message, wrapped.Sender
	}
	switch message := message.(type) {
	case *messages.Task:
		m.submit(envelope, message, message, sender)
	case *actor.PoisonPill, *noWorkers, *escalation, *notice, *warning:
		m.mail(envelope)
	// Side by side, cases that are interfaces cost one lookup for all.
	case messages.Control, protorouter.ManagementMessage:
		if reflect.ValueOf(message).IsNil() {
			m.refuse(message, sender, fmt.Errorf("%w: nil %T", messages.ErrInvalidOption, message), "")
			return
		}
		m.mail(envelope)
	case actor.AutoRespond, forSupervisor:
		m.mail(envelope)
	case actor.MessageBatch:
		for _, one := range message.GetMessages() {
			m.PostUserMessage(envelop(one, sender))
		}
	default:
		m.submit(envelope, message, nil, sender)
	}
}

func (m *poolMailbox) mail(envelope any) {
	m.whenReady(func() {
		if _, message, _ := actor.UnwrapEnvelope(envelope); isPoison(message) {
			// Proto.Actor would stop the actor at once.
			m.engine.Drain(func() { m.engine.cfg.System.Root.Stop(m.engine.self) })
			return
		}
		m.Mailbox.PostUserMessage(envelope)
	})
}

func isPoison(message any) bool {
	_, ok := message.(*actor.PoisonPill)
	return ok
}

// PostSystemMessage queues a message of the actor system. A Stop also closes the pool at
// once.
func (m *poolMailbox) PostSystemMessage(message any) {
	switch message.(type) {
	case *actor.Started: // arrives between RegisterHandlers and Start, before anything else
		m.Mailbox.PostSystemMessage(message)
		return
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
	m.whenReady(func() { m.Mailbox.PostSystemMessage(message) })
}

// submit submits a message that an actor sent. If it is rejected, the sender gets the
// error. Without a sender, the message becomes a Proto.Actor dead letter. task is nil
// unless the message is a Task.
func (m *poolMailbox) submit(envelope, message any, task *messages.Task, sender *actor.PID) {
	err := m.engine.cfg.Post(envelope, message, task, sender)
	if err == nil {
		return
	}
	id := ""
	if task != nil {
		id = task.ID
	}
	m.refuse(message, sender, err, id)
}

func (m *poolMailbox) refuse(message any, sender *actor.PID, err error, id string) {
	if sender == nil {
		m.engine.deliver.DeadLetter(m.engine.self, message)
		return
	}
	e := m.engine
	a := &answer{result: messages.Result{TaskID: id, Err: err, Outcome: messages.Rejected, Pool: e.name}}
	a.envelope.Message, a.envelope.Sender = &a.result, e.self
	e.deliver.Tell(sender, &a.envelope)
}
