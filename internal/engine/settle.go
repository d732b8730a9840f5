package engine

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

var errNotRun = errors.New("troupe: the task did not reach the handler: a middleware of the worker swallowed it")

// This file settles tasks on the goroutine that ran them.

// finish settles a task whose handler has returned err, or has it tried again.
func (c *Context) finish(t *Task, err error) {
	if err == nil {
		c.settle(t, messages.Succeeded, nil)
		return
	}
	// A handler that gives up since its context has ended may do so a moment before the
	// engine sees that end: the outcome is the same.
	switch {
	case t.due > 0 && c.engine.now() >= t.due:
		c.settle(t, messages.TimedOut, because(messages.ErrTaskTimeout, err))
	case c.bound && c.caller.Err() != nil:
		c.settle(t, messages.Canceled, because(messages.ErrCanceled, err))
	default:
		c.attemptFailed(t, nil, err)
	}
}

// because says why a task ended that its handler returned err from, unless err says so
// itself.
func because(reason, err error) error {
	if errors.Is(err, reason) {
		return err
	}
	return fmt.Errorf("%w: %w", reason, err)
}

// attemptFailed settles a task whose attempt has failed, or panicked if crash is not
// nil; or has it tried again, or quarantines it.
func (c *Context) attemptFailed(t *Task, crash *messages.PanicError, err error) {
	outcome := messages.Failed
	if crash != nil {
		outcome, err = messages.Panicked, crash
	}
	e, h := c.engine, c.hand()
	h.attempt = attempt{crash: crash}
	if t.load().settled() {
		c.settle(t, outcome, err)
		return
	}
	again, exhausted := e.judge(t, outcome, err)
	switch {
	case e.quarantines(t, outcome, exhausted):
		entry := e.newQuarantined(t, h, err)
		h.attempt.entry = entry
		c.settle(t, messages.Quarantined, &quarantinedError{err})
		e.announce(entry)
	case again == nil:
		c.settle(t, outcome, err)
	default:
		c.endTrace(t, outcome, err)
		if t.load().settled() { // judge has asked the user, and there may be a tracer: that takes time
			c.settle(t, outcome, err)
			return
		}
		h.attempt.again = again
		h.settled = true
		c.attemptOver(t, again)
	}
}

// settle settles a task on the goroutine that ran it.
func (c *Context) settle(t *Task, outcome messages.Outcome, err error) {
	if c.traced.ended != nil {
		c.endTrace(t, outcome, err)
	}
	if c.worker != nil {
		c.worker.settle(t, outcome, err)
	} else {
		c.run.settle(t, outcome, err)
	}
}

// hand is that of the task.
func (c *Context) hand() *hand {
	if c.worker != nil {
		return &c.worker.hand
	}
	return &c.run.hand
}

// settle gives the task in hand its outcome, unless it has one, and tells whoever
// waits.
func (w *Worker) settle(t *Task, outcome messages.Outcome, err error) {
	h, r, e := &w.hand, w.runner, w.engine
	h.settled = true
	if !t.swap(h.word, h.word.with(doneAs(outcome))) {
		w.interrupts.Lock() // whoever was faster may still need the task in hand
		defer w.interrupts.Unlock()
		h.value = nil
		w.noteOutcome(t.Outcome())
		w.skipTime(r)
		return
	}
	r.count(outcome)
	w.noteOutcome(outcome)
	r.untimed++
	r.waited += r.waitBase
	last := w.at == len(w.batch)
	answered := h.word&flagAnswered != 0 && (e.cfg.Handled || outcome != messages.Succeeded)
	if answered || last && (!w.grouping(r) || h.word&flagOwned == 0) {
		w.time(r)
	}
	if last && r.untimed == 0 {
		r.flush(e, w.shard())
	}
	if h.word&(flagOwned|flagAnswered) == flagOwned && outcome != messages.Quarantined && !e.journals.on() {
		return // nobody waits for it
	}
	s := &r.settlement
	*s = Settlement{
		engine: e, task: t, Outcome: outcome, Err: err, Value: h.value, Worker: w.id, Started: h.started.Load(), Ended: r.now,
	}
	h.value = nil
	if outcome == messages.Quarantined {
		e.addQuarantined(h.attempt.entry)
	}
	if e.journals.on() {
		e.journals.record(w, t, s, nil)
	}
	t.body.Settled(s)
	s.Value, s.Err = nil, nil
}

// attemptOver notes an attempt of the task in hand that is not the last. Until it is
// queued again the task is running, and may be settled by others.
func (c *Context) attemptOver(t *Task, again *retryPlan) {
	w := c.worker
	if w == nil {
		c.run.attemptOver(t, again)
		return
	}
	r := w.runner
	w.noteOutcome(again.outcome) // a failure, even if others are first to settle the task
	r.untimed++
	r.waited += r.waitBase
	w.time(r)
	r.flush(w.engine, w.shard())
	if w.engine.journals.on() {
		s := &r.settlement
		*s = Settlement{engine: w.engine, task: t, Outcome: again.outcome, Err: again.err, Worker: w.id, Started: w.hand.started.Load(), Ended: r.now}
		w.engine.journals.record(w, t, s, again)
	}
}

// newPanicError is called where the panic of the handler of t was recovered. The stack
// costs most of what a panic does, so it is left out where nobody would see it.
func (e *Engine) newPanicError(value any, t *Task) *messages.PanicError {
	err := &messages.PanicError{Value: reasonOf(value)}
	if t.load()&flagOwned == 0 || e.cfg.Quarantine != (router.Quarantine{}) || e.journals.on() || e.cfg.Tracer != nil {
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
