package router

import "context"

// A job is what a worker does next. At most one field is set; none: it has been
// parked and its goroutine must end.
type job struct {
	system   any
	mail     any
	cell     *Cell
	farewell bool // it has been given up, and has come back: its actor is to hear of its end
}

func (j job) none() bool { return j.system == nil && j.mail == nil && j.cell == nil && !j.farewell }

// next parks w or gives it something to do: system messages first, then mail,
// then tasks of its own queue, then of the shared one. done is the task that w
// has just had in hand, nil if none; now is the time. It is called by w's
// goroutine only.
func (r *Router) next(w *Worker, done *Cell, now int64) job {
	if done != nil {
		w.measureBatch(now)
		if !w.abandoned.Load() {
			w.measureRest(now)
		}
	}
	var then after
	r.mu.Lock()
	r.clock, r.unstamped = max(r.clock, now), 0
	if w.waking {
		w.waking, r.waking = false, false
	}
	if done != nil {
		r.doneLocked(w, done, now, &then)
	}
	r.reclaimLocked(w)
	j := r.jobLocked(w, now)
	if r.waiters.Len() > 0 {
		r.admitLocked(&then)
		if j.none() {
			j = r.jobLocked(w, now)
		}
	}
	if j.none() {
		if w.lastCtx != nil && w.lastCtx.caller != context.Background() {
			w.endLastContext() // an idle worker keeps nobody's values alive
		}
		w.parkLocked()
		r.quietLocked(&then)
	}
	then.schedule(r.wakeLocked())
	r.mu.Unlock()
	then.run()
	return j
}

// doneLocked puts down the task that w has had in hand. The pool is done with it,
// unless it is tried again.
func (r *Router) doneLocked(w *Worker, done *Cell, now int64, then *after) {
	held := w.hold
	if r.cfg.DeadlineCheck && !held.interrupted { // what was cut short, or went on in vain, tells nothing
		r.learnServiceLocked(w, now)
	}
	if held.interrupted && held.attempt.again == nil { // else it has been noted
		w.noteOutcome(done.Outcome())
	}
	w.hold = hold{} // it may keep much alive
	r.putDownLocked(w, then)
	if w.breaker != breakerClosed || w.tripped() {
		r.breakerLocked(w, now, then)
	}
	if r.againLocked(done, &held, now, then) {
		return
	}
	r.endDeadlineLocked(done)
	if !held.interrupted { // else who tells its waiters may still use it: it is left to the garbage collector
		w.release(done)
	}
}

func (r *Router) jobLocked(w *Worker, now int64) job {
	if w.abandoned.Load() {
		return job{farewell: !w.dismissed}
	}
	if msg, ok := w.system.pop(); ok {
		return job{system: msg}
	}
	if w.suspended || w.leaving {
		return job{}
	}
	if msg, ok := w.mail.pop(); ok {
		return job{mail: msg}
	}
	if !w.able || r.paused {
		return job{}
	}
	c := w.own.Peek()
	if c != nil && !r.sharedFirstLocked(c) {
		w.own.Pop()
		r.own--
		w.promiseLocked()
	} else {
		if c = r.takeSharedLocked(w, now); c == nil {
			return job{}
		}
		w.load.Add(1)
	}
	w.taken = true
	w.refreshLocked()
	w.chosenLocked()
	r.busy++
	r.peak = max(r.peak, r.busy)
	w.begun, w.flooded = 0, false
	w.batchStart, w.busySince = now, now
	w.hand.mu.Lock()
	w.beginLocked(c)
	w.hand.mu.Unlock()
	return job{cell: c}
}

// sharedFirstLocked reports whether a task of the shared queue comes before c, the
// first of a worker's own. That is for where a worker is picked for each task, and
// the shared queue has those whose worker is gone; where the next free worker takes
// them, its own are meant for it alone and come first. They do too where workers are free
// for all that is shared: those of capacity 0 were accepted since they are.
func (r *Router) sharedFirstLocked(c *Cell) bool {
	if r.picker == nil || r.shared.Len() <= r.able-r.promised {
		return false
	}
	return r.shared.Peek().before(c)
}

// beginLocked takes c in hand. It needs hand.mu.
func (w *Worker) beginLocked(c *Cell) {
	begun := w.batchStart
	w.clocked = w.begun == 0 || c.answered() || !w.flooded && w.router.journals.Load() != nil
	if w.clocked && w.begun > 0 {
		begun = w.router.now() // somebody is told how long it ran
	}
	w.hold.started = max(begun, c.enqueued)
	w.hold.ctx = w.contextFor(c)
	c.place, c.worker = running, w
	w.begun++
	w.hand.current = c
	w.lastOfBatch = w.hand.batch.len() == 0
}

// dropContext ends the context of a task that has been done, unless the next one may
// get it.
func (w *Worker) dropContext() {
	if ctx := w.hold.ctx; ctx.used.Load() || ctx != w.lastCtx {
		w.lastCtx = nil
		ctx.release()
	}
}

// measure records n tasks that took the given time together.
func (w *Worker) measure(n, wait, took, now int64) {
	w.router.meter.Record(w.shard, n, wait, took, now)
	w.ran.Add(took)
	w.learn(took/n, w.cutShort)
	w.cutShort = false
}

// learn notes how long tasks take: by the last ones alone, for what a batch holds up
// when tasks have become longer is taken over by idle workers. What was cut short says
// only that they take so long at least.
func (w *Worker) learn(mean int64, cutShort bool) {
	switch {
	case !cutShort:
		w.mean = mean
	case w.mean >= 0:
		w.mean = max(w.mean, mean)
	}
}

// measureBatch records the tasks of a batch that were not timed one by one.
func (w *Worker) measureBatch(now int64) {
	if w.untimed == 0 {
		return
	}
	w.measure(w.untimed, w.batchWait, now-w.busySince, now)
	w.untimed = 0
	w.busySince = now
}

// measureRest records the time after the last of that: it was spent on a task that
// had its outcome already.
func (w *Worker) measureRest(now int64) {
	if rest := now - w.busySince; rest > 0 {
		w.router.meter.RecordBusy(w.shard, w.busySince, now)
		w.learn(rest, true)
	}
}

// putDownLocked says that w has no longer the task in hand, which was its last.
func (r *Router) putDownLocked(w *Worker, then *after) {
	r.recallLocked(w)
	w.hand.mu.Lock()
	w.hand.current = nil
	w.hand.mu.Unlock()
	w.taken = false
	w.load.Add(-1)
	if !w.abandoned.Load() {
		r.busy--
	}
	r.endWatchLocked(w.watch, then)
	w.watch = nil
	w.refreshLocked()
}

// quietLocked tells whoever waits for it that nothing is queued or running, if so.
func (r *Router) quietLocked(then *after) {
	if r.quiet == nil && r.drained == nil || !r.isQuietLocked() {
		return
	}
	if r.quiet != nil {
		close(r.quiet)
		r.quiet = nil
	}
	then.calls = append(then.calls, r.drained...)
	r.drained = nil
}

func (r *Router) isQuietLocked() bool {
	return r.shared.Len() == 0 && r.own == 0 && r.delayed.Len() == 0 && r.busy == 0 && len(r.callers) == 0
}
