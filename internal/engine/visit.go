package engine

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
)

// work runs the worker until it has nothing to do. At each visit to its queue, the worker
// returns its batch and gets a message or another batch.
func (w *workerMailbox) work(r *runner) {
	e := w.engine
	if w.runner != r { // else a snapshot may be reading it
		w.runner = r
	}
	e.noteGoroutine(&w.Worker)
	r.wakeUp(&e.base)
	for {
		if w.hand.attempt.retry != nil {
			e.putBack(&w.Worker)
		}
		if e.orphans.Load() > 0 {
			e.dealOrphan(&w.Worker)
		}
		next := w.visit(r)
		if next.wake != nil {
			e.sched.schedule(next.wake)
		}
		r.unlink()
		if r.stray {
			r.stray = false
			e.rescue(&w.Worker)
		}
		if next.kind == errandPark && e.waits.some.Load() {
			e.admitWaitingFor(&w.Worker) // an idle worker makes room
		}
		switch next.kind {
		case errandBatch:
			if next.trial {
				e.sideIfOnTrial(&w.Worker)
			}
			w.runBatches(r)
		case errandSystem:
			guard.Watch(func() { w.obey(next.message) }, w.fail)
		case errandMail:
			guard.Watch(func() { w.read(next.message) }, w.fail)
		case errandCopy:
			w.runCopy(r, next.copy)
		case errandBreaker:
			e.judgeBreaker(&w.Worker)
		case errandRecycle:
			r.time(&e.base, &w.pace, w.shard())
			guard.Watch(w.recycle, w.fail)
		case errandOpen:
			w.openForTask(r)
		case errandRest:
			w.rest()
		case errandFarewell:
			w.stop().abandonedReturned()
			return
		case errandPark:
			if e.dispatch.binding == picked && e.orphans.Load() > 0 && w.unpark() { // an orphan may have come meanwhile
				continue
			}
			if next.lastBusy {
				e.whenIdle()
			}
			return
		}
		if next.kind != errandBatch {
			r.readClock(&e.base)
		}
	}
}

// An errand is the next thing that a worker does after a visit to its queue.
type errand struct {
	kind     errandKind
	message  any
	copy     *copyRun
	trial    bool    // the batch is the probe of the worker's breaker
	wake     *Worker // another worker to schedule; nil: none
	lastBusy bool    // the worker parks and no other is busy
}

type errandKind int8

const (
	errandPark errandKind = iota
	errandBatch
	errandSystem
	errandMail
	errandBreaker
	errandOpen // make the state that the next task needs
	errandCopy // run a copy of a task
	errandRecycle
	errandRest     // it has been idle for too long
	errandFarewell // its abandoned handler has returned: tell its actor about the end
)

// visit returns the batch, if there is one, to the queue, and returns the next errand.
func (w *workerMailbox) visit(r *runner) errand {
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.clock, q.unstamped = max(q.clock, r.now), 0
	if r.holds = w.rare != nil && w.holdsLocked() > 0; r.holds && r.untimed > 0 { // which must not count as the time of other tasks
		r.time(&w.engine.base, &w.pace, w.shard())
	}
	if w.waking {
		w.waking, q.late.waking = false, false
	}
	w.openedLocked(q)
	returned := w.batch != nil
	if returned {
		w.returnLocked(q, r)
		if x := w.renewal(); x != nil {
			x.usedLocked(r.now)
		}
	}
	if w.poke.Load() {
		w.poke.Store(false)
	}
	n := w.nextLocked(q, r, returned)
	if n.kind == errandPark {
		w.hand.ctx = nil // an idle worker keeps nothing of its tasks alive
		if w.hand.last != nil && w.hand.last.caller != context.Background() {
			w.hand.endLastContext()
		}
		n.lastBusy = w.parkLocked(q)
	}
	if q.late != nil {
		n.wake = q.late.wakeLocked(q)
	}
	return n
}

// nextLocked returns what the worker does next. The end of an abandoned worker and the
// breaker come first, then system messages, then messages to the worker itself, then tasks.
func (w *workerMailbox) nextLocked(q *taskQueue, r *runner, returned bool) errand {
	if w.abandoned.Load() {
		if w.dismissed {
			return errand{}
		}
		return errand{kind: errandFarewell}
	}
	if w.rare != nil && w.countUnseenLocked() {
		returned = true
	}
	if returned && w.breakerActsLocked() {
		return errand{kind: errandBreaker}
	}
	if message, ok := w.system.Pop(); ok {
		return errand{kind: errandSystem, message: message}
	}
	if w.rare != nil && w.departsLocked() {
		return errand{kind: errandSystem, message: new(actor.Stop)}
	}
	if w.suspended || w.leaving.Load() && w.holdsLocked() == 0 {
		return errand{}
	}
	if message, ok := w.mail.Pop(); ok {
		return errand{kind: errandMail, message: message}
	}
	if w.leaving.Load() {
		return errand{}
	}
	if w.renewal() != nil && w.wornOutLocked() {
		return errand{kind: errandRecycle}
	}
	if w.stateless() && w.opensLocked(q) {
		return errand{kind: errandOpen}
	}
	if w.rare != nil {
		if c := w.takeCopyLocked(q, r); c != nil {
			return errand{kind: errandCopy, copy: c}
		}
	}
	if w.claimLocked(q, r) {
		return errand{kind: errandBatch, trial: w.onTrialLocked()}
	}
	if w.restedLocked() {
		return errand{kind: errandRest}
	}
	return errand{}
}
