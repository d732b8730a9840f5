package engine

import (
	"context"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// A heldJob ends the attempt of a held task that has not succeeded.
type heldJob struct {
	*Holding
	hand hand
}

var _ performer = (*heldJob)(nil)

func newHeldJob(x *Holding) *heldJob {
	j := &heldJob{Holding: x}
	j.hand.task, j.hand.word, j.hand.ctx, j.hand.worker = x.task, x.word, x.trace, x.home
	j.hand.special = &handSpecial{copy: x.copy, reply: x.reply}
	if x.worker != nil { // else its race is over
		j.hand.special.race = x.race
	}
	j.hand.started.Store(x.started)
	return j
}

// failHeld ends the attempt of a held task with err. The task is settled or retried.
func (e *Engine) failHeld(x *Holding, err error) {
	j := newHeldJob(x)
	j.conclude(func() { e.finish(j, &j.hand, x.task, err) })
}

// crashHeld ends the attempt of a held task, which has panicked.
func (e *Engine) crashHeld(x *Holding, crash *messages.PanicError) {
	if !x.claim(crash) {
		return
	}
	j := newHeldJob(x)
	j.conclude(func() { e.attemptFailed(j, &j.hand, x.task, crash, nil) })
}

// conclude calls f, which settles the task or plans a retry, and carries out the retry. f asks
// the user's policy, which may panic or end the goroutine.
func (j *heldJob) conclude(f func()) {
	e := j.engine
	defer j.putBack(context.Canceled)
	guard.Watch(f, func(value any) {
		e.attemptFailed(j, &j.hand, j.task, e.newPanicError(value, j.task), nil)
	})
}

// settle implements performer.
func (j *heldJob) settle(t *Task, outcome messages.Outcome, err error) {
	if j.copy != nil {
		j.copyOver(failure{outcome: outcome, err: err, crash: j.hand.attempt.crash})
		return
	}
	e, q := j.engine, j.queue()
	now := e.now()
	q.mu.Lock()
	if j.state == over {
		q.mu.Unlock()
		return
	}
	t.state.Store(uint64(j.word.with(doneAs(outcome))))
	e.countHeldLocked(j.Holding, outcome, now)
	wake := e.letGoLocked(j.Holding, now)
	q.mu.Unlock()
	j.end(context.Canceled)
	e.tellHeld(j.Holding, &Settlement{Outcome: outcome, Err: err, Ended: now}, j.hand.attempt.entry)
	if wake != nil {
		e.sched.schedule(wake)
	}
	e.progressed()
}

// attemptOver implements performer.
func (j *heldJob) attemptOver(t *Task, retry *retryPlan) {
	e := j.engine
	retry.reply = j.reply // which does not change any more, since the attempt is done
	s := Settlement{
		base: &e.base, task: t, Outcome: retry.outcome, Err: retry.err, Worker: j.hand.worker, Started: j.started, Ended: e.now(),
		foreign: j.forwarding != nil,
	}
	if note := e.journals.note(t, &s, retry); note != nil {
		note()
	}
}

// putBack makes the task wait for its next attempt, if one is planned. cause is why the context
// of this one ends.
func (j *heldJob) putBack(cause error) {
	e, retry := j.engine, j.hand.attempt.retry
	if retry == nil {
		return
	}
	var then after
	e.delays.mu.Lock()
	q := j.queue()
	q.mu.Lock()
	if j.state != over {
		e.retryHeldLocked(j, retry, &then)
	}
	q.mu.Unlock()
	e.delays.mu.Unlock()
	j.end(cause)
	if j.trace != nil {
		j.trace.dismiss()
	}
	then.run(e.sched)
	e.releaseDueNow()
	e.progressed()
}

// retryHeldLocked ends the attempt of a held task, which waits for the next one from now on.
func (e *placing) retryHeldLocked(j *heldJob, retry *retryPlan, then *after) {
	x, now := j.Holding, e.now()
	var w *Worker
	if x.worker != nil {
		w = &x.worker.Worker
	}
	e.countAttemptLocked(x, retry.outcome, now)
	then.wake(e.letGoLocked(x, now))
	if e.noMoreRetries() || w != nil && x.task.pinned() && w.leaving.Load() {
		e.settleUnretriedLocked(x.task, &j.hand, retry, x.outcomes(), then)
		then.settled[len(then.settled)-1].reply = x.reply
		return
	}
	if w != nil {
		w.retried++
	}
	e.delayLocked(x.task, &j.hand, w, now)
}

// setReply changes what the sender is told to have been told.
func (j *heldJob) setReply(said reply) {
	q := j.queue()
	q.mu.Lock()
	defer q.mu.Unlock()
	j.reply = said
}

// park implements performer.
func (j *heldJob) park(_ *Task, x *Holding) bool {
	e, w := j.engine, j.worker
	if w == nil {
		return false // it was parked before
	}
	var parks bool
	var wake *Worker
	e.withShared(w.q, func() {
		if parks = j.state != over; parks {
			x.trace, x.reply = j.trace, j.reply
			j.race = nil // it goes on
			wake = e.letGoLocked(j.Holding, e.now())
			e.parkLocked(x)
		}
	})
	if wake != nil {
		e.sched.schedule(wake)
	}
	if parks {
		j.end(context.Canceled)
	}
	return parks
}

// restartHeld ends the attempts of the tasks that a worker holds, since it is restarted. They
// are retried, or else canceled.
func (e *Engine) restartHeld(w *Worker) {
	for _, x := range w.allHeld() {
		if x.claim(nil) { // else Done was faster, and ends the attempt
			newHeldJob(x).interrupted()
		}
	}
}

// interrupted ends the attempt, since the worker is restarted.
func (j *heldJob) interrupted() {
	e, t := j.engine, j.task
	if r := j.hand.race(); r != nil && r.goesOn(j, t, failure{outcome: messages.Canceled, err: errHolderRestarted, reply: j.reply}) {
		return
	}
	retry := e.planRestart(t)
	if retry == nil || j.copy != nil {
		var then after
		j.worker.q.mu.Lock()
		if j.state != over {
			e.endHeldLocked(j.Holding, messages.Canceled, errHolderRestarted, messages.ErrCanceled, &then)
		}
		j.worker.q.mu.Unlock()
		then.run(e.sched)
		e.progressed()
		return
	}
	j.hand.attempt.retry = retry
	if j.trace != nil {
		j.trace.tellTracer(retry.outcome, retry.err)
	}
	j.attemptOver(t, retry)
	j.putBack(messages.ErrCanceled)
}

// planRestart returns the plan for a retry of a held task whose worker is restarted, or nil if
// there is none. The user's Retry.On is for errors of the handler and is not asked.
func (e *settling) planRestart(t *Task) *retryPlan {
	policy := &e.cfg.Retry
	attempts := t.attempts()
	if policy.Attempts == 0 || attempts >= policy.Attempts || e.dropped.Load() {
		return nil
	}
	delay := policy.Delay(attempts)
	if e.endsWithin(t, delay) {
		return nil
	}
	return &retryPlan{delay: delay, outcome: messages.Canceled, err: errHolderRestarted}
}
