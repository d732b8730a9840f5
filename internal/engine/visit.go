package engine

import "context"

// work runs the worker until it has nothing to do. At each visit to its queue it
// returns its batch, and gets a message or a further batch.
func (w *Worker) work(r *runner) {
	e := w.engine
	if w.runner != r { // else a snapshot may be reading it
		w.runner = r
	}
	e.watchdog.noteGoroutine(w)
	r.wakeUp(e)
	for {
		if w.hand.attempt.again != nil {
			e.putBack(w)
		}
		if e.orphans.Load() > 0 {
			e.dealOrphan(w)
		}
		next := w.visit(r)
		if next.wake != nil {
			next.wake.schedule()
		}
		r.unlink()
		if r.stray {
			r.stray = false
			e.rescue(w)
		}
		if next.kind == nextPark && e.waits.some.Load() {
			e.admitWaiting() // an idle worker makes room
		}
		switch next.kind {
		case nextBatch:
			if next.trial {
				e.sideIfOnTrial(w)
			}
			w.runBatches(r)
		case nextSystem:
			w.guarded(func() { w.obey(next.message) })
		case nextMail:
			w.guarded(func() { w.read(next.message) })
		case nextBreaker:
			e.judgeBreaker(w)
		case nextFarewell:
			w.guarded(w.farewell)
			return
		case nextPark:
			if e.dispatch.binding == picked && e.orphans.Load() > 0 && w.unpark() { // one may have come since
				continue
			}
			if !w.abandoned.Load() && e.sched.awake.Add(-1) == 0 {
				e.whenIdle()
			}
			return
		}
		if next.kind != nextBatch {
			r.readClock(e)
		}
	}
}

// A next is what a visit to the queue comes to.
type next struct {
	kind    nextKind
	message any
	trial   bool    // the batch is the probe of the worker's breaker
	wake    *Worker // another worker to be scheduled; nil: none
}

type nextKind int8

const (
	nextPark nextKind = iota
	nextBatch
	nextSystem
	nextMail
	nextBreaker
	nextFarewell // it was abandoned and has come back: its actor is to hear of its end
)

// visit returns the batch, if there is one, and says what is next.
func (w *Worker) visit(r *runner) next {
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.clock, q.unstamped = max(q.clock, r.now), 0
	if w.waking {
		w.waking, q.late.waking = false, false
	}
	returned := w.batch != nil
	if returned {
		w.returnLocked(q, r)
	}
	w.poke.Store(false)
	n := w.nextLocked(q, r, returned)
	if n.kind == nextPark {
		w.hand.ctx = nil // an idle worker keeps nothing of its tasks alive
		if w.lastCtx != nil && w.lastCtx.caller != context.Background() {
			w.endLastContext()
		}
		w.parkLocked(q)
	}
	if q.late != nil {
		n.wake = q.late.wakeLocked(q)
	}
	return n
}

// nextLocked says what the worker does next: system messages first, then messages to
// the worker itself, then tasks.
func (w *Worker) nextLocked(q *taskQueue, r *runner, returned bool) next {
	if w.abandoned.Load() {
		if w.dismissed {
			return next{}
		}
		return next{kind: nextFarewell}
	}
	if returned && w.breakerActsLocked() {
		return next{kind: nextBreaker}
	}
	if message, ok := w.system.pop(); ok {
		return next{kind: nextSystem, message: message}
	}
	if w.suspended || w.leaving.Load() {
		return next{}
	}
	if message, ok := w.mail.pop(); ok {
		return next{kind: nextMail, message: message}
	}
	if w.claimLocked(q, r) {
		return next{kind: nextBatch, trial: w.onTrialLocked()}
	}
	return next{}
}

// unpark takes charge of the worker if it could start a task and nobody has woken it.
func (w *Worker) unpark() bool {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return w.wakeOwnLocked(w.q)
}

// guarded runs the actor with something else than a task. A panic in it is a failure of
// the worker.
func (w *Worker) guarded(f func()) {
	done := false
	defer func() {
		if !done {
			w.fail(recover())
		}
	}()
	f()
	done = true
}
