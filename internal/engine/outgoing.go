package engine

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// Outgoing is the sender middleware of users' actors. It notices answers to the senders of
// tasks, so that no sender gets a second one. It withholds an answer that makes its task fail,
// and drops those of an abandoned worker.
func Outgoing(next actor.SenderFunc) actor.SenderFunc {
	return func(ctx actor.SenderContext, to *actor.PID, envelope *actor.MessageEnvelope) {
		if self, ok := ctx.(actor.Context); ok {
			if d, _ := self.Get(deskID).(*desk); d != nil && !d.passes(to, envelope) {
				return
			}
		}
		next(ctx, to, envelope)
	}
}

// passes reports whether a message of the actor may leave now.
func (d *desk) passes(to *actor.PID, envelope *actor.MessageEnvelope) bool {
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
			d.failure, d.reply.withheld = err, envelope
			return false
		}
		if !w.mayAnswer(w.hand.race, w.hand.copy) {
			w.engine.deliver.DeadLetter(to, envelope.Message)
			return false
		}
		d.reply = reply{given: true}
		return true
	}
	if d.holdings == nil {
		return true
	}
	return d.passesHeld(to, envelope)
}

// passesHeld is passes for an answer to the sender of a held task. If several have that sender,
// the answer is for the oldest one that has none.
func (d *desk) passesHeld(to *actor.PID, envelope *actor.MessageEnvelope) bool {
	w := d.worker
	failure := w.engine.failureIn(envelope.Message)
	var failed, answers *Holding
	w.q.mu.Lock()
	for link := d.holdings.tasks.First(); link != nil; link = link.Next() {
		x := link.Of
		if x.done || x.reply.given || !isSame(x.task.body.Sender(), to) {
			continue
		}
		if failure == nil {
			answers, x.reply = x, reply{given: true}
		} else {
			x.done, x.reply.withheld, failed = true, envelope, x
		}
		break
	}
	w.q.mu.Unlock()
	if answers != nil && !w.mayAnswer(answers.race, answers.copy) {
		w.engine.deliver.DeadLetter(to, envelope.Message)
		return false
	}
	if failed == nil {
		return true
	}
	w.engine.failHeld(failed, failure)
	return false
}

// mayAnswer reports whether the sender of a task gets the worker's answer. In a race it gets
// only the first one.
func (w *workerMailbox) mayAnswer(r *race, c *copyRun) bool {
	if c != nil {
		r = c.race
	}
	return r == nil || r.answer(&w.hand)
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
