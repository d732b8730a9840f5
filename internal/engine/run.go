package engine

import "github.com/troupe-go/troupe/messages"

// runBatches runs the batch to its end, or until the worker is wanted at the queue. A
// panic ends one task; the batch goes on.
func (w *workerMailbox) runBatches(r *runner) {
	r.cut = false
	w.runBatch(r)
	for w.at < len(w.batch) && !w.wanted() {
		w.runBatch(r)
	}
	if w.hand.task == nil && r.untimed > 0 && !w.grouping(r) {
		r.time(&w.engine.base, &w.pace, w.shard())
	}
	if r.untimed == 0 {
		r.flush(&w.engine.base, w.shard())
	}
	if w.engine.cfg.DeadlineCheck && !r.cut { // what was cut short, or went on in vain, tells nothing
		w.engine.pace.learn(w.engine.now()-w.begun, int64(w.at))
	}
}

// wanted reports whether the worker is to come to the queue before its batch is done.
func (w *workerMailbox) wanted() bool {
	if w.poke.Load() || w.hand.attempt.retry != nil {
		return true
	}
	return w.q.top.Load() > int64(w.priority)
}

// runBatch runs tasks until the batch is done, the worker is wanted at the queue, or
// the actor panics or ends its goroutine.
func (w *workerMailbox) runBatch(r *runner) {
	defer func() {
		if w.hand.task != nil {
			w.taskFailed(r, recover())
		}
	}()
	for w.at < len(w.batch) {
		if w.hop == hopMask && w.poke.Load() {
			return
		}
		t := w.batch[w.at]
		state := t.load()
		if state.status() != queued || state.hop() != w.hop {
			w.at++
			if state.hop() == w.hop {
				r.dead++
			}
			continue
		}
		if !w.begin(r, t, state) {
			continue
		}
		if w.engine.waits.some.Load() {
			w.engine.admitWaiting() // the task takes no more room
		}
		w.give(t)
		w.putDown(r, t)
		if w.wanted() {
			return
		}
	}
}

// begin starts the task, unless it is no longer the worker's. Nothing but the word of the
// task may be looked at before: another worker may have it.
func (w *workerMailbox) begin(r *runner, t *Task, state word) bool {
	h := &w.hand
	if h.started.Load() != r.now {
		h.started.Store(r.now) // for whoever settles it before the rest of this is done
	}
	h.word = state.with(running).of(w.index)
	if !t.swap(state, h.word) {
		return false
	}
	w.at++
	if r.untimed > 0 && (state&flagAnswered != 0 || w.engine.journals.on() && !r.flooded) {
		r.time(&w.engine.base, &w.pace, w.shard())
	}
	started := max(r.now, t.enqueued)
	if h.started.Load() != started {
		h.started.Store(started)
	}
	if r.untimed == 0 {
		r.waitBase = started - t.enqueued
	}
	if w.engine.contexts {
		h.ctx = h.contextFor(&w.engine.base, t, state&flagBound != 0)
	}
	h.settled, h.task = false, t
	return true
}

// give has the actor do the task. A handler's task is settled by Context.Finish; that
// of a user's actor is done when Receive returns.
func (w *workerMailbox) give(t *Task) {
	e := w.engine
	if e.tracer != nil {
		w.hand.ctx.beginTrace(t)
	}
	switch {
	case e.cfg.Direct:
		if err := t.body.Run(w.hand.ctx); err == nil {
			w.settle(t, messages.Succeeded, nil)
		} else {
			w.finish(t, err)
		}
	case e.cfg.Handled:
		w.invoker.InvokeUserMessage(t.body.Message())
		if !w.hand.settled {
			w.settle(t, messages.Failed, errNotRun)
		}
	default:
		w.invoker.InvokeUserMessage(t.body.Message())
		if !w.hand.settled {
			w.settle(t, messages.Succeeded, nil)
		}
	}
	if e.contexts {
		w.endContext(w.hand.ctx)
	}
}

// endContext ends the context of a task that is done, unless the next one may get it.
// What that runs of the user's code is part of the work.
func (w *workerMailbox) endContext(ctx *Context) {
	if ctx.used.Load() || ctx != w.hand.last {
		w.hand.forgetContext(ctx)
		ctx.release()
	}
}

// putDown frees the task whose handler has returned.
func (w *workerMailbox) putDown(r *runner, t *Task) {
	h := &w.hand
	h.task = nil
	if h.attempt.retry != nil {
		return // it is queued again: see putBack
	}
	t.release()
	if w.engine.watchdog.on() {
		w.engine.handlerReturned(&w.Worker)
	}
	if h.interrupted { // whoever settles it may still tell its waiters
		h.forgetInterruption()
		h.endLastContext()
		r.cut = true
	} else {
		w.release(r, t)
	}
	if h.attempt != (attempt{}) {
		h.attempt = attempt{}
	}
	if !w.pace.precise() && r.untimed < groupSize || r.untimed == 0 {
		return
	}
	r.time(&w.engine.base, &w.pace, w.shard())
}

// release keeps a task for reuse, if nobody else can have it.
func (w *workerMailbox) release(r *runner, t *Task) {
	h := &w.hand
	t.forgetSender()
	switch {
	case h.word.hop() != 0: // another worker may still have it in its batch
	case t.extra != nil && h.ctx != nil && h.ctx.used.Load(): // somebody may still read its attributes
	default:
		r.keep(t)
	}
}

// taskFailed is called when the actor has panicked with the task in hand, or ended its
// goroutine if value is nil: the task's waiters are told, then the supervisor.
func (w *workerMailbox) taskFailed(r *runner, value any) {
	h := &w.hand
	t, ctx := h.task, h.ctx
	w.failure = reasonOf(value)
	message := t.body.Message()
	if w.engine.cfg.Handled { // that is the body itself, which may be another task soon
		message = t.body.Payload()
	}
	if !h.settled { // else it is its context that has panicked
		w.engine.attemptFailed(w, h, t, w.engine.newPanicError(value, t), nil)
	}
	if ctx != nil && (ctx.used.Load() || ctx != h.last) {
		h.forgetContext(ctx)
		ctx.dismiss()
	}
	w.putDown(r, t)
	w.escalate(message)
}
