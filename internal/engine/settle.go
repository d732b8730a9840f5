package engine

import (
	"errors"

	"github.com/troupe-go/troupe/messages"
)

var errNotRun = errors.New("troupe: the task did not reach the handler: a middleware of the worker swallowed it")

// This file settles tasks on the goroutine that ran them.

// finish implements runnable.
func (w *workerMailbox) finish(t *Task, err error) { w.engine.finish(w, &w.hand, t, err) }

// settle gives the task in hand its outcome, unless it has one, and notifies its waiters.
func (w *workerMailbox) settle(t *Task, outcome messages.Outcome, err error) {
	h, r, e := &w.hand, w.runner, w.engine
	if e.tracer != nil {
		h.ctx.endTrace(t, outcome, err)
	}
	if h.copied() != nil {
		w.copyOver(outcome, err)
		return
	}
	h.settled = true
	if !t.swap(h.word, h.word.with(doneAs(outcome))) {
		h.mu.Lock() // the goroutine that was faster may still need the task in hand
		defer h.mu.Unlock()
		h.value = nil
		w.noteOutcome(t.Outcome())
		r.skipTime(&e.base, &w.pace, w.shard())
		return
	}
	r.count(outcome)
	w.noteOutcome(outcome)
	r.untimed++
	r.waited += r.waitBase
	last := w.at == len(w.batch)
	answered := h.word&flagAnswered != 0 && (e.cfg.Handled || outcome != messages.Succeeded)
	r.ended = 0
	if last && (!w.grouping(r) || h.word&flagOwned == 0) || answered && !w.readEnd(r, t) {
		r.time(&w.engine.base, &w.pace, w.shard())
	}
	if last && r.untimed == 0 {
		r.flush(&e.base, w.shard())
	}
	if h.word&flagOwned != 0 && !answered && outcome != messages.Quarantined && !e.journals.on() {
		return // nobody waits for it
	}
	s := &r.settlement
	*s = Settlement{
		base: &e.base, task: t, numbers: &r.numbers, Outcome: outcome, Err: err, Value: h.value,
		Worker: w.hand.worker, Started: h.started.Load(), Ended: max(r.now, r.ended),
	}
	s.reply = h.replied()
	h.value = nil
	if entry := h.attempt.entry; outcome == messages.Quarantined && entry != nil {
		e.quarantine.add(entry)
	}
	if e.journals.on() {
		e.journals.record(r, w.at <= 1, w.foreign != nil, t, s, nil)
	}
	t.body.Settled(s)
	s.Value, s.Err = nil, nil
}

// readEnd reads the clock at the end of a task without a sender, if its body needs exact
// times. That costs less than to measure the task by itself. It returns false for a task with
// a sender.
func (w *workerMailbox) readEnd(r *runner, t *Task) bool {
	if !w.engine.cfg.Handled || t.Sender() != nil {
		return false
	}
	if t.body.Exact() {
		r.ended = w.engine.now()
	}
	return true
}

// exact reports whether the times of a task must be exact, whose body is told the outcome.
func (w *workerMailbox) exact(t *Task) bool {
	return !w.engine.cfg.Handled || t.Sender() != nil || t.body.Exact()
}

// park implements performer.
func (w *workerMailbox) park(t *Task, x *Holding) bool {
	h, r, e := &w.hand, w.runner, w.engine
	var parks bool
	e.withShared(w.q, func() {
		if parks = t.load() == h.word; parks { // under the lock, nobody else changes the word of a running task
			x.reply = h.replied()
			w.batch[w.at-1] = nil
			e.parkLocked(x)
		}
	})
	if parks {
		h.settled, h.special.parted = true, true
		w.noteOutcome(messages.Failed)
		r.skipTime(&e.base, &w.pace, w.shard())
		r.cut = true
	}
	return parks
}

// attemptOver records an attempt of the task in hand that will be retried. Until the task
// is queued again, it is running and others may settle it.
func (w *workerMailbox) attemptOver(t *Task, retry *retryPlan) {
	r := w.runner
	if w.hand.special != nil {
		retry.reply = w.hand.special.reply
	}
	w.noteOutcome(retry.outcome) // a failure, even if others settle the task first
	r.untimed++
	r.waited += r.waitBase
	r.time(&w.engine.base, &w.pace, w.shard())
	r.flush(&w.engine.base, w.shard())
	if w.engine.journals.on() {
		s := &r.settlement
		*s = Settlement{base: &w.engine.base, task: t, Outcome: retry.outcome, Err: retry.err, Worker: w.hand.worker, Started: w.hand.started.Load(), Ended: r.now}
		w.engine.journals.record(r, w.at <= 1, w.foreign != nil, t, s, retry)
	}
}

// noteOutcome counts failures in a row. A worker whose breaker is about to open takes no
// further task of its batch. Only the goroutine that runs the worker may call noteOutcome.
func (w *workerMailbox) noteOutcome(outcome messages.Outcome) {
	if w.engine.cfg.Breaker.Failures == 0 {
		return
	}
	switch outcome {
	case messages.Succeeded:
		w.failures = 0
	case messages.Failed, messages.Panicked, messages.TimedOut, messages.Quarantined:
		w.failures = max(w.failures, 0) + 1
		if w.engine.tripped(&w.Worker) {
			w.poke.Store(true)
		}
	}
}

// breakerActsLocked reports whether judgeBreaker must be called, now that the worker has
// returned its batch.
func (w *workerMailbox) breakerActsLocked() bool {
	if w.engine.cfg.Breaker.Failures == 0 {
		return false
	}
	return w.engine.tripped(&w.Worker) || w.rare != nil && w.rare.breaker != breakerClosed
}

// grouping reports whether the worker's tasks are timed together with those of other
// workers that the runner runs. Under early binding a batch may have only one brief task.
func (w *workerMailbox) grouping(r *runner) bool {
	return w.q.late == nil && len(w.batch) <= 2 && w.pace.mean >= 0 && w.pace.mean < briefTime &&
		w.pace.careful == 0 && r.untimed < groupSize
}
