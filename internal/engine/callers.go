package engine

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
)

// callerRuns has the tasks that run in their callers, under the overflow policy
// CallerRuns. Its lock guards their places.
type callerRuns struct {
	mu       sync.Mutex
	outcomes tally                // guarded by mu
	runs     map[*Task]*callerRun // guarded by mu; nil until the first
}

// A callerRun is the run of a task in its caller.
type callerRun struct {
	engine    *Engine
	hand      hand
	over      chan struct{} // closed when the task is settled by others
	goroutine goroutine.ID  // guarded by callerRuns.mu; known to the watchdog alone
	watch     *watch        // guarded by callerRuns.mu; nil: none
}

// runInCaller runs the task outside of the workers while its caller waits. It has a
// goroutine of its own, so that a runtime.Goexit in the handler does not end the
// caller's. An attempt after the first is a worker's.
func (e *Engine) runInCaller(ctx context.Context, t *Task, s *Spec) error {
	c, run := &e.callers, &callerRun{engine: e, over: make(chan struct{})}
	e.shared.mu.Lock()
	if err := e.shared.refusal; err != nil {
		e.shared.mu.Unlock()
		return err
	}
	e.shared.submitted++
	number := e.numberLocked(&e.shared)
	e.enterLedgerLocked(&e.shared, t, s, &target{}, number, nobody, 0)
	c.mu.Lock()
	run.hand.task, run.hand.word = t, t.load().with(running)
	run.hand.started.Store(t.enqueued)
	run.hand.ctx = e.newContext(t, nil)
	run.hand.ctx.run = run
	t.state.Store(uint64(run.hand.word))
	if c.runs == nil {
		c.runs = make(map[*Task]*callerRun)
	}
	c.runs[t] = run
	c.mu.Unlock()
	if s.Timeout > 0 {
		e.startTimeoutLocked(&e.shared, t, s)
		run.hand.ctx.dueAt.Store(t.due)
	}
	e.shared.mu.Unlock()

	returned := make(chan struct{})
	go func() {
		defer close(returned)
		run.do(t)
	}()
	select {
	case <-returned:
	case <-run.over:
	case <-ctx.Done():
	}
	return nil
}

func (run *callerRun) do(t *Task) {
	e := run.engine
	if e.cfg.Watchdog.Grace > 0 {
		e.callers.mu.Lock()
		run.goroutine = goroutine.Current()
		e.callers.mu.Unlock()
	}
	normal := false
	defer func() {
		ctx := run.hand.ctx
		if !normal {
			ctx.attemptFailed(t, e.newPanicError(recover(), t), nil)
		}
		ctx.returned.Store(true)
		ctx.dismiss()
		run.putDown(t)
	}()
	if e.cfg.Tracer != nil {
		run.hand.ctx.beginTrace(t)
	}
	run.hand.ctx.finish(t, t.body.Run(run.hand.ctx))
	normal = true
}

// putDown is called when the handler has returned.
func (run *callerRun) putDown(t *Task) {
	e, c := run.engine, &run.engine.callers
	var then after
	e.delays.mu.Lock()
	e.shared.mu.Lock()
	c.mu.Lock()
	if c.runs[t] == run { // else it was abandoned
		delete(c.runs, t)
	}
	wt := run.watch
	again := run.hand.attempt.again
	switch {
	case again == nil || t.load().settled():
		again = nil
	case e.stopping.dropped.Load():
		c.giveUpRetryLocked(e, t, run, &retryPlan{outcome: messages.Canceled, err: errCanceledByStop}, &then)
		again = nil
	case e.stopping.barren.Load(): // no worker will come
		c.giveUpRetryLocked(e, t, run, again, &then)
		again = nil
	default:
		e.delays.addLocked(e, t, &run.hand, nil, e.now())
	}
	c.mu.Unlock()
	e.shared.mu.Unlock()
	e.delays.mu.Unlock()
	e.watchdog.end(e, wt)
	then.run(e)
	if again != nil {
		e.releaseDueNow()
	} else {
		t.release()
	}
	e.progressed()
}

// giveUpRetryLocked settles a task that was to be tried again.
func (c *callerRuns) giveUpRetryLocked(e *Engine, t *Task, run *callerRun, again *retryPlan, then *after) {
	t.state.Store(uint64(run.hand.word.with(doneAs(again.outcome))))
	c.outcomes[again.outcome]++
	then.settled = append(then.settled, e.endingAfter(t, again, run.hand.started.Load(), ""))
}

// settle settles the task on the goroutine that ran it.
func (run *callerRun) settle(t *Task, outcome messages.Outcome, err error) {
	e := run.engine
	if !e.callers.settleOnce(t, run, doneAs(outcome), outcome) {
		return
	}
	s := Settlement{engine: e, task: t, Outcome: outcome, Err: err, Value: run.hand.value, Started: run.hand.started.Load(), Ended: e.now()}
	if outcome == messages.Quarantined {
		e.addQuarantined(run.hand.attempt.entry)
	}
	if note := e.journals.note(t, &s, nil); note != nil {
		note()
	}
	t.body.Settled(&s)
}

// settleOnce settles a task with the given status and counts the outcome. It reports false
// if others were faster.
func (c *callerRuns) settleOnce(t *Task, run *callerRun, as status, outcome messages.Outcome) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.swap(run.hand.word, run.hand.word.with(as)) {
		return false
	}
	c.outcomes[outcome]++
	return true
}

func (run *callerRun) attemptOver(t *Task, again *retryPlan) {
	e := run.engine
	s := Settlement{engine: e, task: t, Outcome: again.outcome, Err: again.err, Started: run.hand.started.Load(), Ended: e.now()}
	if note := e.journals.note(t, &s, again); note != nil {
		note()
	}
}

// end settles a task that runs in its caller while its handler still runs.
func (c *callerRuns) end(e *Engine, t *Task, w word, outcome messages.Outcome, err, cause error, then *after) (done, won bool) {
	c.mu.Lock()
	run := c.runs[t]
	c.mu.Unlock()
	if run == nil || !c.settleOnce(t, run, cutAs(outcome), outcome) {
		return t.load() == w, false // it is being put down
	}
	now := e.now()
	run.hand.ctx.used.Store(true)
	run.hand.ctx.over.Store(true)
	close(run.over)
	s := e.endingOf(t, outcome, err)
	s.running, s.ctx, s.cause, s.Started, s.Ended = true, run.hand.ctx, cause, run.hand.started.Load(), now
	s.note = e.journals.note(t, &s.Settlement, nil)
	then.settled = append(then.settled, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	e.watchdog.watch(e, nil, run, t)
	return true, true
}

// cancelAll cancels the tasks that run in their callers, because the pool stops.
func (c *callerRuns) cancelAll(e *Engine) {
	c.mu.Lock()
	var tasks []*Task
	for t := range c.runs {
		tasks = append(tasks, t)
	}
	c.mu.Unlock()
	var then after
	for _, t := range tasks {
		e.end(t, t.load().sequence(), messages.Canceled, errCanceledByStop, messages.ErrPoolStopped, &then)
	}
	then.run(e)
}

// abandon forgets a run whose handler is stuck.
func (c *callerRuns) abandon(wt *watch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, run := range c.runs {
		if run == wt.run {
			wt.goroutine = run.goroutine
			delete(c.runs, t)
			return true
		}
	}
	return false
}

// count is the number of tasks that run in their callers.
func (c *callerRuns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.runs)
}

// ids are those of the tasks that run in their callers.
func (c *callerRuns) ids() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.runs {
		ids = append(ids, t.id())
	}
	return ids
}

// oldest returns when the first of the tasks was started that still run, or now.
func (c *callerRuns) oldest(now int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, run := range c.runs {
		now = min(now, run.hand.started.Load())
	}
	return now
}

// tallied returns the outcomes of the tasks that ran in their callers.
func (c *callerRuns) tallied() tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcomes
}
