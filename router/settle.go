package router

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/troupe-go/troupe/messages"
)

var (
	errDroppedByStop  = fmt.Errorf("%w: %w", messages.ErrDropped, messages.ErrPoolStopped)
	errCanceledByStop = fmt.Errorf("%w: %w", messages.ErrCanceled, messages.ErrPoolStopped)
	errWorkerGone     = fmt.Errorf("%w: the worker it was for is gone", messages.ErrDropped)
	errNotRun         = errors.New("troupe: the task did not reach the handler: a middleware of the worker swallowed it")
)

func newPanicError(value any) *messages.PanicError {
	if value == nil {
		value = messages.ErrGoexit
	}
	return &messages.PanicError{Value: value, Stack: debug.Stack()}
}

// settle gives a task that runs in its caller its outcome, unless it has one, and
// tells whoever waits.
func (r *Router) settle(c *Cell, outcome messages.Outcome, err error) {
	if r.claim(c, outcome, err) {
		c.body.Settled()
	}
}

// settle gives the task in hand its outcome, unless it has one, and tells whoever
// waits. It is for the worker's goroutine.
func (w *Worker) settle(c *Cell, outcome messages.Outcome, err error) {
	w.settled = true
	won := c.settleOnce()
	if won {
		w.countAttempt(c)
		w.outcomes[outcome].Add(1)
		w.noteOutcome(outcome)
	}
	if w.lastOfBatch {
		w.clock = w.router.now()
		w.measureBatch(w.clock)
	}
	if won {
		c.conclude(outcome, err, w.clock)
		c.body.Settled()
	}
}

// countAttempt has the attempt in hand measured with its batch.
func (w *Worker) countAttempt(c *Cell) {
	if w.untimed == 0 {
		w.batchWait = c.started - c.enqueued
	}
	w.untimed++
}

// claim gives a running task its outcome, unless it has one: only one caller
// wins, and that one must see to it that Settled is called. What it enters into
// the ledger is there before anyone is told.
func (r *Router) claim(c *Cell, outcome messages.Outcome, err error) (won bool) {
	if !c.settleOnce() {
		return false
	}
	now := r.now()
	c.conclude(outcome, err, now)
	w := c.worker
	if w != nil {
		r.meter.RecordInterrupted(w.shard, c.started-c.enqueued, now-c.started, now)
		w.ran.Add(now - c.started)
	}
	r.countersOf(w)[outcome].Add(1)
	return true
}

// countersOf has the outcomes of the tasks that w had in hand or, if it is nil, of
// those that ran in their callers.
func (r *Router) countersOf(w *Worker) *[messages.Outcomes + 1]atomic.Int64 {
	if w == nil {
		return &r.inCallers
	}
	return &w.outcomes
}

// finish settles a task that its handler has returned from, or has it tried again.
// A handler that gives up since its context has ended may do so a moment before the
// pool sees that end: the outcome is the same.
func (r *Router) finish(c *Cell, err error) {
	outcome := messages.Succeeded
	switch {
	case err == nil:
	case c.dueAt() > 0 && r.now() >= c.dueAt():
		outcome, err = messages.TimedOut, fmt.Errorf("%w: %w", messages.ErrTaskTimeout, err)
	case c.bound && c.caller.Err() != nil:
		outcome, err = messages.Canceled, fmt.Errorf("%w: %w", messages.ErrCanceled, err)
	default:
		r.attemptFailed(c, nil, err)
		return
	}
	r.end(c, outcome, err)
}

// attemptFailed settles a task whose attempt has failed, or panicked if crash is not
// nil; or has it tried again, or puts it into quarantine.
func (r *Router) attemptFailed(c *Cell, crash *messages.PanicError, err error) {
	outcome := messages.Failed
	if crash != nil {
		outcome, err = messages.Panicked, crash
	}
	a := c.attempt()
	*a = attempt{crash: crash}
	if c.isSettled() {
		r.end(c, outcome, err)
		return
	}
	again, exhausted := r.judge(c, outcome, err)
	switch {
	case r.quarantines(c, outcome, exhausted):
		a.entry = r.newQuarantined(c, err)
		r.end(c, messages.Quarantined, &quarantinedError{err})
		r.announce(a.entry)
	case again == nil:
		r.end(c, outcome, err)
	default:
		a.again = again
		if c.worker != nil {
			c.worker.putBack(c, again)
		}
	}
}

// end settles a task on the goroutine that ran it.
func (r *Router) end(c *Cell, outcome messages.Outcome, err error) {
	if c.worker != nil {
		c.worker.settle(c, outcome, err)
	} else {
		r.settle(c, outcome, err)
	}
}

// settleQueuedLocked gives a task that is in no hand its outcome.
// The task must be in no queue any more.
func (r *Router) settleQueuedLocked(c *Cell, outcome messages.Outcome, err error, then *after) {
	c.place, c.worker = gone, nil
	c.settleOnce()
	c.conclude(outcome, err, r.now())
	r.unworked[outcome]++
	r.endDeadlineLocked(c)
	then.settled = append(then.settled, c)
}

// interruptLocked gives a running task its outcome while its handler still
// runs, and ends the handler's context.
func (r *Router) interruptLocked(c *Cell, outcome messages.Outcome, err, cause error, then *after) {
	if r.claim(c, outcome, err) {
		if w := c.worker; w != nil {
			w.interrupted = true
		} else {
			close(r.callers[c].over)
		}
		r.watchLocked(c)
		c.others.Add(1) // for the release in after.run; the worker has its own
		then.settled = append(then.settled, c)
		c.ctx.end(cause)
	}
}

// whereLocked is where c is. Only a cell of a batch can go on meanwhile.
func (c *Cell) whereLocked() place {
	if w := c.worker; w != nil {
		w.hand.mu.Lock()
		defer w.hand.mu.Unlock()
	}
	return c.place
}

// Cancel gives up an accepted task: it is taken out of the queue or, if it runs,
// its context is ended. It does nothing if the task has an outcome.
func (r *Router) Cancel(c *Cell, err error) {
	var then after
	r.mu.Lock()
	if w := c.worker; w != nil {
		r.recallLocked(w) // c may be in its batch
	}
	switch c.whereLocked() {
	case shared, own, delayed:
		r.unqueueLocked(c)
		r.settleQueuedLocked(c, messages.Canceled, err, &then)
		r.admitLocked(&then)
		r.quietLocked(&then)
	case running:
		r.interruptLocked(c, messages.Canceled, err, err, &then)
	}
	r.mu.Unlock()
	then.run()
}
