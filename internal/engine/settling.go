package engine

import (
	"bytes"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// settling is the layer that settles tasks.
type settling struct{ core }

// judge says whether the task in hand, whose attempt ended in err, is tried again. It
// is nil if not. exhausted reports that it would be if it had attempts left. It runs
// code of the user's.
func (e *settling) judge(t *Task, outcome messages.Outcome, err error) (retry *retryPlan, exhausted bool) {
	policy := &e.cfg.Retry
	if policy.Attempts == 0 {
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
	case policy.On == nil || !policy.On(err):
		return nil, false
	}
	attempts := t.attempts()
	if attempts >= policy.Attempts {
		return nil, true
	}
	delay := backoff.Backoff{Min: policy.Min, Max: policy.Max, Jitter: policy.Jitter}.Delay(attempts - 1)
	if asked != nil {
		delay = max(asked.Delay, 0)
	}
	if e.endsWithin(t, delay, outcome != messages.Panicked) {
		return nil, false // there would be no next attempt
	}
	return &retryPlan{delay: delay, outcome: outcome, err: err}, false
}

// endsWithin reports whether the task's timeout is over within d, or its caller's
// deadline if it is bound to that. Only a handler's goroutine may ask the caller, whose
// context may run code of the user's.
func (e *settling) endsWithin(t *Task, d time.Duration, askCaller bool) bool {
	if t.due > 0 && int64(d) >= t.due-e.now() {
		return true
	}
	if !askCaller || t.load()&flagBound == 0 {
		return false
	}
	at, ok := t.caller.Deadline()
	return ok && d >= time.Until(at)
}

// A performer is the goroutine that runs a task: a worker's, or one for its caller.
type performer interface {
	// settle gives the task its outcome, unless it has one, and tells whoever waits.
	settle(t *Task, outcome messages.Outcome, err error)
	// attemptOver notes an attempt that is not the last.
	attemptOver(t *Task, retry *retryPlan)
}

// finish settles a task whose handler has returned err, or has it tried again.
func (e *settling) finish(p performer, c *Context, t *Task, err error) {
	// A handler that gives up since its context has ended may do so a moment before the
	// engine sees that end: the outcome is the same.
	switch {
	case err == nil:
		p.settle(t, messages.Succeeded, nil)
	case t.due > 0 && e.now() >= t.due:
		p.settle(t, messages.TimedOut, because(messages.ErrTaskTimeout, err))
	case c.bound && c.caller.Err() != nil:
		p.settle(t, messages.Canceled, because(messages.ErrCanceled, err))
	default:
		e.attemptFailed(p, c.hand, t, nil, err)
	}
}

// attemptFailed settles a task whose attempt has failed, or panicked if crash is not
// nil; or has it tried again, or quarantines it.
func (e *settling) attemptFailed(p performer, h *hand, t *Task, crash *messages.PanicError, err error) {
	outcome := messages.Failed
	if crash != nil {
		outcome, err = messages.Panicked, crash
	}
	h.attempt = attempt{crash: crash}
	if t.load().settled() {
		p.settle(t, outcome, err)
		return
	}
	retry, exhausted := e.judge(t, outcome, err)
	switch {
	case e.quarantines(t, outcome, exhausted):
		entry := e.newQuarantined(t, h, err)
		h.attempt.entry = entry
		p.settle(t, messages.Quarantined, &quarantinedError{err})
		e.announce(entry)
	case retry == nil:
		p.settle(t, outcome, err)
	default:
		if e.tracer != nil {
			h.ctx.endTrace(t, outcome, err)
		}
		if t.load().settled() { // judge has asked the user, and there may be a tracer: that takes time
			p.settle(t, outcome, err)
			return
		}
		h.attempt.retry = retry
		h.settled = true
		p.attemptOver(t, retry)
	}
}

// newPanicError is called where the panic of the handler of t was recovered. The stack
// costs most of what a panic does, so it is left out where nobody would see it.
func (e *settling) newPanicError(value any, t *Task) *messages.PanicError {
	err := &messages.PanicError{Value: reasonOf(value)}
	if t.load()&(flagOwned|flagAnswered) != flagOwned || e.cfg.Quarantine != (router.Quarantine{}) || e.journals.on() || e.tracer != nil {
		err.Stack = fromPanic(debug.Stack())
	}
	return err
}

// fromPanic removes from a stack the frames above that of the panic, which belong to
// whoever recovered from it. A runtime.Goexit has no such frame.
func fromPanic(stack []byte) []byte {
	head, _, _ := bytes.Cut(stack, []byte("\n"))
	if at := bytes.Index(stack, []byte("\npanic(")); at > 0 {
		return slices.Concat(head, stack[at:])
	}
	return stack
}

// reasonOf is what a recovered value stands for: nil is a runtime.Goexit.
func reasonOf(value any) any {
	if value == nil {
		return messages.ErrGoexit
	}
	return value
}

// quarantines reports whether a task is given up whose attempt ended so.
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

// newQuarantined describes the task in hand, which is given up for err.
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
		Caller: t.caller, Mode: RoomOnly,
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

// announce says that a task was quarantined, when its waiter knows.
func (e *settling) announce(entry *quarantined) {
	if entry.Number == 0 {
		return // others were first to settle it
	}
	e.notify(&messages.TaskQuarantined{Pool: e.name, QuarantinedTask: entry.QuarantinedTask})
	if entry.displaced != 0 {
		e.warn("quarantine full, oldest task forgotten", "number", entry.displaced)
	}
}
