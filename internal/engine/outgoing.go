package engine

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// Outgoing is the sender middleware of users' actors. It notices answers to the senders of
// tasks, so that no sender gets a second one. It withholds an answer that makes its task fail,
// and drops those of an abandoned worker.
func Outgoing(next actor.SenderFunc) actor.SenderFunc {
	return func(ctx actor.SenderContext, to *actor.PID, envelope *actor.MessageEnvelope) {
		// Proto.Actor's timer sends a ReceiveTimeout on its own goroutine, which must not touch the
		// task in hand.
		_, timer := envelope.Message.(*actor.ReceiveTimeout)
		if self, ok := ctx.(actor.Context); ok && !timer {
			if d := specialOf(self); d != nil && !d.passes(self, to, envelope) {
				return
			}
		}
		next(ctx, to, envelope)
	}
}

// passes reports whether a message of the actor may leave now.
func (d *handSpecial) passes(ctx actor.Context, to *actor.PID, envelope *actor.MessageEnvelope) bool {
	w := d.worker
	if t := w.hand.task; t != nil && isSame(t.body.Sender(), to) {
		if w.abandoned.Load() {
			w.engine.deliver.DeadLetter(to, envelope.Message)
			return false
		}
		if d.reply.given {
			return true
		}
		if err := w.engine.failureIn(envelope.Message); err != nil {
			d.failure, d.reply.withheld = cmp.Or(d.failure, err), envelope
			return false
		}
		if !w.mayAnswer(d.race, d.copy, false) {
			w.engine.deliver.DeadLetter(to, envelope.Message)
			return false
		}
		d.reply = reply{given: true}
		return true
	}
	if d.holdings == nil || to == w.pid {
		return true
	}
	return d.passesHeld(ctx, to, envelope)
}

// passesHeld is passes for an answer to the sender of a held task.
func (d *handSpecial) passesHeld(ctx actor.Context, to *actor.PID, envelope *actor.MessageEnvelope) bool {
	w := d.worker
	failure := w.engine.failureIn(envelope.Message)
	var answers *Holding
	w.q.mu.Lock()
	x := d.answeredLocked(ctx, to)
	switch {
	case x == nil:
	case failure == nil:
		x.reply = reply{given: true}
		answers, x = x, nil
	default:
		x.done, x.reply.withheld = true, envelope
	}
	muted := x == nil && answers == nil && d.holdings.takeMutedLocked(ctx, to)
	w.q.mu.Unlock()
	if muted || answers != nil && !w.mayAnswer(answers.race, answers.copy, false) {
		w.engine.deliver.DeadLetter(to, envelope.Message)
		return false
	}
	if x == nil {
		return true
	}
	w.engine.failHeld(x, failure)
	return false
}

// answeredLocked returns the held task that an answer to a sender is for; nil: none, or that is
// not certain. If several are from that sender, it is the one whose message the actor handles,
// in a continuation of ReenterAfter. If the actor handles another message of that sender, such as
// that of a task that is over, the answer is for none. A sender rather gets an answer too many
// than none.
func (d *handSpecial) answeredLocked(ctx actor.Context, to *actor.PID) *Holding {
	var only, handled *Holding
	n, equal := 0, 0
	message := ctx.Message()
	other := isSame(ctx.Sender(), to) // the actor handles another message of the sender
	for link := d.holdings.tasks.First(); link != nil; link = link.Next() {
		x := link.Of
		if x.done || x.reply.given || !isSame(x.task.body.Sender(), to) {
			continue
		}
		only = x
		n++
		switch same, known := isSameMessage(actor.UnwrapEnvelopeMessage(x.task.body.Message()), message); {
		case same:
			handled = x
			equal++
		case !known:
			other = false // it may be the message of this task
		}
	}
	switch {
	case n == 1 && (equal == 1 || !other):
		return only
	case equal == 1:
		return handled
	default:
		return nil
	}
}

// An unwanted is the answer of a worker to a task, or to a copy, whose race has ended while the
// worker held it.
type unwanted struct {
	message any // to which the worker may still answer
	sender  *actor.PID
}

// maxMuted is how many unwanted answers a worker remembers. It forgets the oldest ones first,
// since its actor may never give them.
const maxMuted = 16

// muteLocked remembers that an answer for x is not wanted any more.
func (hs *holdings) muteLocked(x *Holding) {
	if len(hs.muted) == maxMuted {
		hs.muted = slices.Delete(hs.muted, 0, 1)
	}
	hs.muted = append(hs.muted, unwanted{actor.UnwrapEnvelopeMessage(x.task.body.Message()), x.task.body.Sender()})
}

// takeMutedLocked reports whether the actor, which handles the message in a continuation of
// ReenterAfter, is about to give such an answer, and forgets it.
func (hs *holdings) takeMutedLocked(ctx actor.Context, to *actor.PID) bool {
	at := slices.IndexFunc(hs.muted, func(u unwanted) bool {
		same, _ := isSameMessage(u.message, ctx.Message())
		return same && isSame(u.sender, to)
	})
	if at < 0 {
		return false
	}
	hs.muted = slices.Delete(hs.muted, at, at+1)
	return true
}

// mayAnswer reports whether the sender of a task gets the worker's answer. In a race it gets
// only the first one. settled says that the worker has settled the task.
func (w *workerMailbox) mayAnswer(r *race, c *copyRun, settled bool) bool {
	if c != nil {
		r = c.race
	}
	return r == nil || r.answer(&w.hand, settled)
}

// failureIn returns the error that a worker has answered with, if such an answer makes the task
// fail; otherwise nil.
func (e *Engine) failureIn(message any) error {
	if !e.cfg.ErrorResponses {
		return nil
	}
	switch message := message.(type) {
	case *messages.Result:
		if message != nil {
			return message.Err
		}
	case error:
		return message
	}
	return nil
}

func isSame(a, b *actor.PID) bool { return a == b && a != nil || a != nil && b != nil && a.Equal(b) }

// isSameMessage reports whether two messages are equal, and whether that can be known. It calls
// no user code.
func isSameMessage(a, b any) (same, known bool) {
	if a == nil || b == nil || reflect.TypeOf(a) != reflect.TypeOf(b) {
		return false, true
	}
	if !reflect.ValueOf(a).Comparable() {
		return false, false
	}
	return a == b, true
}
