package supervision

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/mailbox"
	"github.com/troupe-go/troupe/internal/request"
	"github.com/troupe-go/troupe/internal/watchers"
	"github.com/troupe-go/troupe/messages"
)

// A supervisorMailbox is the mailbox of a supervisor. Only what is meant for the supervisor
// reaches its actor. A worker knows the supervisor as its parent and may send it anything,
// so other messages are forwarded to the pool.
type supervisorMailbox struct {
	*mailbox.Mailbox
	pool     *actor.PID
	workers  Workers
	deliver  *deliver.Deliverer
	watchers watchers.Watchers
	self     atomic.Pointer[actor.PID] // set by RegisterHandlers
	end      *actor.PID                // whose Terminated tells the actor to stop
}

var _ actor.Mailbox = (*supervisorMailbox)(nil)

// Mailbox returns a nil mailbox of the type that supervisors have. Posting to one never
// waits and runs no user code.
func Mailbox() actor.Mailbox { return (*supervisorMailbox)(nil) }

func newSupervisorMailbox(cfg Config) *supervisorMailbox {
	m := &supervisorMailbox{
		pool: cfg.PID, workers: cfg.Workers, deliver: cfg.Deliverer, end: actor.NewPID("supervision", "end"),
	}
	m.Mailbox = mailbox.New(m.unread)
	return m
}

// RegisterHandlers implements [actor.Mailbox].
func (m *supervisorMailbox) RegisterHandlers(invoker actor.MessageInvoker, d actor.Dispatcher) {
	m.self.Store(invoker.(interface{ Self() *actor.PID }).Self())
	m.Mailbox.RegisterHandlers(invoker, d)
}

// PostUserMessage implements [actor.Mailbox].
func (m *supervisorMailbox) PostUserMessage(envelope any) {
	envelope = mailbox.Sound(envelope)
	_, message, sender := actor.UnwrapEnvelope(envelope)
	switch message := message.(type) {
	case *step, *request.Request:
		m.Mailbox.PostUserMessage(envelope)
		return
	case messages.Report:
		m.workers.AddCounters(sender, message.Counters)
		return
	case *messages.Report:
		if message != nil {
			m.workers.AddCounters(sender, message.Counters)
			return
		}
	}
	m.deliver.Tell(m.pool, envelope)
}

// PostSystemMessage implements [actor.Mailbox]. Instead of a Stop, the actor gets a
// Terminated of a PID that no actor has: it stops itself when the last worker has stopped.
// Proto.Actor cannot wait for that, since the workers are not spawned by the supervisor's
// goroutine. A supervisor is never restarted: the pool's actor spawns another.
func (m *supervisorMailbox) PostSystemMessage(message any) {
	if m.watchers.Handle(m.deliver, m.self.Load(), message) {
		return
	}
	switch message.(type) {
	case *actor.Stop:
		message = &actor.Terminated{Who: m.end}
	case *actor.Restart:
		return
	}
	m.Mailbox.PostSystemMessage(message)
}

// finish makes the actor stop at once.
func (m *supervisorMailbox) finish() { m.Mailbox.PostSystemMessage(&actor.Stop{}) }

// close ends the mailbox of an actor that has stopped.
func (m *supervisorMailbox) close() {
	m.Close()
	m.watchers.Tell(m.deliver, m.self.Load())
}

// unread disposes of a message that came too late. A request is not answered: the pool's
// actor keeps it for the next supervisor.
func (m *supervisorMailbox) unread(envelope any) {
	if s, ok := envelope.(*step); ok {
		s.dropped()
	}
}
