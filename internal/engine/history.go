package engine

import (
	"time"

	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/messages"
)

// history sums up the earlier attempts of a task. It is written while no worker has the task
// in hand.
type history struct {
	attempts int
	order    uint64                 // how many tasks had been accepted when this one was queued again
	accepted int64                  // when the task was accepted
	ran      int64                  // nanoseconds that the attempts took
	worker   string                 // the ID of the worker that made the last attempt
	bound    any                    // the *Worker that makes the next attempt; nil: dispatch chooses
	shunner  *shunner               // leaves the next attempt to others; nil: nobody does
	panics   []*messages.PanicError // oldest first; only with a quarantine
	answered bool                   // the worker of an attempt has answered the sender
	due      deadline.Entry[*Task]  // guarded by delays.mu; set while the task waits
}

// remember records the attempt in the hand h, which is over.
func (t *Task) remember(h *hand, now int64, keepPanic bool) {
	x := t.makeSpecial()
	if x.past == nil {
		x.past = &history{accepted: t.enqueued}
	}
	past := x.past
	past.attempts++
	past.ran += now - h.started.Load()
	past.worker = h.worker
	if retry := h.attempt.retry; retry != nil && retry.reply.given {
		past.answered = true
	}
	if crash := h.attempt.crash; crash != nil && keepPanic {
		past.panics = append(past.panics, crash)
	}
}

// An attempt describes the attempt in hand once it has failed. Only the goroutine that made
// the attempt uses it.
type attempt struct {
	crash *messages.PanicError // nil: it has not panicked
	retry *retryPlan           // nil: there is no further attempt
	entry *quarantined         // nil: the task is not quarantined
}

// A retryPlan says when a task whose attempt has failed is retried. outcome and err
// settle the task if no further attempt is possible; reply is what the worker has told the
// sender in the attempt.
type retryPlan struct {
	delay   time.Duration
	outcome messages.Outcome
	err     error
	reply   reply
}
