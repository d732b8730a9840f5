package engine

import (
	"bytes"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/outcome"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// settling is the layer that settles tasks.
type settling struct{ core }

// judge returns the plan for a retry of the task in hand, whose attempt ended in err, or
// nil if there is none. exhausted reports that only the limit of attempts rules out a
// retry. judge runs user code.
func (e *settling) judge(t *Task, outcome messages.Outcome, err error) (retry *retryPlan, exhausted bool) {
	policy := &e.cfg.Retry
	if policy.Attempts == 0 || e.dropped.Load() {
		return nil, false
	}
	var asked *messages.RetryAfterError
	switch {
	case outcome == messages.Panicked:
		if !policy.Panics {
			return nil, false
		}
	case errors.As(err, new(*messages.NoRetryError)):
		return nil, false
	case errors.As(err, &asked):
	case policy.On != nil && !policy.On(err):
		return nil, false
	}
	attempts := t.attempts()
	if attempts >= policy.Attempts {
		return nil, true
	}
	delay := policy.Delay(attempts)
	if asked != nil {
		delay = max(asked.Delay, 0)
	}
	if e.endsWithin(t, delay) {
		return nil, false // there would be no next attempt
	}
	return &retryPlan{delay: delay, outcome: outcome, err: err}, false
}

// endsWithin reports whether the task's timeout, or the deadline of the caller that the
// task is bound to, will pass within d.
func (e *settling) endsWithin(t *Task, d time.Duration) bool {
	if t.due > 0 && int64(d) >= t.due-e.now() {
		return true
	}
	if t.load()&flagBound == 0 {
		return false
	}
	at, ok := deadlineOf(t.caller())
	return ok && d >= time.Until(at)
}

// A performer runs a task: on a worker, or in the task's caller.
type performer interface {
	// settle gives the task its outcome, unless it has one, and notifies its waiters.
	settle(t *Task, outcome messages.Outcome, err error)
	// attemptOver records an attempt that will be retried.
	attemptOver(t *Task, retry *retryPlan)
	// park takes the task out of the hand, to wait as x for the copies of its race. It returns
	// false if the task has been settled.
	park(t *Task, x *Holding) bool
}

// finish settles the task in the hand h, whose handler has returned err, or plans a retry.
func (e *settling) finish(p performer, h *hand, t *Task, err error) {
	// A handler that returns because its context has ended may return a moment before the
	// engine notices that end. The outcome is the same.
	switch {
	case err == nil:
		p.settle(t, messages.Succeeded, nil)
	case t.due > 0 && e.now() >= t.due:
		p.settle(t, messages.TimedOut, because(messages.ErrTaskTimeout, err))
	case h.ctx != nil && h.ctx.bound && hasEnded(h.ctx.caller):
		p.settle(t, messages.Canceled, because(messages.ErrCanceled, err))
	default:
		if named := outcome.Of(err); named != nil {
			e.failNamed(p, h, t, named, err)
			return
		}
		e.attemptFailed(p, h, t, nil, err)
	}
}

// failNamed handles an attempt whose error names the outcome.
func (e *settling) failNamed(p performer, h *hand, t *Task, named *outcome.Error, err error) {
	r := h.race()
	if r == nil || h.copied() != nil {
		e.settleNamed(p, h, t, named, err)
		return
	}
	own := failure{outcome: named.Outcome(), err: err, reply: h.replied()}
	switch f := e.raceFailed(p, r, h, t, own); {
	case f == nil:
	case f.err == err: //nolint:errorlint // it is the task's own failure
		e.settleNamed(p, h, t, named, err)
	case f.judged():
		e.attemptFailed(p, h, t, f.crash, f.err)
	default:
		p.settle(t, f.outcome, f.err)
	}
}

// raceFailed handles a failure at home of a task that runs in several copies. It returns the
// failure with which the attempt ends, or nil if the copies go on.
func (e *settling) raceFailed(p performer, r *race, h *hand, t *Task, own failure) *failure {
	if r.goesOn(p, t, own) {
		h.attempt = attempt{}
		if e.tracer != nil {
			h.ctx.endTrace(t, own.outcome, own.err)
		}
		return nil
	}
	f := r.takeFirst()
	if f == nil { // it was taken before, or the task has been settled
		f = &own
	}
	h.special.reply = f.reply
	return f
}

// settleNamed settles a task whose handler has returned err, which names the outcome. The
// task is not retried.
func (e *settling) settleNamed(p performer, h *hand, t *Task, named *outcome.Error, err error) {
	if named.Outcome() == messages.Quarantined && e.cfg.Quarantine != (router.Quarantine{}) {
		e.quarantineTask(p, h, t, err, named.Final(err))
		return
	}
	p.settle(t, named.Outcome(), named.Final(err))
}

// attemptFailed handles an attempt that has failed, or panicked if crash is not nil. It
// settles the task, plans a retry, or quarantines the task.
func (e *settling) attemptFailed(p performer, h *hand, t *Task, crash *messages.PanicError, err error) {
	outcome := messages.Failed
	if crash != nil {
		outcome, err = messages.Panicked, crash
	}
	h.attempt = attempt{crash: crash}
	if h.copied() != nil || t.load().settled() {
		p.settle(t, outcome, err)
		return
	}
	if r := h.race(); r != nil {
		f := e.raceFailed(p, r, h, t, failure{outcome: outcome, err: err, crash: crash, reply: h.replied()})
		switch {
		case f == nil:
			return
		case !f.judged():
			p.settle(t, f.outcome, f.err)
			return
		}
		outcome, err, h.attempt.crash = f.outcome, f.err, f.crash
	}
	retry, exhausted := e.judge(t, outcome, err)
	switch {
	case e.quarantines(t, outcome, exhausted):
		e.quarantineTask(p, h, t, err, quarantinedError(err))
	case retry == nil:
		p.settle(t, outcome, err)
	default:
		if e.tracer != nil {
			h.ctx.endTrace(t, outcome, err)
		}
		if t.load().settled() { // judge and the tracer run user code, which may take time
			p.settle(t, outcome, err)
			return
		}
		h.attempt.retry = retry
		h.settled = true
		p.attemptOver(t, retry)
	}
}

// newPanicError returns the error for a panic of the handler of t. It must be called where
// the panic was recovered. Recording the stack costs most of what a panic costs, so the
// stack is left out where nobody would see it.
func (e *settling) newPanicError(value any, t *Task) *messages.PanicError {
	err := &messages.PanicError{Value: reasonOf(value)}
	if t.load()&(flagOwned|flagAnswered) != flagOwned || e.cfg.Quarantine != (router.Quarantine{}) || e.journals.on() || e.tracer != nil {
		err.Stack = fromPanic(debug.Stack())
	}
	return err
}

// fromPanic removes from a stack the frames above that of the panic, which belong to the
// code that recovered. A runtime.Goexit has no such frame.
func fromPanic(stack []byte) []byte {
	head, _, _ := bytes.Cut(stack, []byte("\n"))
	if at := bytes.Index(stack, []byte("\npanic(")); at > 0 {
		return slices.Concat(head, stack[at:])
	}
	return stack
}

// reasonOf returns what a recovered value stands for: nil stands for a runtime.Goexit.
func reasonOf(value any) any {
	if value == nil {
		return messages.ErrGoexit
	}
	return value
}

// quarantines reports whether a task whose attempt ended with outcome goes into the
// quarantine.
func (e *settling) quarantines(t *Task, outcome messages.Outcome, exhausted bool) bool {
	q := &e.cfg.Quarantine
	if q.Crashes > 0 && outcome == messages.Panicked {
		crashes := 1
		if past := t.past(); past != nil {
			crashes += len(past.panics)
		}
		if crashes >= q.Crashes {
			return true
		}
	}
	return q.Exhausted && exhausted
}

// quarantineTask settles the task in hand as Quarantined because of err, puts it into the
// quarantine, and tells its waiter final.
func (e *settling) quarantineTask(p performer, h *hand, t *Task, err, final error) {
	entry := e.newQuarantined(t, h, err)
	h.attempt.entry = entry
	p.settle(t, messages.Quarantined, final)
	e.announce(entry)
}

// newQuarantined describes the task in hand, which goes into the quarantine because of err.
func (e *settling) newQuarantined(t *Task, h *hand, err error) *quarantined {
	v := t.view()
	entry := &quarantined{QuarantinedTask: messages.QuarantinedTask{
		Task:     messages.Task{ID: t.id(), Payload: t.body.Payload(), Priority: v.Priority, Key: v.Key, Headers: v.Headers},
		Attempts: t.attempts(),
		Err:      err,
		At:       e.timeOf(e.now()),
	}, copy: t.body.Copy()}
	if t.due > 0 {
		entry.Task.Timeout = t.timeout()
	}
	entry.spec = Spec{
		ID: v.ID, Key: v.Key, Headers: v.Headers, Priority: v.Priority, Timeout: entry.Task.Timeout,
		Mode: RoomOnly,
	}
	if past := t.past(); past != nil {
		entry.Panics = past.panics
	}
	if crash := h.attempt.crash; crash != nil {
		entry.Panics = append(slices.Clip(entry.Panics), crash)
	}
	entry.Worker = h.worker
	return entry
}

// announce publishes that a task was quarantined, after its waiter was notified.
func (e *settling) announce(entry *quarantined) {
	if entry.Number == 0 {
		return // another goroutine settled the task first
	}
	e.notify(&messages.TaskQuarantined{Pool: e.name, QuarantinedTask: entry.QuarantinedTask})
	if entry.displaced != 0 {
		e.warn("quarantine full, oldest task forgotten", "number", entry.displaced)
	}
}
