package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// A worker may stand for a foreign actor, which the pool does not own. It forwards its tasks to
// that actor, and holds each one that has a sender until the answer comes.

// answerLimit is how long a foreign actor may take for a task that has no timeout. One that has
// panicked never answers.
const answerLimit = time.Minute

var errUnanswered = fmt.Errorf("%w: the routee has not answered within %v", messages.ErrTaskTimeout, answerLimit)

// terminated returns the error of a task whose foreign actor has terminated.
func terminated(foreign *actor.PID) error {
	return fmt.Errorf("%w: %s/%s", messages.ErrRouteeTerminated, foreign.Address, foreign.Id)
}

// A forwarding is a task that a foreign actor has, until it answers.
type forwarding struct {
	Holding
	address actor.PID   // where the foreign actor answers
	sender  *actor.PID  // gets the answer
	taken   atomic.Bool // it has been taken out of replies
	limit   int64       // when it has taken too long, engine time; 0: the task has a timeout
}

// Adopt returns the props of a worker that stands for a foreign actor. It returns nil if
// the pool's tasks cannot be given to a foreign actor.
func (e *Engine) Adopt(foreign *actor.PID) *actor.Props {
	if e.cfg.Handled {
		return nil
	}
	e.openReplies()
	w := newWorkerMailbox(e)
	w.foreign = foreign
	return actor.PropsFromProducer(func() actor.Actor { return &foreignWorker{w} }).
		Configure(actor.WithDispatcher(e.sched), actor.WithMailbox(func() actor.Mailbox { return w }))
}

// A foreignWorker is the actor of a worker that stands for a foreign actor. It does not receive
// the tasks.
type foreignWorker struct{ mailbox *workerMailbox }

// Receive implements actor.Actor.
func (f *foreignWorker) Receive(ctx actor.Context) {
	w := f.mailbox
	switch message := ctx.Message().(type) {
	case *actor.Started:
		ctx.Watch(w.foreign)
	case *actor.Terminated:
		if message.Who.Equal(w.foreign) {
			w.engine.routeeTerminated(w)
			ctx.Stop(ctx.Self())
		}
	case *actor.Stopping:
		if !w.bereft.Load() {
			ctx.Unwatch(w.foreign)
		}
	case actor.SystemMessage, actor.AutoReceiveMessage:
	default: // somebody has written to the worker itself
		ctx.Forward(w.foreign)
	}
}

// forward sends a task to the foreign actor. Without a sender it is done then.
func (w *workerMailbox) forward(t *Task) {
	e, h := w.engine, &w.hand
	sender, message := t.body.Sender(), t.body.Message()
	if _, poison := actor.UnwrapEnvelopeMessage(message).(*actor.PoisonPill); poison || sender == nil { // no answer comes
		var crash *messages.PanicError
		guard.Watch(func() { w.send(message) }, func(value any) { crash = newPanic(value) })
		if crash == nil {
			w.settle(t, messages.Succeeded, nil)
		} else {
			e.attemptFailed(w, h, t, crash, nil)
		}
		return
	}
	f := &forwarding{sender: sender}
	x := &f.Holding
	x.engine, x.worker, x.home, x.task, x.forwarding = e, w, h.worker, t, f
	x.started, x.due, x.trace = h.startOf(t), t.due, h.ctx
	e.replies.add(f)
	if !w.keep(t, x) {
		e.replies.remove(f)
		w.settle(t, messages.Succeeded, nil) // it has been settled from outside
		return
	}
	// The task may be settled, and its cell reused, from now on.
	question := &actor.MessageEnvelope{Message: message, Sender: &f.address}
	if envelope, ok := message.(*actor.MessageEnvelope); ok {
		question.Header, question.Message = envelope.Header, envelope.Message
	}
	guard.Watch(func() { w.send(question) }, func(value any) { e.crashHeld(x, newPanic(value)) })
}

// send sends the foreign actor a message, which may run code of its mailbox.
func (w *workerMailbox) send(message any) { w.invoker.(actor.Context).Send(w.foreign, message) }

// limitLocked sets the time at which a forwarded task without a timeout has taken too long.
func (w *workerMailbox) limitLocked(hs *holdings, f *forwarding, now int64) {
	if f.due > 0 {
		return
	}
	f.limit = later(now, answerLimit)
	if !hs.limited {
		hs.limited = true
		hs.limits.Value = unanswered{w}
		w.engine.timer.addAlarm(&hs.limits, f.limit)
	}
}

// unanswered is the alarm for the forwarded tasks of a worker that take too long.
type unanswered struct{ worker *workerMailbox }

// due implements alarm.
func (a unanswered) due(now int64) {
	w := a.worker
	e := w.engine
	var then after
	w.q.mu.Lock()
	hs := w.rare.holdings
	hs.limited = false
	w.eachHeldLocked(func(x *Holding) {
		f := x.forwarding
		switch {
		case f.limit == 0 || hs.limited:
		case f.limit > now: // they are in order
			hs.limited = true
			e.timer.addAlarm(&hs.limits, f.limit)
		default:
			e.endHeldLocked(x, messages.TimedOut, errUnanswered, messages.ErrTaskTimeout, &then)
		}
	})
	w.q.mu.Unlock()
	then.run(e.sched)
	e.progressed()
}

// forgetLimits removes the alarm of a worker that has stopped.
func (e *membership) forgetLimits(w *Worker) {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	if hs := w.held(); hs != nil {
		e.timer.removeAlarm(&hs.limits)
	}
}

// routeeTerminated ends a worker whose foreign actor has terminated. Its queued tasks go to
// others. Those that the actor had fail, or are retried.
func (e *Engine) routeeTerminated(w *workerMailbox) {
	w.bereft.Store(true)
	e.leave(&w.Worker)
	err := terminated(w.foreign)
	for _, x := range w.allHeld() {
		x.Done(err)
	}
}

// IsBereft reports whether a worker stands for a foreign actor that has terminated.
func (e *Engine) IsBereft(pid *actor.PID) bool {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	w := e.roster.byID[pid.Id]
	return w != nil && w.bereft.Load()
}
