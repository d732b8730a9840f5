package engine

import (
	"context"

	"github.com/troupe-go/troupe/messages"
)

// This file settles held tasks that have succeeded, or that others settle.

// succeed settles a held task whose attempt has succeeded, and then calls answer. It does
// nothing if somebody has called Done before or the attempt is over.
func (e *Engine) succeed(x *Holding, answer func()) {
	w, t := x.worker, x.task
	tell := e.journals.on() || e.tracer != nil
	now := e.now()
	w.q.mu.Lock()
	if !x.claimLocked(nil) {
		w.q.mu.Unlock()
		return
	}
	if x.copy != nil {
		w.q.mu.Unlock()
		if x.copyOver(failure{outcome: messages.Succeeded}) {
			answer()
		}
		return
	}
	t.state.Store(uint64(x.word.with(doneSucceeded)))
	e.countHeldLocked(x, messages.Succeeded, now)
	wake := e.letGoLocked(x, now)
	if !tell { // nobody else has the task any more
		t.body.Released()
		if x.word&flagOwned != 0 && x.word.hop() == 0 {
			t.Clear()
			w.q.spares.putLocked(t)
		}
	}
	w.q.mu.Unlock()
	if wake != nil {
		e.sched.schedule(wake)
	}
	answer()
	x.end(context.Canceled)
	if tell {
		e.tellHeld(x, &Settlement{Outcome: messages.Succeeded, Ended: now}, nil)
	}
	e.progressed()
}

// tellHeld notifies whoever is to know of the outcome of a held task, and releases the task.
func (e *Engine) tellHeld(x *Holding, s *Settlement, entry *quarantined) {
	t := x.task
	s.base, s.task, s.Worker, s.Started, s.reply = &e.base, t, x.home, x.started, x.reply
	s.foreign = x.forwarding != nil
	if x.trace != nil {
		x.trace.tellTracer(s.Outcome, s.Err)
		x.trace.dismiss()
	}
	if entry != nil {
		e.quarantine.add(entry)
	}
	if note := e.journals.note(t, s, nil); note != nil {
		note()
	}
	t.body.Settled(s)
	t.forgetSender()
	t.body.Released()
}

// endHeld settles a task that is held.
func (e *settling) endHeld(t *Task, w word, outcome messages.Outcome, err, cause error, then *after) (done, won bool) {
	q := e.queueOf(w)
	if q == nil {
		return false, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.load() != w {
		return false, false
	}
	worker := e.roster.worker(w.worker())
	if worker == nil {
		x := e.races.parked[t]
		if x != nil {
			e.endHeldLocked(x, outcome, err, cause, then)
		}
		return x != nil, x != nil
	}
	for link := worker.rare.holdings.tasks.First(); link != nil; link = link.Next() { // the oldest are likely to end first
		if link.Of.task == t {
			e.endHeldLocked(link.Of, outcome, err, cause, then)
			return true, true
		}
	}
	return false, false
}

// endHeldLocked settles a task that is held, from outside.
func (e *settling) endHeldLocked(x *Holding, outcome messages.Outcome, err, cause error, then *after) {
	t, now := x.task, e.now()
	if c := x.copy; c != nil {
		var f failure
		if outcome != messages.Canceled { // else its worker restarts or stops, which is no failure of the copy
			f = failure{outcome: outcome, err: err, reply: x.reply}
		}
		then.wake(e.letGoLocked(x, now))
		then.call(func() {
			x.end(cause)
			c.race.ended(c, f, nil)
		})
		return
	}
	if outcome == messages.Succeeded && x.worker != nil { // a copy was faster
		x.worker.rare.holdings.muteLocked(x)
	}
	t.state.Store(uint64(x.word.with(doneAs(outcome))))
	e.countHeldLocked(x, outcome, now)
	s := e.newEnding(outside(t, Settlement{
		Outcome: outcome, Err: err, Worker: x.home, Started: x.started, Ended: now, reply: x.reply,
		foreign: x.forwarding != nil,
	}))
	s.holding, s.ctx, s.cause = x, x.trace, cause
	then.settled = append(then.settled, s)
	then.wake(e.letGoLocked(x, now))
	if x.trace != nil {
		then.call(func() {
			x.trace.tellTracer(outcome, err)
			x.trace.dismiss()
		})
	}
}

// cancelHeldLocked cancels the tasks that a worker holds.
func (e *settling) cancelHeldLocked(w *Worker, err, cause error, then *after) {
	w.eachHeldLocked(func(x *Holding) { e.endHeldLocked(x, messages.Canceled, err, cause, then) })
}

// copyOver ends a copy that is held. It reports whether the copy has settled the task.
func (x *Holding) copyOver(f failure) bool {
	e, q := x.engine, x.worker.q
	q.mu.Lock()
	if x.state == over {
		q.mu.Unlock()
		return false
	}
	e.noteUnseenLocked(&x.worker.Worker, f.outcome)
	f.reply = x.reply
	wake := e.letGoLocked(x, e.now())
	q.mu.Unlock()
	x.end(context.Canceled)
	if wake != nil {
		e.sched.schedule(wake)
	}
	return x.copy.race.ended(x.copy, f, nil)
}

// cancelHeld cancels the tasks that a worker holds, since it stops.
func (e *backpressure) cancelHeld(w *Worker) {
	var then after
	w.q.mu.Lock()
	e.cancelHeldLocked(w, errHolderStopped, messages.ErrCanceled, &then)
	w.q.mu.Unlock()
	then.run(e.sched)
	e.progressed()
}
