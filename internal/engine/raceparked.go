package engine

import (
	"github.com/troupe-go/troupe/messages"
)

// This file is about tasks that have failed at home while their copies run.

// goesOn handles a failure of the task at home, in the hand h of p. It returns false if the
// attempt has failed: there is no copy left to wait for. Otherwise the task has left the hand.
func (r *race) goesOn(p performer, t *Task, f failure) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.won { // the copy is about to settle the task
		return p.park(t, r.parkedLocked(p, t))
	}
	if r.over {
		return false
	}
	r.noteLocked(f)
	wake := r.startNextLocked()
	defer r.schedule(wake)
	if len(r.copies) == 0 {
		r.over = true
		if j, ok := p.(*heldJob); ok {
			j.setReply(r.first.reply)
		}
		return false
	}
	x := r.parkedLocked(p, t)
	if !p.park(t, x) {
		return false
	}
	r.parked = x
	return true
}

// parkedLocked returns the Holding of a task that has failed at home and waits for its copies. No
// worker has it.
func (r *race) parkedLocked(p performer, t *Task) *Holding {
	return &Holding{
		engine: r.engine, task: t, word: r.word.with(held).of(nobody), race: r, state: kept,
		home: r.home.hand.worker, started: r.startedAt(p), due: t.due,
	}
}

// startedAt returns when the task has begun.
func (r *race) startedAt(p performer) int64 {
	if j, ok := p.(*heldJob); ok {
		return j.started
	}
	return r.home.hand.startOf(r.task)
}

// parkLocked keeps a task that has failed at home until its copies have ended. The lock of the
// shared queue, and that of the worker's queue, must be held.
func (e *core) parkLocked(x *Holding) {
	x.task.state.Store(uint64(x.word))
	if e.races.parked == nil {
		e.races.parked = make(map[*Task]*Holding)
	}
	e.races.parked[x.task] = x
}

// failParked ends the attempt of a task whose copies have all failed, as it has at home.
func (e *Engine) failParked(x *Holding, f *failure) {
	e.shared.mu.Lock()
	x.reply, x.done = f.reply, true
	e.shared.mu.Unlock()
	j := newHeldJob(x)
	j.conclude(func() {
		switch {
		case f.err == errHolderRestarted: //nolint:errorlint // it is the engine's own
			j.retryRestarted()
		case x.due > 0 && e.now() >= x.due: // the copies have noticed it before the engine has
			j.settle(x.task, messages.TimedOut, because(messages.ErrTaskTimeout, f.err))
		case f.judged():
			e.attemptFailed(j, &j.hand, x.task, f.crash, f.err)
		default:
			j.settle(x.task, f.outcome, f.err)
		}
	})
}

// retryRestarted ends the attempt of a task whose home was restarted, and whose copies have
// failed.
func (j *heldJob) retryRestarted() {
	retry := j.engine.planRestart(j.task)
	if retry == nil {
		j.settle(j.task, messages.Canceled, errHolderRestarted)
		return
	}
	j.hand.attempt.retry = retry
	j.attemptOver(j.task, retry)
}
