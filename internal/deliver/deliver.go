// Package deliver sends messages to code that is not Troupe's. Proto.Actor runs some
// receivers on their sender's goroutine: subscribers of the EventStream, full mailboxes,
// guardians, routers, futures. A Deliverer never waits for a receiver longer than
// guard.Limit.
package deliver

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/lanes"
)

// maxNotices is how many log lines, or events, wait for a receiver that blocks. Further ones
// are counted and dropped.
const maxNotices = 1 << 14

// A Deliverer hands out the messages of one pool. Its methods return at once, whatever the
// receivers do, except Publish and Refuse, which wait up to guard.Limit. Messages to one
// receiver keep their order, and so do events, log lines, and Proto.Actor dead letters. It is
// safe for concurrent use.
type Deliverer struct {
	system    *actor.ActorSystem
	logger    *slog.Logger
	pool      string // the pool's name
	mailboxes mailboxes
	receivers lanes.Lanes // by PID; idle while every receiver takes messages at once
	notices   lanes.Lanes // events and log lines
	letters   lanes.Lanes // Proto.Actor dead letters, without a limit
}

type noticeKind string

const (
	events      noticeKind = "event subscriber"
	logLines    noticeKind = "logger"
	deadLetters noticeKind = "dead letter subscriber"
)

// New returns the Deliverer of a pool. Each of own stands for a type of mailbox, besides those of
// Proto.Actor, that takes messages at once.
func New(system *actor.ActorSystem, logger *slog.Logger, pool string, own ...actor.Mailbox) *Deliverer {
	d := &Deliverer{system: system, logger: logger, pool: pool, mailboxes: newMailboxes(own)}
	d.receivers.Failed = func(to any, err error) { d.Log(slog.LevelError, "receiver failed", "to", to, "error", err) }
	d.notices.Failed, d.letters.Failed = d.noticeFailed, d.noticeFailed
	d.notices.Limit = maxNotices
	d.notices.Missed = func(who any, n int) {
		d.Log(slog.LevelError, string(who.(noticeKind))+" was blocked: notices dropped", "dropped", n)
	}
	return d
}

// System returns the actor system.
func (d *Deliverer) System() *actor.ActorSystem { return d.system }

// Tell sends a message, with the middleware of the system's root context.
func (d *Deliverer) Tell(to *actor.PID, message any) {
	if !d.isLocal(to) {
		d.Do(to, func() { d.system.Root.Send(to, message) })
		return
	}
	process, exists := d.system.ProcessRegistry.Get(to)
	if !exists {
		d.DeadLetter(to, message)
		return
	}
	atOnce := d.mailboxes.takeAtOnce(process) && d.mailboxes.plain(d.system.Root)
	if atOnce && d.receivers.Idle() {
		process.SendUserMessage(to, message)
		return
	}
	d.inOrder(to, atOnce, func() { d.system.Root.Send(to, message) })
}

// TellSystem sends a message of the actor system.
func (d *Deliverer) TellSystem(to *actor.PID, message any) {
	if !d.isLocal(to) {
		d.Do(to, func() { d.resolve(to).SendSystemMessage(to, message) })
		return
	}
	process, exists := d.system.ProcessRegistry.Get(to)
	if !exists {
		d.letters.Do(deadLetters, func() { process.SendSystemMessage(to, message) })
		return
	}
	d.inOrder(to, d.mailboxes.takeAtOnce(process), func() { process.SendSystemMessage(to, message) })
}

// isLocal reports whether a PID is resolved without user code: resolvers of other addresses
// are the user's. A nil PID is local.
func (d *Deliverer) isLocal(to *actor.PID) bool {
	return to == nil || to.Address == "nonhost" || to.Address == d.system.Address()
}

// Gone reports whether an actor is known to have stopped. It runs no user code, so it may be
// called under a lock. Of actors of other addresses it knows nothing.
func (d *Deliverer) Gone(to *actor.PID) bool {
	if !d.isLocal(to) {
		return false
	}
	_, exists := d.system.ProcessRegistry.Get(to)
	return !exists
}

// resolve returns the process of a PID: that of the dead letters if it has none.
func (d *Deliverer) resolve(to *actor.PID) actor.Process {
	process, _ := d.system.ProcessRegistry.Get(to)
	return process
}

// inOrder calls send after the messages that wait for the same receiver. If there are none, and
// the receiver takes messages at once, it calls send on the caller's goroutine.
func (d *Deliverer) inOrder(to *actor.PID, atOnce bool, send func()) {
	if !atOnce {
		d.Do(to, send)
		return
	}
	if !d.receivers.Behind(receiver{to.Address, to.Id}, send) {
		send()
	}
}

// receiver identifies a receiver.
type receiver struct{ address, id string }

// Do calls f, which is user code and concerns a receiver, after the messages that wait for
// it.
func (d *Deliverer) Do(to *actor.PID, f func()) { d.receivers.Do(receiver{to.Address, to.Id}, f) }

// noticeFailed logs that a receiver of notices has panicked. If it was the logger, there is
// nobody to tell.
func (d *Deliverer) noticeFailed(who any, err error) {
	if who != logLines {
		d.Log(slog.LevelError, string(who.(noticeKind))+" failed", "error", err)
	}
}

// DeadLetter makes a Proto.Actor dead letter of a message that nobody will get.
func (d *Deliverer) DeadLetter(to *actor.PID, message any) {
	d.letters.Do(deadLetters, func() { d.system.DeadLetter.SendUserMessage(to, message) })
}

// Refuse is DeadLetter on the goroutine of the message's sender. It waits for the subscribers
// of dead letters, for a limited time, so that a flood of messages slows its source down.
func (d *Deliverer) Refuse(to *actor.PID, message any) {
	d.letters.DoAndWait(deadLetters, func() { d.system.DeadLetter.SendUserMessage(to, message) })
}

// Publish publishes an event, and waits for its subscribers, for a limited time.
func (d *Deliverer) Publish(event any) {
	d.notices.DoAndWait(events, func() { d.system.EventStream.Publish(event) })
}

// PublishLater publishes an event and waits for nobody.
func (d *Deliverer) PublishLater(event any) {
	d.notices.Do(events, func() { d.system.EventStream.Publish(event) })
}

// Flush waits for the subscribers of the events so far, for a limited time.
func (d *Deliverer) Flush() { d.notices.DoAndWait(events, func() {}) }

// Log writes a line with the pool's name to the pool's log. args are as for slog.Logger.Log.
func (d *Deliverer) Log(level slog.Level, text string, args ...any) {
	d.notices.Do(logLines, func() {
		d.logger.Log(context.Background(), level, text, append([]any{"pool", d.pool}, args...)...)
	})
}
