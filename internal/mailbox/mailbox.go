// Package mailbox has the mailbox of Troupe's own actors.
package mailbox

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
)

// A Mailbox is an unbounded mailbox that loses nothing: a message that its actor will never
// read goes to a function. It takes messages as soon as it has been made, in the order in
// which they come, and its actor reads them after Start. Posting a message never waits and
// runs no user code. A message that comes too late goes to unread, which may wait a little.
type Mailbox struct {
	unread  func(envelope any)
	invoker actor.MessageInvoker

	mu        sync.Mutex
	system    FIFO // guarded by mu
	user      FIFO // guarded by mu
	started   bool // guarded by mu
	running   bool // guarded by mu; a goroutine passes messages to the actor
	suspended bool // guarded by mu; the actor has failed and its supervisor decides
	closed    bool // guarded by mu; the actor reads no more user messages
}

var _ actor.Mailbox = (*Mailbox)(nil)

// New returns a mailbox. unread is called, without a lock, for each user message that the
// actor will never read.
func New(unread func(envelope any)) *Mailbox { return &Mailbox{unread: unread} }

// RegisterHandlers implements [actor.Mailbox].
func (m *Mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.invoker = invoker
}

// Start implements [actor.Mailbox].
func (m *Mailbox) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started = true
	m.scheduleLocked()
}

// PostUserMessage implements [actor.Mailbox].
func (m *Mailbox) PostUserMessage(envelope any) {
	if !m.take(envelope) {
		m.unread(envelope)
	}
}

// take queues a user message. It returns false if the actor will not read it.
func (m *Mailbox) take(envelope any) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.user.Push(envelope)
	m.scheduleLocked()
	return true
}

// PostSystemMessage implements [actor.Mailbox].
func (m *Mailbox) PostSystemMessage(message any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := message.(*actor.Started); ok { // others may have come before, since the name is registered first
		m.system.PushFront(message)
	} else {
		m.system.Push(message)
	}
	m.scheduleLocked()
}

// UserMessageCount implements [actor.Mailbox].
func (m *Mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user.Len()
}

// Close ends the reading of user messages. The actor calls it when it has stopped.
func (m *Mailbox) Close() {
	m.mu.Lock()
	m.closed = true
	rest := m.user
	m.user = FIFO{}
	m.mu.Unlock()
	for _, envelope := range rest.Waiting() {
		m.unread(envelope)
	}
}

func (m *Mailbox) scheduleLocked() {
	if m.started && !m.running {
		m.running = true
		go guard.GoOn(m.run)
	}
}

// run passes messages to the actor until there are none.
func (m *Mailbox) run() {
	for m.runToFailure() {
	}
}

// runToFailure passes messages to the actor. If the actor panics, its supervisor is told,
// and runToFailure returns true: there may be more messages.
func (m *Mailbox) runToFailure() (more bool) {
	var message any
	more = true
	guard.Watch(func() {
		for invoke := m.next(&message); invoke != nil; invoke = m.next(&message) {
			invoke(message)
		}
		more = false
	}, func(value any) {
		if value != nil {
			m.invoker.EscalateFailure(value, message)
		}
	})
	return more
}

// next takes the next message and returns the function that handles it, or nil if there is
// nothing to do.
func (m *Mailbox) next(message *any) (invoke func(any)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		next, ok := m.system.Pop()
		if !ok {
			break
		}
		switch next.(type) {
		case *actor.SuspendMailbox:
			m.suspended = true
		case *actor.ResumeMailbox:
			m.suspended = false
		default:
			*message = next
			return m.invoker.InvokeSystemMessage
		}
	}
	next, ok := any(nil), false
	if !m.suspended {
		next, ok = m.user.Pop()
	}
	if !ok {
		m.running = false
		return nil
	}
	*message = next
	return m.invoker.InvokeUserMessage
}
