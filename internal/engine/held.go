package engine

import (
	"context"
	"fmt"
	"math"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/messages"
)

var (
	errHolderStopped   = fmt.Errorf("%w: the worker that held the task has stopped", messages.ErrCanceled)
	errHolderRestarted = fmt.Errorf("%w: the worker that held the task was restarted", messages.ErrCanceled)
)

// holdings are the tasks that a worker holds. The lock of the worker's queue guards them.
type holdings struct {
	tasks    chain.Chain[*Holding]
	limit    int                // how many the worker may hold; 0: it has never held one
	since    int64              // the worker has held tasks since; engine time; 0: it holds none
	verdicts []messages.Outcome // for the worker's breaker: outcomes that it has not seen
	departs  bool               // the worker stops when it holds nothing any more
	muted    []unwanted         // of races that have ended while the worker held the task or a copy
	limits   alarmEntry         // for foreign actors that do not answer; set while limited
	limited  bool
}

// held returns the tasks that the worker holds; nil: it has never held one.
func (w *Worker) held() *holdings {
	if w.rare == nil {
		return nil
	}
	return w.rare.holdings
}

// holdsLocked returns how many tasks the worker holds.
func (w *Worker) holdsLocked() int {
	if hs := w.held(); hs != nil {
		return hs.tasks.Len()
	}
	return 0
}

// eachHeldLocked calls f with each task that the worker holds, in the order of their attempts.
// f may let go of the task.
func (w *Worker) eachHeldLocked(f func(*Holding)) {
	hs := w.held()
	if hs == nil {
		return
	}
	for link := hs.tasks.First(); link != nil; {
		next := link.Next()
		f(link.Of)
		link = next
	}
}

// received ends the attempt of a user's actor whose Receive has returned, or keeps the task.
func (w *workerMailbox) received(t *Task) {
	d := w.hand.desk
	if !d.used() {
		w.settle(t, messages.Succeeded, nil)
		return
	}
	err := d.failure
	if x := d.holding; x != nil {
		if err == nil && w.keep(t, x) {
			return
		}
		if done := w.let(x); err == nil {
			err = done
		}
	}
	w.engine.finish(w, &w.hand, t, err)
}

// keep holds the task in hand from now on. It returns false if the attempt is over already.
func (w *workerMailbox) keep(t *Task, x *Holding) bool {
	r, q, h := w.runner, w.q, &w.hand
	q.mu.Lock()
	defer q.mu.Unlock()
	x.word = h.word.with(held)
	if x.done || h.desk.copy != nil && h.desk.copy.canceled || !t.swap(h.word, x.word) {
		return false
	}
	w.batch[w.at-1] = nil
	x.stage, x.reply, x.race, x.copy = kept, h.desk.reply, h.desk.race, h.desk.copy
	if x.copy != nil {
		x.copy.held = x
	}
	if h.ctx != nil {
		h.forgetContext(h.ctx)
	}
	x.link.Of = x
	hs := w.holdingsLocked()
	h.desk.holdings = hs
	hs.tasks.Push(&x.link)
	if x.forwarding != nil {
		w.limitLocked(hs, x.forwarding, r.now)
	}
	if began := r.setAside(&w.engine.base, &w.pace); hs.since == 0 {
		hs.since = began
	}
	w.refreshLocked(q)
	if w.at < len(w.batch) && hs.limit < math.MaxInt { // else the worker may go on with its batch
		w.poke.Store(true)
	}
	h.desk.keeps, r.holds = true, true
	r.cut = true
	return true
}

// holdingsLocked returns the holdings, and makes them first if there are none.
func (w *workerMailbox) holdingsLocked() *holdings {
	x := w.rareLocked()
	if x.holdings == nil {
		x.holdings = &holdings{limit: max(w.engine.cfg.MaxHeld, 1)}
		if w.foreign != nil && w.q.late == nil {
			x.holdings.limit = math.MaxInt
		}
	}
	return x.holdings
}

// holdsOn reports whether a worker that has been told to stop goes on until it holds no task
// any more: it was retired by a resize, or is recycled. If it is told once more, it stops.
func (w *workerMailbox) holdsOn() bool {
	return (w.leaving.Load() || w.recycled.Load()) && w.departWhenFree()
}

// departWhenFree makes a worker that holds tasks stop when it holds none any more. Until then
// it gets no other. It returns false if the worker holds none, or has been told before.
func (w *workerMailbox) departWhenFree() bool {
	w.q.mu.Lock()
	hs := w.held()
	departs := hs != nil && hs.tasks.Len() > 0 && !hs.departs
	if departs {
		hs.departs = true
	}
	w.q.mu.Unlock()
	if departs {
		w.engine.leave(&w.Worker)
	}
	return departs
}

// departsLocked reports, once, that the worker must stop, since it holds no task any more.
func (w *workerMailbox) departsLocked() bool {
	hs := w.held()
	if hs == nil || !hs.departs || hs.tasks.Len() > 0 {
		return false
	}
	hs.departs = false
	return true
}

// heedLocked counts the outcomes of held tasks for the worker's breaker. It reports whether
// there were any.
func (w *workerMailbox) heedLocked() bool {
	hs := w.held()
	if hs == nil || len(hs.verdicts) == 0 {
		return false
	}
	for _, outcome := range hs.verdicts {
		w.noteOutcome(outcome)
	}
	hs.verdicts = hs.verdicts[:0]
	return true
}

// let ends the holding of a task whose attempt ends with Receive. It returns what Done was given
// before.
func (w *workerMailbox) let(x *Holding) error {
	w.q.mu.Lock()
	x.stage = over
	err := x.err
	w.q.mu.Unlock()
	x.end(context.Canceled)
	return err
}

// letGoLocked takes a task out of the worker's hands at the time now. It returns a worker to
// schedule, which has something to do now, or nil.
func (e *core) letGoLocked(x *Holding, now int64) (wake *Worker) {
	x.stage = over
	if x.worker == nil {
		delete(e.races.parked, x.task)
		return nil
	}
	w, q := &x.worker.Worker, x.worker.q
	hs := w.rare.holdings
	hs.tasks.Remove(&x.link)
	if f := x.forwarding; f != nil && !f.taken.Load() {
		e.replies.remove(f)
	}
	summoned := len(hs.verdicts) > 0
	if hs.tasks.Len() == 0 {
		e.meter.RecordBusy(w.shard(), hs.since, now)
		hs.since = 0
		if w.parked && w.hand.occupied.Load() {
			w.hand.occupied.Store(false)
			e.pace.busy(-1)
		}
		summoned = summoned || hs.departs
	}
	w.refreshLocked(q)
	switch {
	case summoned:
		if w.summonLocked() {
			return w
		}
	case len(w.rare.pins) > 0, w.rare.copies.Len() > 0, q.late == nil && (q.liveLocked() > 0 || e.orphans.Load() > 0):
		if w.wakeOwnLocked(q) {
			return w
		}
	case q.late != nil:
		return q.late.wakeLocked(q)
	}
	return nil
}

// countHeldLocked enters the outcome of a held task into the ledger.
func (e *core) countHeldLocked(x *Holding, outcome messages.Outcome, now int64) {
	outcomes := &e.shared.unstarted
	if x.worker != nil {
		outcomes = &x.worker.outcomes
	}
	outcomes[outcome]++
	e.countAttemptLocked(x, outcome, now)
}

// countAttemptLocked records the attempt of a held task, which is over.
func (e *core) countAttemptLocked(x *Holding, outcome messages.Outcome, now int64) {
	if x.worker == nil {
		e.meter.RecordInterrupted(0, x.started-x.task.enqueued, now-x.started, now)
		return
	}
	w := &x.worker.Worker
	w.ran += now - x.started
	e.meter.RecordInterrupted(w.shard(), x.started-x.task.enqueued, now-x.started, now)
	if e.cfg.Breaker.Failures > 0 {
		w.rare.holdings.verdicts = append(w.rare.holdings.verdicts, outcome)
	}
}

// succeed settles a held task whose attempt has succeeded, and then calls answer. It returns
// false, and calls nothing, if somebody has called Done before or the attempt is over.
func (e *Engine) succeed(x *Holding, answer func()) bool {
	w, t := x.worker, x.task
	tell := e.journals.on() || e.tracer != nil
	now := e.now()
	w.q.mu.Lock()
	if !x.claimLocked(nil) {
		w.q.mu.Unlock()
		return false
	}
	if x.copy != nil {
		w.q.mu.Unlock()
		won := x.copyOver(failure{outcome: messages.Succeeded})
		if won {
			answer()
		}
		return won
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
	return true
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
		then.wake(e.letGoLocked(x, now))
		then.call(func() {
			x.end(cause)
			c.race.ended(c, failure{outcome: outcome, err: err, reply: x.reply}, nil)
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
	if x.stage == over {
		q.mu.Unlock()
		return false
	}
	if e.cfg.Breaker.Failures > 0 {
		x.worker.rare.holdings.verdicts = append(x.worker.rare.holdings.verdicts, f.outcome)
	}
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
