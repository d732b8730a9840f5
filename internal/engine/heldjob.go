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
	j.hand.task, j.hand.word, j.hand.ctx, j.hand.worker = x.task, x.word, x.trace, x.worker.hand.worker
	j.hand.started.Store(x.started)
	return j
}

// failHeld ends the attempt of a held task with err. The task is settled or retried.
func (e *Engine) failHeld(x *Holding, err error) {
	j := newHeldJob(x)
	guard.Watch(func() { e.finish(j, &j.hand, x.task, err) }, func(value any) {
		e.attemptFailed(j, &j.hand, x.task, e.newPanicError(value, x.task), nil) // the policy has panicked
	})
	j.putBack()
}

// settle implements performer.
func (j *heldJob) settle(t *Task, outcome messages.Outcome, err error) {
	e, q := j.engine, j.worker.q
	now := e.now()
	q.mu.Lock()
	if j.stage == over {
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
	s := Settlement{
		base: &e.base, task: t, Outcome: retry.outcome, Err: retry.err, Worker: j.hand.worker, Started: j.started, Ended: e.now(),
	}
	if note := e.journals.note(t, &s, retry); note != nil {
		note()
	}
}

// putBack makes the task wait for its next attempt, if one is planned.
func (j *heldJob) putBack() {
	e, retry := j.engine, j.hand.attempt.retry
	if retry == nil {
		return
	}
	var then after
	e.delays.mu.Lock()
	j.worker.q.mu.Lock()
	if j.stage != over {
		e.retryHeldLocked(j, retry, &then)
	}
	j.worker.q.mu.Unlock()
	e.delays.mu.Unlock()
	j.end(context.Canceled)
	then.run(e.sched)
	e.releaseDueNow()
	e.progressed()
}

// retryHeldLocked ends the attempt of a held task, which waits for the next one from now on.
func (e *placing) retryHeldLocked(j *heldJob, retry *retryPlan, then *after) {
	x, w, now := j.Holding, &j.worker.Worker, e.now()
	e.countAttemptLocked(x, retry.outcome, now)
	then.wake(e.letGoLocked(x, now))
	if e.noMoreRetries() {
		e.settleUnretriedLocked(x.task, &j.hand, retry, &w.outcomes, then)
		return
	}
	w.retried++
	e.delayLocked(x.task, &j.hand, w, now)
}

// retryHeld ends the attempts of the tasks that a worker holds, since it is restarted. They
// are retried, or else canceled.
func (e *backpressure) retryHeld(w *Worker) {
	var then after
	var ended []*Holding
	e.delays.mu.Lock()
	w.q.mu.Lock()
	w.eachHeldLocked(func(x *Holding) {
		retry := e.planRestart(x.task)
		if retry == nil {
			e.endHeldLocked(x, messages.Canceled, errHolderRestarted, messages.ErrCanceled, &then)
			return
		}
		j := newHeldJob(x)
		j.hand.attempt.retry = retry
		note := e.journals.note(x.task, &Settlement{
			base: &e.base, task: x.task, Outcome: retry.outcome, Err: retry.err, Worker: j.hand.worker, Started: x.started, Ended: e.now(),
		}, retry)
		if note != nil {
			then.call(note)
		}
		e.retryHeldLocked(j, retry, &then)
		ended = append(ended, x)
	})
	w.q.mu.Unlock()
	e.delays.mu.Unlock()
	for _, x := range ended {
		x.end(errHolderRestarted)
	}
	then.run(e.sched)
	e.releaseDueNow()
	e.progressed()
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
