package engine

import (
	"sync/atomic"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/messages"
)

// A copyRun is a copy of a task in a race. Its task is not in the ledger.
type copyRun struct {
	race     *race
	worker   *workerMailbox
	task     *Task
	link     chain.Link[*copyRun] // in rareWorker.copies; guarded by the lock of the worker's queue
	listed   bool                 // guarded by that lock; it has not begun
	held     *Holding             // guarded by that lock; nil: the worker does not hold it
	canceled bool                 // guarded by that lock; its race has ended while it ran
	ctx      atomic.Pointer[Context]
}

func newCopyRun(r *race, w *Worker) *copyRun {
	c := &copyRun{race: r, worker: w.runs.(*workerMailbox), task: seedOf(r.seed)}
	c.link.Of = c
	c.task.enqueued = r.engine.now()
	c.task.makeSpecial().copied = true
	c.task.state.Store(uint64(r.word.with(running).of(w.index)&^(flagOwned|hopMask) | flagAnswered))
	return c
}

// takeCopyLocked makes the worker begin a copy, if one waits and the worker is free. It returns
// nil otherwise.
func (w *workerMailbox) takeCopyLocked(q *taskQueue, r *runner) *copyRun {
	if w.rare.copies.Len() == 0 || q.paused || !w.ableLocked() {
		return nil
	}
	if w.engine.recycles {
		w.handled.Add(1)
	}
	c := w.rare.copies.First().Of
	w.rare.copies.Remove(&c.link)
	c.listed = false
	w.takeLocked(q, r, append(r.batch[:0], c.task), 0, c.task.priority())
	w.at = 1
	return c
}

// runCopy runs a copy.
func (w *workerMailbox) runCopy(r *runner, c *copyRun) {
	e, h := w.engine, &w.hand
	r.time(&e.base, &w.pace, w.shard())
	h.endLastContext()
	h.word, h.special.copy, h.settled = c.task.load(), c, false
	h.started.Store(max(e.now(), c.task.enqueued))
	if e.contexts {
		h.ctx = newContext(&e.base, h, c.task)
		h.ctx.used.Store(true)
		c.ctx.Store(h.ctx)
	}
	if c.race.isOver() { // cancel may have come before there was a context
		c.endContext()
		w.putDownCopy(r)
		return
	}
	e.races.copies.Add(1)
	h.task = c.task
	guard.Watch(func() { w.give(c.task) }, func(value any) { w.taskFailed(r, value) })
	if h.task != nil { // else taskFailed has put it down
		w.putDown(r, c.task)
	}
}

// putDownCopy clears the hand after a copy, which the worker may hold from now on.
func (w *workerMailbox) putDownCopy(r *runner) {
	h, e := &w.hand, w.engine
	h.special.copy, h.attempt = nil, attempt{}
	h.special.clear(h)
	w.q.mu.Lock()
	clear(w.batch) // cancel must not watch the handler any more, which has returned
	w.q.mu.Unlock()
	e.handlerReturned(&w.Worker)
	r.skipTime(&e.base, &w.pace, w.shard())
	r.cut = true
}

// copyOver ends the copy in hand.
func (w *workerMailbox) copyOver(outcome messages.Outcome, err error) {
	h := &w.hand
	h.settled = true
	w.noteOutcome(outcome)
	f := failure{outcome: outcome, err: err, crash: h.attempt.crash, reply: h.special.reply}
	value := h.value
	h.value = nil
	h.special.copy.race.ended(h.special.copy, f, value)
}

// cancel ends a copy, since the race is over.
func (c *copyRun) cancel(then *after) {
	w, e := c.worker, c.race.engine
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	switch {
	case c.listed:
		c.listed = false
		w.rare.copies.Remove(&c.link)
	case c.held != nil:
		if x := c.held; x.state != over {
			then.wake(e.letGoLocked(x, e.now()))
			then.call(func() { x.end(messages.ErrCanceled) })
			w.rare.holdings.muteLocked(x)
		}
	default:
		c.canceled = true
		then.call(c.endContext)
		if len(w.batch) == 1 && w.batch[0] == c.task {
			if x := w.hand.holdingInHand(); x != nil {
				then.call(func() { x.end(messages.ErrCanceled) })
			}
			if wt := e.watchdog.begin(&w.hand, w.pid, c.task); wt != nil {
				w.rareLocked().watch = wt
			}
		}
	}
}

// endContext ends the context of a copy.
func (c *copyRun) endContext() {
	if ctx := c.ctx.Load(); ctx != nil {
		interrupt([]ending{{ctx: ctx, cause: messages.ErrCanceled}})
	}
}

// loseCopiesLocked gives up the copies that a worker has not begun, since it leaves.
func (w *Worker) loseCopiesLocked(then *after) {
	if w.rare == nil {
		return
	}
	for link := w.rare.copies.First(); link != nil; link = w.rare.copies.First() {
		c := link.Of
		c.listed = false
		w.rare.copies.Remove(link)
		then.call(func() { c.race.ended(c, failure{}, nil) })
	}
}

// isIdle reports whether the worker is parked, could start a task, and would find none.
func (w *Worker) isIdle() bool {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return w.parked && w.ableLocked() && w.q.liveLocked() == 0 && !w.q.paused &&
		(w.rare == nil || len(w.rare.pins) == 0 && w.rare.copies.Len() == 0)
}
