package router

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Retry is a policy for tasks that failed. The zero value of a field is its
// default. A waiting retry holds no worker: it is queued until its time has come
// and is then dispatched anew, behind the tasks of its priority. Until then it takes
// the room of one task in the queue. A task whose timeout would come before its next
// attempt is not tried again: it has its outcome at once.
type Retry struct {
	// Attempts is how many times a task is begun at most, at least 2.
	Attempts int
	// Min is the delay before the second attempt. Before each further one it
	// doubles, up to Max. Both 0: tasks are tried again at once.
	Min, Max time.Duration
	// Jitter is the share, 0 to 1, by which each delay is off at random, up or down,
	// though never below Min or above Max.
	Jitter float64
	// On says which errors of the handler are worth another attempt; nil: none. It is
	// called on the handler's goroutine. NoRetry and RetryAfter, in package messages,
	// go before it.
	On func(error) bool
	// Panics says that a task that panicked, or ended its goroutine, is tried again.
	Panics bool
}

// AnyError is a Retry.On for which every error is worth another attempt.
func AnyError(error) bool { return true }

// Validate returns an error that wraps [messages.ErrInvalidOption] if the policy
// makes no sense.
func (p Retry) Validate() error {
	if p.Attempts < 2 {
		return invalid.Option("retry with %d attempts < 2", p.Attempts)
	}
	return p.backoff().Validate("retry delay")
}

func (p Retry) backoff() backoff.Backoff {
	return backoff.Backoff{Min: p.Min, Max: p.Max, Jitter: p.Jitter}
}

// A verdict is what is to be done with a task whose attempt has failed, other than
// to settle it: it is tried again after the delay. outcome and err are what it comes
// to if that turns out to be impossible.
type verdict struct {
	delay   time.Duration
	outcome messages.Outcome
	err     error
}

// attempt is what is known of the attempt in hand when it has failed. It is for the
// goroutine that made it.
type attempt struct {
	crash *messages.PanicError // nil: it has not panicked
	again *verdict             // nil: it is the last
	entry *quarantined         // nil: the task is not given up
}

// history is what a task keeps of its earlier attempts.
type history struct {
	attempts int
	order    int64                  // it was queued again when so many tasks had been accepted
	accepted int64                  // when the task was accepted
	ran      int64                  // nanoseconds that the attempts took
	worker   string                 // the ID of the worker that had it last
	panics   []*messages.PanicError // oldest first; kept for the quarantine alone
	due      deadline.Entry[alarm]  // guarded by Router.mu; set while the task is delayed
}

// past is the cell's history, nil if it is in its first attempt. It is written
// under Router.mu, while nobody has the cell in hand.
func (c *Cell) past() *history {
	if c.rare == nil {
		return nil
	}
	return c.rare.past
}

// attempts is which attempt of the task is in hand, from 1.
func (c *Cell) attempts() int {
	if past := c.past(); past != nil {
		return past.attempts + 1
	}
	return 1
}

// judge says whether the task in hand, whose attempt ended in err, is tried again.
// It is nil if not. exhausted reports that it would be if it had attempts left.
func (r *Router) judge(c *Cell, outcome messages.Outcome, err error) (again *verdict, exhausted bool) {
	policy := &r.cfg.Retry
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
	attempts := c.attempts()
	if attempts >= policy.Attempts {
		return nil, true
	}
	delay := policy.backoff().Delay(attempts - 1)
	if asked != nil {
		delay = max(asked.Delay, 0)
	}
	if r.endsWithin(c, delay, outcome != messages.Panicked) {
		return nil, false // what comes is known: there will be no next attempt
	}
	return &verdict{delay: delay, outcome: outcome, err: err}, false
}

// endsWithin reports whether the task's time will be up within d, or its caller's if
// it is bound to that. Only a handler's goroutine may ask its caller, whose context
// may run code of the user's.
func (r *Router) endsWithin(c *Cell, d time.Duration, askCaller bool) bool {
	if at := c.dueAt(); at > 0 && int64(d) >= at-r.now() {
		return true
	}
	if !askCaller || !c.bound {
		return false
	}
	at, ok := c.caller.Deadline()
	return ok && d >= time.Until(at)
}

// putBack has the task in hand tried again, once the worker has put it down. Until
// then it is running, and may get an outcome from others.
func (w *Worker) putBack(c *Cell, again *verdict) {
	w.settled = true
	w.record(c, again.outcome, again.err, again)
	w.countAttempt(c)
	w.noteOutcome(again.outcome) // a failure, even if others are first to settle the task
	w.lastOfBatch = true         // what is left of it goes back: the router must have this one
	w.clock = w.router.now()
}

// againLocked queues a task that has been put down for another attempt, at the time
// now, if that is how its last one ended. It reports whether the pool still has the
// task: it may have an outcome already. h was the task's.
func (r *Router) againLocked(c *Cell, h *hold, now int64, then *after) bool {
	again := h.attempt.again
	if again == nil || c.isSettled() {
		return false
	}
	if r.failed != nil { // no worker will come
		r.giveUpLocked(c, h, now, then)
		return true
	}
	r.retries++
	r.rememberLocked(c, h, now)
	c.enqueued = later(now, again.delay)
	if _, keeps := r.picker.(custom); !keeps && !c.pinned() {
		c.worker = nil
	}
	if again.delay == 0 {
		r.queueAgainLocked(c, then)
		return true
	}
	c.place = delayed
	c.at = r.delayed.Push(c, c.priority())
	past := c.past()
	past.due.Value = retryDue{c}
	r.alarms.Add(&past.due, c.enqueued)
	r.setTimerLocked()
	return true
}

// queueAgainLocked queues a task for its next attempt, now.
func (r *Router) queueAgainLocked(c *Cell, then *after) {
	c.past().order = r.submitted
	r.moveLocked([]*Cell{c}, then)
}

func (r *Router) rememberLocked(c *Cell, h *hold, now int64) {
	x := c.makeRare()
	if x.past == nil {
		x.past = &history{accepted: c.enqueued}
	}
	past := x.past
	past.attempts++
	past.ran += now - h.started
	past.worker = ""
	if w := h.ctx.worker; w != nil {
		past.worker = w.id
		w.retried++
	}
	if crash := h.attempt.crash; crash != nil && r.cfg.Quarantine != (Quarantine{}) {
		past.panics = append(past.panics, crash)
	}
}

// giveUpLocked settles a task that was to be tried again.
func (r *Router) giveUpLocked(c *Cell, h *hold, now int64, then *after) {
	again := h.attempt.again
	c.settleOnce()
	r.conclude(c, h, again.outcome, now)
	r.countersOf(h.ctx.worker)[again.outcome].Add(1)
	r.endDeadlineLocked(c)
	c.place = gone
	then.settled = append(then.settled, settlement{
		cell: c, err: again.err, release: true, note: r.note(c, h, c.body, again.outcome, again.err, nil),
	})
}

// retryDue is the alarm of a delayed task.
type retryDue struct{ *Cell }

func (a retryDue) ringLocked(r *Router, _ int64, then *after) {
	r.delayed.Remove(a.at, a.priority())
	r.queueAgainLocked(a.Cell, then)
}
