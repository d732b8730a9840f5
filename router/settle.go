package router

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

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
		if w.untimed == 0 {
			w.batchWait = c.started - c.enqueued
		}
		w.untimed++
		w.outcomes[outcome].Add(1)
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

// claim gives a running task its outcome, unless it has one: only one caller
// wins, and that one must see to it that Settled is called. What it enters into
// the ledger is there before anyone is told.
func (r *Router) claim(c *Cell, outcome messages.Outcome, err error) (won bool) {
	if !c.settleOnce() {
		return false
	}
	now := r.now()
	c.conclude(outcome, err, now)
	if w := c.worker; w != nil {
		r.meter.RecordInterrupted(w.shard, c.started-c.enqueued, now-c.started, now)
		w.ran.Add(now - c.started)
		w.outcomes[outcome].Add(1)
	} else {
		r.inCallers[outcome].Add(1)
	}
	return true
}

// finish settles a task that its handler has returned from. A handler that gives
// up since its context has ended may do so a moment before the pool sees that
// end: the outcome is the same.
func (r *Router) finish(c *Cell, err error) {
	outcome := messages.Succeeded
	switch {
	case err == nil:
	case c.dueAt() > 0 && r.now() >= c.dueAt():
		outcome, err = messages.TimedOut, fmt.Errorf("%w: %w", messages.ErrTaskTimeout, err)
	case c.bound && c.caller.Err() != nil:
		outcome, err = messages.Canceled, fmt.Errorf("%w: %w", messages.ErrCanceled, err)
	default:
		outcome = messages.Failed
	}
	if c.worker != nil {
		c.worker.settle(c, outcome, err)
	} else {
		r.settle(c, outcome, err)
	}
}

// settleQueuedLocked gives a task that was accepted but never ran its outcome.
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
	case shared, own:
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

// startTime says when the task's time will be up, if it has a timeout.
func (c *Cell) startTime() {
	if x := c.rare; x != nil && x.timeout > 0 {
		if now := c.router.now(); int64(x.timeout) < math.MaxInt64-now { // else it is never
			x.dueAt = now + int64(x.timeout)
		}
	}
}

// addDeadlineLocked has the task's time end, if it has a timeout.
func (r *Router) addDeadlineLocked(c *Cell) {
	x := c.rare
	if x == nil || x.dueAt == 0 || x.expiry.Set() {
		return
	}
	x.expiry.Value = c
	r.deadlines.Add(&x.expiry, x.dueAt)
	r.setTimerLocked()
}

func (r *Router) endDeadlineLocked(c *Cell) {
	if x := c.rare; x != nil && x.expiry.Set() {
		r.deadlines.Remove(&x.expiry)
	}
}

// setTimerLocked sets the timer to the earliest deadline. A timer that is set too
// early is left alone: it costs less to let it fire in vain.
func (r *Router) setTimerLocked() {
	at, ok := r.deadlines.Next()
	if !ok || r.phase == closed || r.timerAt != 0 && r.timerAt <= at {
		return
	}
	r.timerAt = at
	in := time.Duration(max(at-r.now(), 0))
	if r.timer == nil {
		r.timer = time.AfterFunc(in, r.expire)
	} else {
		r.timer.Reset(in)
	}
}

// expire ends the tasks whose time is up, wherever they are.
func (r *Router) expire() {
	var then after
	r.mu.Lock()
	r.timerAt = 0
	now := r.now()
	for {
		c, due := r.deadlines.PopDue(now)
		if !due {
			break
		}
		switch c.whereLocked() {
		case fresh:
			r.endWaitLocked(c.rare.waiter, fmt.Errorf("%w: %w", messages.ErrTaskTimeout, r.full()))
		case shared, own:
			r.unqueueLocked(c)
			r.settleQueuedLocked(c, messages.TimedOut, messages.ErrTaskTimeout, &then)
		case running:
			r.interruptLocked(c, messages.TimedOut, messages.ErrTaskTimeout, messages.ErrTaskTimeout, &then)
		}
	}
	r.admitLocked(&then)
	r.quietLocked(&then)
	r.setTimerLocked()
	r.mu.Unlock()
	then.run()
}
