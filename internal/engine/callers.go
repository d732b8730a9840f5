package engine

import (
	"context"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
)

// A callerJob runs one task in its caller.
type callerJob struct {
	*callerRun
	engine *admission
}

var _ performer = (*callerJob)(nil)

// runInCaller runs the task outside of the workers while its caller waits. The task gets a
// goroutine of its own, so that a runtime.Goexit in the handler does not end the caller's
// goroutine. Workers make the further attempts.
func (e *admission) runInCaller(ctx context.Context, t *Task, s *Spec) error {
	self := e.handlerOf(ctx) // the caller may be a handler of the pool
	run := &callerRun{over: make(chan struct{})}
	done := ctx.Done() // user code, which may fail: before the task is accepted
	if err := e.startInCaller(t, s, run); err != nil {
		return err
	}
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		(&callerJob{run, e}).do(t)
	}()
	var stuck <-chan struct{}
	if self != nil {
		wait := newPoolWait(self, t)
		if !e.block(wait) {
			return nil // whoever waits for the task is told
		}
		defer e.deadlocks.unblock(wait)
		stuck = wait.vain
	}
	select {
	case <-returned:
	case <-run.over:
	case <-done:
	case <-stuck:
	}
	return nil
}

// startInCaller accepts a task that runs in its caller.
func (e *admission) startInCaller(t *Task, s *Spec, run *callerRun) error {
	q, c, h := e.shared, &e.callers, &run.hand
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refusal != nil {
		return q.refusal
	}
	q.submitted++
	e.enterLedgerLocked(q, t, s, e.numberLocked(q, s.to.turn), nobody, 0)
	e.followLocked(t)
	c.mu.Lock()
	h.task, h.word = t, t.load().with(running)
	h.started.Store(t.enqueued)
	h.reportTo(&e.counters)
	h.ctx = newContext(&e.base, h, t)
	t.state.Store(uint64(h.word))
	c.addLocked(t, run)
	c.mu.Unlock()
	if s.Timeout > 0 {
		e.startTimeoutLocked(q, t, s)
		h.ctx.dueAt.Store(t.due)
	}
	return nil
}

// do runs the task.
func (j *callerJob) do(t *Task) {
	e, ctx := j.engine, j.hand.ctx
	if e.watchdog.on() {
		e.callers.noteGoroutine(j.callerRun, goroutine.Current())
	}
	defer func() {
		ctx.returned.Store(true)
		ctx.dismiss()
		j.putDown(t)
	}()
	guard.Watch(func() {
		if e.tracer != nil {
			ctx.beginTrace(t)
		}
		e.finish(j, &j.hand, t, t.body.Run(ctx))
	}, func(value any) {
		e.attemptFailed(j, &j.hand, t, e.newPanicError(value, t), nil)
	})
}

// putDown cleans up after the handler has returned. It queues the task for a retry or
// releases it.
func (j *callerJob) putDown(t *Task) {
	e, c := j.engine, &j.engine.callers
	var then after
	e.delays.mu.Lock()
	e.shared.mu.Lock()
	c.mu.Lock()
	if c.runs[t] == j.callerRun { // else it was abandoned
		delete(c.runs, t)
	}
	watch, retry := j.watch, j.hand.attempt.retry
	switch {
	case retry == nil || t.load().settled():
		retry = nil
	case e.noMoreRetries():
		e.settleUnretriedLocked(t, &j.hand, retry, &c.outcomes, &then)
		retry = nil
	default:
		e.delayLocked(t, &j.hand, nil, e.now())
	}
	c.mu.Unlock()
	e.shared.mu.Unlock()
	e.delays.mu.Unlock()
	e.watchdog.end(watch)
	then.run(e.sched)
	if retry != nil {
		e.releaseDueNow()
	} else {
		t.body.Released()
	}
	e.progressed()
}

// settle implements performer.
func (j *callerJob) settle(t *Task, outcome messages.Outcome, err error) {
	e, h := j.engine, &j.hand
	if e.tracer != nil {
		h.ctx.endTrace(t, outcome, err)
	}
	if !e.callers.settleOnce(t, j.callerRun, doneAs(outcome), outcome, nil) {
		return
	}
	s := Settlement{base: &e.base, task: t, Outcome: outcome, Err: err, Value: h.value, Started: h.started.Load(), Ended: e.now()}
	if entry := h.attempt.entry; outcome == messages.Quarantined && entry != nil {
		e.quarantine.add(entry)
	}
	if note := e.journals.note(t, &s, nil); note != nil {
		note()
	}
	t.body.Settled(&s)
}

// park implements performer. A task that runs in its caller has no copies.
func (j *callerJob) park(*Task, *Holding) bool { return false }

// attemptOver implements performer.
func (j *callerJob) attemptOver(t *Task, retry *retryPlan) {
	e := j.engine
	s := Settlement{base: &e.base, task: t, Outcome: retry.outcome, Err: retry.err, Started: j.hand.started.Load(), Ended: e.now()}
	if note := e.journals.note(t, &s, retry); note != nil {
		note()
	}
}
