package engine

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/messages"
)

// judge says whether the task in hand, whose attempt ended in err, is tried again. It
// is nil if not. exhausted reports that it would be if it had attempts left. It runs
// code of the user's.
func (e *settling) judge(t *Task, outcome messages.Outcome, err error) (again *retryPlan, exhausted bool) {
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
