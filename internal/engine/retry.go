package engine

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A retryPlan says when a task whose attempt has failed is tried again. outcome and err
// settle it if that turns out to be impossible.
type retryPlan struct {
	delay   time.Duration
	outcome messages.Outcome
	err     error
}

// An attempt is what is known of the attempt in hand when it has failed. It is for the
// goroutine that made it.
type attempt struct {
	crash *messages.PanicError // nil: it has not panicked
	again *retryPlan           // nil: it is the last
	entry *quarantined         // nil: the task is not quarantined
}

// history is what a task keeps of its earlier attempts. It is written while nobody has
// the task in hand.
type history struct {
	attempts int
	order    uint64                 // the number of tasks that had been accepted when it was queued again
	accepted int64                  // when the task was accepted
	ran      int64                  // nanoseconds that the attempts took
	worker   string                 // the ID of the worker that had it last
	bound    *Worker                // the one that makes the next attempt; nil: dispatch chooses
	panics   []*messages.PanicError // oldest first; only with a quarantine
	due      deadline.Entry[*Task]  // guarded by delays.mu; set while the task waits
}

// judge says whether the task in hand, whose attempt ended in err, is tried again. It
// is nil if not. exhausted reports that it would be if it had attempts left. It runs
// code of the user's.
func (e *Engine) judge(t *Task, outcome messages.Outcome, err error) (again *retryPlan, exhausted bool) {
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
func (e *Engine) endsWithin(t *Task, d time.Duration, askCaller bool) bool {
	if t.due > 0 && int64(d) >= t.due-e.now() {
		return true
	}
	if !askCaller || t.load()&flagBound == 0 {
		return false
	}
	at, ok := t.caller.Deadline()
	return ok && d >= time.Until(at)
}

// putBack has the task that w has just put down tried again. It is running until then,
// and may have been settled by others.
func (e *Engine) putBack(w *Worker) {
	h := &w.hand
	t, now := w.batch[w.at-1], w.runner.now
	var then after
	e.delays.mu.Lock()
	w.q.mu.Lock()
	w.interrupts.Lock() // whoever settles the task from outside is done with the hand
	settled := h.interrupted
	switch {
	case settled:
	case e.stopping.barren.Load(): // no worker will come
		e.giveUpRetryLocked(w, t, &then)
	default:
		w.retried++
		e.delays.addLocked(e, t, h, w, now)
	}
	if !settled {
		w.batch[w.at-1] = nil
	}
	h.interrupted, h.cause = false, nil
	w.interrupts.Unlock()
	w.q.mu.Unlock()
	e.delays.mu.Unlock()
	h.attempt = attempt{}
	if settled {
		t.release()
	}
	e.watchdog.returned(e, w)
	then.run(e)
	e.releaseDueNow()
}

// giveUpRetryLocked settles a task that was to be tried again.
func (e *Engine) giveUpRetryLocked(w *Worker, t *Task, then *after) {
	h, again := &w.hand, w.hand.attempt.again
	t.state.Store(uint64(h.word.with(doneAs(again.outcome))))
	w.outcomes[again.outcome]++
	then.settled = append(then.settled, e.endingAfter(t, again, h.started.Load(), w.id))
}

// endingAfter describes a task that is settled since there will be no further attempt.
func (e *Engine) endingAfter(t *Task, again *retryPlan, started int64, worker string) ending {
	s := ending{Settlement: Settlement{
		engine: e, task: t, Outcome: again.outcome, Err: again.err, Started: started, Worker: worker, Ended: e.now(),
	}}
	s.note = e.journals.note(t, &s.Settlement, nil)
	return s
}

// remember notes the attempt that a task has just had.
func (e *Engine) remember(t *Task, h *hand, worker string, now int64) {
	x := t.makeExtra()
	if x.past == nil {
		x.past = &history{accepted: t.enqueued}
	}
	past := x.past
	past.attempts++
	past.ran += now - h.started.Load()
	past.worker = worker
	if crash := h.attempt.crash; crash != nil && e.cfg.Quarantine != (router.Quarantine{}) {
		past.panics = append(past.panics, crash)
	}
}
