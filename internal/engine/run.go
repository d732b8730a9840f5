package engine

import (
	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// runBatches runs the batch until it is done, the worker is wanted at its queue, or the
// actor fails: then escalate puts the rest of the batch back into the queue.
func (w *workerMailbox) runBatches(r *runner) {
	r.cut = false
	guard.Watch(func() { w.runBatch(r) }, func(value any) { w.taskFailed(r, value) })
	if w.hand.task == nil && r.untimed > 0 && !w.grouping(r) {
		r.time(&w.engine.base, &w.pace, w.shard())
	}
	if r.untimed == 0 {
		r.flush(&w.engine.base, w.shard())
	}
	if w.engine.cfg.DeadlineCheck && !r.cut { // a batch with a cut task does not show how long tasks take
		w.engine.pace.learn(w.engine.now()-w.begun, int64(w.at))
	}
}

// wanted reports whether the worker should visit its queue before the batch is done.
func (w *workerMailbox) wanted() bool {
	if w.poke.Load() || w.hand.attempt.retry != nil {
		return true
	}
	return w.q.top.Load() > int64(w.priority)
}

// runBatch runs tasks until the batch is done or the worker is wanted at its queue.
func (w *workerMailbox) runBatch(r *runner) {
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
			w.engine.admitWaitingFor(&w.Worker) // the started task takes no more room
		}
		if w.hand.special != nil && w.engine.races.plan != nil {
			w.engine.beginRace(w, t)
		}
		w.give(t)
		w.putDown(r, t)
		if w.wanted() {
			return
		}
	}
}

// begin starts the task if it still belongs to the worker. Until then the worker may only
// look at the task's word, since another worker may have the task.
func (w *workerMailbox) begin(r *runner, t *Task, state word) bool {
	h := &w.hand
	if h.started.Load() != r.now {
		h.started.Store(r.now) // for a goroutine that settles the task before begin returns
	}
	h.word = state.with(running).of(w.index)
	if !t.swap(state, h.word) {
		return false
	}
	w.at++
	if w.engine.recycles {
		w.handled.Add(1)
	}
	if r.untimed > 0 && (state&flagAnswered != 0 && r.ended == 0 && w.exact(t) || w.engine.journals.on() && !r.flooded) {
		r.time(&w.engine.base, &w.pace, w.shard())
	}
	started := max(r.now, r.ended, t.enqueued)
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

// give passes the task to the actor. With a handler, workerMailbox.settle or finish has
// settled the task when the call returns. Without one, the task succeeds when Receive
// returns, unless the actor holds it.
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
	case w.foreign != nil:
		w.forward(t)
	default:
		w.invoker.InvokeUserMessage(t.body.Message())
		if !w.hand.settled {
			w.received(t)
		}
	}
	if e.contexts && !w.hand.keeps() {
		w.endContext(w.hand.ctx)
	}
}

// endContext ends the context of a finished task, unless the next task may reuse it. The
// time of user code that this runs counts as part of the task.
func (w *workerMailbox) endContext(ctx *Context) {
	if ctx.used.Load() || ctx != w.hand.last {
		w.hand.forgetContext(ctx)
		ctx.release()
	}
}

// putDown clears the hand after the handler has returned, and frees the task unless it is
// retried.
func (w *workerMailbox) putDown(r *runner, t *Task) {
	h := &w.hand
	h.task = nil
	if h.special != nil && w.clearSpecial(r) {
		return
	}
	if h.attempt.retry != nil {
		return // work calls putBack for the retry
	}
	t.body.Released()
	if w.engine.watchdog.on() {
		w.engine.handlerReturned(&w.Worker)
	}
	if h.interrupted { // the goroutine that settled the task may still notify its waiters
		h.forgetInterruption()
		h.endLastContext()
		r.cut = true
		t.disown()
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

// clearSpecial clears the hand after the actor, or the handler, has returned. It reports whether the
// task has left the hand: it is held, waits for its copies, or was a copy.
func (w *workerMailbox) clearSpecial(r *runner) (left bool) {
	h, d := &w.hand, w.hand.special
	if d.copy != nil {
		w.putDownCopy(r)
		return true
	}
	left = d.parted || d.keeps
	if d.race != nil {
		h.endRace(left)
	}
	d.clear(h)
	return left
}

// release keeps a finished task for reuse, if nobody else can have it.
func (w *workerMailbox) release(r *runner, t *Task) {
	h := &w.hand
	t.forgetSender()
	if h.word.hop() == 0 && (t.extra == nil || h.ctx == nil || !h.ctx.used.Load()) {
		r.keep(t)
		return
	}
	// Another worker may still have it in its batch, or a goroutine may read its attributes.
	if h.word&flagAnswered != 0 {
		w.q.mu.Lock()
		t.disown()
		w.q.mu.Unlock()
	}
}

// taskFailed is called when the actor has panicked with the task in hand, or has ended its
// goroutine if value is nil. It settles the task first and then informs the supervisor.
func (w *workerMailbox) taskFailed(r *runner, value any) {
	h := &w.hand
	t, ctx := h.task, h.ctx
	if t == nil {
		panic(value) // a fault of the engine's own, which must not be hidden
	}
	if w.foreign != nil && h.keeps() { // the mailbox of the foreign actor has ended the goroutine
		w.putDown(r, t)
		return
	}
	w.failure = reasonOf(value)
	message := t.body.Message()
	if w.engine.cfg.Handled { // Message returns the body itself, which may soon hold another task
		message = t.body.Payload()
	}
	if !h.settled { // else ending the context has panicked
		if h.special != nil && h.special.holding != nil {
			_ = w.let(h.special.holding) // the panic counts, whatever Done was given
		}
		w.engine.attemptFailed(w, h, t, w.engine.newPanicError(value, t), nil)
	}
	if ctx != nil && (ctx.used.Load() || ctx != h.last) {
		h.forgetContext(ctx)
		ctx.dismiss()
	}
	w.putDown(r, t)
	if w.foreign == nil { // else it is no failure of the worker
		w.escalate(message)
	}
}
