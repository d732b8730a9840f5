package router

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/troupe-go/troupe/messages"
)

var (
	errDroppedByStop  = fmt.Errorf("%w: %w", messages.ErrDropped, messages.ErrPoolStopped)
	errCanceledByStop = fmt.Errorf("%w: %w", messages.ErrCanceled, messages.ErrPoolStopped)
	errWorkerGone     = fmt.Errorf("%w: the worker it was for is gone", messages.ErrDropped)
	errNotRun         = errors.New("troupe: the task did not reach the handler: a middleware of the worker swallowed it")
)

// newPanicError is called where the panic of the handler of c was recovered. The stack
// costs most of what a panic does, so it is left out where nobody would see it.
func (r *Router) newPanicError(value any, c *Cell) *messages.PanicError {
	err := &messages.PanicError{Value: reasonOf(value)}
	if !c.pooled || r.cfg.Quarantine != (Quarantine{}) || r.journals.Load() != nil || r.cfg.Tracer != nil {
		err.Stack = fromPanic(debug.Stack())
	}
	return err
}

// fromPanic leaves out of a stack the frames above that of the panic, which are of those
// who recovered from it. Where there is none, it was a runtime.Goexit.
func fromPanic(stack []byte) []byte {
	head, _, _ := bytes.Cut(stack, []byte("\n"))
	if at := bytes.Index(stack, []byte("\npanic(")); at > 0 {
		return slices.Concat(head, stack[at:])
	}
	return stack
}

// because says why a task ended that its handler returned err from, unless err says so
// itself.
func because(reason, err error) error {
	if errors.Is(err, reason) {
		return err
	}
	return fmt.Errorf("%w: %w", reason, err)
}

// reasonOf is what a recovered value stands for: nil is a runtime.Goexit.
func reasonOf(value any) any {
	if value == nil {
		return messages.ErrGoexit
	}
	return value
}

// settle gives a task that runs in its caller its outcome, unless it has one, and
// tells whoever waits.
func (r *Router) settle(c *Cell, h *hold, outcome messages.Outcome, err error) {
	if r.claim(c, h, outcome) {
		if note := r.note(c, h, c.body, outcome, err, nil); note != nil {
			note()
		}
		c.body.Settled(err)
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
		w.cutShort = w.cutShort || outcome == messages.TimedOut || outcome == messages.Canceled
	}
	switch {
	case w.lastOfBatch:
		w.clock = w.router.now()
		w.measureBatch(w.clock)
	case c.answered():
		w.clock = w.router.now()
	}
	if won {
		w.router.conclude(c, &w.hold, outcome, w.clock)
		if w.router.journals.Load() != nil { // else not even a call is paid for
			w.record(c, outcome, err, nil)
		}
		c.body.Settled(err)
	}
}

// countAttempt has the attempt in hand measured with its batch.
func (w *Worker) countAttempt(c *Cell) {
	if w.untimed == 0 {
		w.batchWait = w.hold.started - c.enqueued
	}
	w.untimed++
}

// claim gives a running task its outcome, unless it has one: only one caller
// wins, and that one must see to it that Settled is called. What it enters into
// the ledger is there before anyone is told.
func (r *Router) claim(c *Cell, h *hold, outcome messages.Outcome) (won bool) {
	if !c.settleOnce() {
		return false
	}
	now := r.now()
	r.conclude(c, h, outcome, now)
	w := c.worker
	if w != nil {
		r.meter.RecordInterrupted(w.shard, h.started-c.enqueued, now-h.started, now)
		w.ran.Add(now - h.started)
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

// Finish settles a task that its handler, which had ctx, has returned from, or has it
// tried again. A handler that gives up since its context has ended may do so a moment
// before the pool sees that end: the outcome is the same.
func (c *Context) Finish(task *Cell, err error) {
	outcome := messages.Succeeded
	if err != nil {
		switch at := task.dueAt(); {
		case at > 0 && c.router.now() >= at:
			outcome, err = messages.TimedOut, because(messages.ErrTaskTimeout, err)
		case task.bound && task.caller.Err() != nil:
			outcome, err = messages.Canceled, because(messages.ErrCanceled, err)
		default:
			c.attemptFailed(task, nil, err)
			return
		}
	}
	c.end(task, outcome, err)
}

// attemptFailed settles a task whose attempt has failed, or panicked if crash is not
// nil; or has it tried again, or puts it into quarantine.
func (c *Context) attemptFailed(task *Cell, crash *messages.PanicError, err error) {
	outcome := messages.Failed
	if crash != nil {
		outcome, err = messages.Panicked, crash
	}
	r, h := c.router, c.hold()
	h.attempt = attempt{crash: crash}
	if task.isSettled() {
		c.end(task, outcome, err)
		return
	}
	again, exhausted := r.judge(task, outcome, err)
	switch {
	case r.quarantines(task, outcome, exhausted):
		entry := r.newQuarantined(task, h, err)
		h.attempt.entry = entry
		c.end(task, messages.Quarantined, &quarantinedError{err})
		r.announce(entry)
	case again == nil:
		c.end(task, outcome, err)
	default:
		c.endTrace(task, outcome, err)
		if task.isSettled() { // judge has asked the user, and there may be a tracer: that takes time
			c.end(task, outcome, err)
			return
		}
		h.attempt.again = again
		if c.worker != nil {
			c.worker.putBack(task, again)
		} else if note := r.note(task, h, task.body, outcome, err, again); note != nil {
			note()
		}
	}
}

// end settles a task on the goroutine that ran it.
func (c *Context) end(task *Cell, outcome messages.Outcome, err error) {
	c.endTrace(task, outcome, err)
	if c.worker != nil {
		c.worker.settle(task, outcome, err)
	} else {
		c.router.settle(task, &c.run.hold, outcome, err)
	}
}

// settleQueuedLocked gives a task that is in no hand its outcome.
// The task must be in no queue any more.
func (r *Router) settleQueuedLocked(c *Cell, outcome messages.Outcome, err error, then *after) {
	c.place, c.worker = gone, nil
	c.settleOnce()
	r.conclude(c, nil, outcome, r.now())
	r.unworked[outcome]++
	r.endDeadlineLocked(c)
	then.settled = append(then.settled, settlement{
		cell: c, err: err, release: true, note: r.note(c, nil, c.body, outcome, err, nil),
	})
}

// interruptLocked gives a running task its outcome while its handler still
// runs, and has the handler's context ended. Its worker's batch must have been recalled:
// so the worker has this task in hand until mu is free.
func (r *Router) interruptLocked(c *Cell, outcome messages.Outcome, err, cause error, then *after) {
	if c.isSettled() {
		return
	}
	h := r.holdLocked(c)
	if r.claim(c, h, outcome) {
		h.interrupted = true
		r.endDeadlineLocked(c)
		if c.worker == nil {
			close(r.callers[c].over)
		}
		r.watchLocked(c)
		h.ctx.used.Store(true) // no other task is to get it
		then.settled = append(then.settled, settlement{
			cell: c, err: err, ctx: h.ctx, cause: cause, note: r.note(c, h, nil, outcome, err, nil),
		})
	}
}

// whereLocked is where c is, until mu is free. If it may be in a batch, that is
// recalled first: then it is in the shared queue itself.
func (r *Router) whereLocked(c *Cell) place {
	if !r.shared.Has(c, c.at, c.priority()) {
		r.recallAllLocked()
	}
	return c.place
}

// Cancel gives up an accepted task: it is taken out of the queue or, if it runs,
// its context is ended. It does nothing if the task has an outcome.
func (r *Router) Cancel(c *Cell, err error) {
	var then after
	r.mu.Lock()
	switch r.whereLocked(c) {
	case shared, own, delayed:
		r.withdrawLocked(c, err, &then)
	case running:
		r.interruptLocked(c, messages.Canceled, err, err, &then)
	}
	r.mu.Unlock()
	then.run()
}

// Withdraw takes an accepted task out of the queue that no worker has begun, and
// settles it as Canceled. It reports whether it did.
func (r *Router) Withdraw(c *Cell, err error) bool {
	var then after
	r.mu.Lock()
	place := r.whereLocked(c)
	queued := (place == shared || place == own) && c.past() == nil
	if queued {
		r.withdrawLocked(c, err, &then)
	}
	r.mu.Unlock()
	then.run()
	return queued
}

func (r *Router) withdrawLocked(c *Cell, err error, then *after) {
	r.unqueueLocked(c)
	r.settleQueuedLocked(c, messages.Canceled, err, then)
	r.admitLocked(then)
	r.quietLocked(then)
}
