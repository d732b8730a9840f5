package engine

import (
	"fmt"

	"github.com/troupe-go/troupe/messages"
)

var (
	errDroppedByStop  = fmt.Errorf("%w: %w", messages.ErrDropped, messages.ErrPoolStopped)
	errCanceledByStop = fmt.Errorf("%w: %w", messages.ErrCanceled, messages.ErrPoolStopped)
	errWorkerGone     = fmt.Errorf("%w: the worker it was for is gone", messages.ErrDropped)
)

// end settles a task from outside, whether it waits, is queued, runs or is held. It does nothing if
// the task is settled already or its cell has another sequence number by now. It reports
// whether it settled the task. cause is why the context of its handler ends.
func (e *settling) end(t *Task, sequence uint64, outcome messages.Outcome, err, cause error, then *after) bool {
	for {
		w := t.load()
		if w.sequence() != sequence {
			return false
		}
		var done, won bool
		switch w.status() {
		case waiting:
			done, won = e.endDelayed(t, w, outcome, err, then)
		case queued:
			done, won = e.endQueued(t, w, outcome, err, then)
		case running:
			done, won = e.endRunning(t, w, outcome, err, cause, then)
		case held:
			done, won = e.endHeld(t, w, outcome, err, cause, then)
		default:
			return false
		}
		if done {
			return won
		}
	}
}

// endQueued settles a queued task. done is false if the task must be looked at again, since
// it has been moved or started meanwhile.
func (e *settling) endQueued(t *Task, w word, outcome messages.Outcome, err error, then *after) (done, won bool) {
	q := e.queueOf(w)
	if q == nil {
		return false, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := t.load()
	if now.status() != queued || now.worker() != w.worker() || now.sequence() != w.sequence() || e.queueOf(w) != q {
		return false, false
	}
	won = e.endQueuedLocked(q, t, outcome, err, then)
	return won, won
}

// endQueuedLocked settles a task that is queued in q. It returns false if a worker was
// faster to start the task.
func (e *settling) endQueuedLocked(q *taskQueue, t *Task, outcome messages.Outcome, err error, then *after) bool {
	w := t.load()
	if w.status() != queued || !t.swap(w, w.with(endedAs(outcome))) {
		return false
	}
	q.unstarted[outcome]++
	pinned := q.late != nil && t.pinned() && e.roster.worker(w.worker()).unpinLocked(q, t)
	if !pinned && !q.unshunLocked(t) {
		q.diedLocked()
		if q.late == nil && q.owner == nil {
			e.countOrphansLocked()
		}
	}
	if q.deadlines != nil {
		q.deadlines.trimLocked()
	}
	then.settled = append(then.settled, e.endingOf(t, outcome, err))
	return true
}

// endDelayed settles a task that waits for its next attempt.
func (e *settling) endDelayed(t *Task, w word, outcome messages.Outcome, err error, then *after) (done, won bool) {
	e.delays.mu.Lock()
	defer e.delays.mu.Unlock()
	if t.load() != w {
		return false, false
	}
	e.endDelayedLocked(t, outcome, err, then)
	return true, true
}

func (e *settling) endDelayedLocked(t *Task, outcome messages.Outcome, err error, then *after) {
	t.state.Store(uint64(t.load().with(endedAs(outcome))))
	e.delays.removeLocked(t)
	e.delays.outcomes[outcome]++
	then.settled = append(then.settled, e.endingOf(t, outcome, err))
}

// endRunning settles a task whose handler still runs, and notes in then to end the
// handler's context.
func (e *settling) endRunning(t *Task, w word, outcome messages.Outcome, err, cause error, then *after) (done, won bool) {
	if w.worker() == nobody {
		return e.endInCaller(t, w, outcome, err, cause, then)
	}
	q := e.queueOf(w)
	if q == nil {
		return false, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.queueOf(w) != q { // the worker is gone, and another one has its index
		return false, false
	}
	won = e.endRunningLocked(t, w, outcome, err, cause, then)
	return won, won
}

// endRunningLocked settles a task that runs on a worker. The lock of the worker's queue
// must be held. It returns false if the word has changed.
func (e *settling) endRunningLocked(t *Task, w word, outcome messages.Outcome, err, cause error, then *after) bool {
	worker := e.roster.worker(w.worker())
	if worker == nil {
		return false
	}
	// Until this lock is free, the worker keeps the task in hand: see workerMailbox.settle.
	h := &worker.hand
	h.mu.Lock()
	defer h.mu.Unlock()
	if !t.swap(w, w.with(cutAs(outcome))) {
		return false
	}
	now := e.now()
	started := h.startOf(t)
	worker.outcomes[outcome]++
	worker.ran += now - started
	e.meter.RecordInterrupted(worker.shard(), started-t.enqueued, now-started, now)
	h.interrupted, h.cause = true, cause
	s := e.endingInHand(t, h, outcome, err, now)
	s.ctx, s.cause = h.live, cause
	if s.ctx != nil {
		s.ctx.over.Store(true)
	}
	s.holding = h.special.overLocked()
	if r := h.race(); r != nil {
		then.call(r.stop)
	}
	then.settled = append(then.settled, s)
	if wt := e.watchdog.begin(h, worker.pid, t); wt != nil {
		worker.rareLocked().watch = wt
	}
	return true
}

// endInCaller settles a task that runs in its caller while its handler still runs.
func (e *settling) endInCaller(t *Task, w word, outcome messages.Outcome, err, cause error, then *after) (done, won bool) {
	run := e.callers.runOf(t)
	if run == nil {
		return t.load() == w, false // its handler has just returned
	}
	var s ending
	if !e.callers.settleOnce(t, run, cutAs(outcome), outcome, func() {
		s = e.endingInHand(t, &run.hand, outcome, err, e.now())
	}) {
		return t.load() == w, false
	}
	ctx := run.hand.ctx
	ctx.used.Store(true)
	ctx.over.Store(true)
	close(run.over)
	s.ctx, s.cause = ctx, cause
	then.settled = append(then.settled, s)
	e.callers.mu.Lock()
	defer e.callers.mu.Unlock()
	run.watch = e.watchdog.begin(&run.hand, nil, t)
	return true, true
}

// endingOf describes a task that was settled while no handler ran.
func (e *settling) endingOf(t *Task, outcome messages.Outcome, err error) ending {
	return e.newEnding(outside(t, Settlement{Outcome: outcome, Err: err}))
}

// endingInHand describes a task that was settled at the time now, while its handler runs.
func (e *settling) endingInHand(t *Task, h *hand, outcome messages.Outcome, err error, now int64) ending {
	s := e.newEnding(outside(t, Settlement{
		Outcome: outcome, Err: err, Worker: h.worker, Started: h.startOf(t), Ended: now,
	}))
	s.running = true
	return s
}

// outside completes the settlement of a task that is settled from outside.
func outside(t *Task, s Settlement) Settlement {
	s.task, s.outside, s.sender = t, true, t.body.Sender()
	if t.Told() {
		if s.owner = t.body.Owner(); s.owner != nil {
			s.payload = t.body.Payload()
		}
	}
	return s
}

// endingAfter describes a task that is settled because its retry cannot take place.
func (e *settling) endingAfter(t *Task, retry *retryPlan, h *hand) ending {
	return e.newEnding(Settlement{
		task: t, Outcome: retry.outcome, Err: retry.err, Started: h.started.Load(), Worker: h.worker, reply: retry.reply,
	})
}

// newEnding completes a settlement, which happens now unless it says when.
func (e *settling) newEnding(s Settlement) ending {
	s.base = &e.base
	if s.Ended == 0 {
		s.Ended = e.now()
	}
	return ending{Settlement: s, note: e.journals.note(s.task, &s, nil)}
}

// noMoreRetries reports whether a planned retry cannot take place: no worker will come, or the
// pool has dropped its queue to stop. While a lock up to those of the queues is held, the
// answer does not change.
func (e *settling) noMoreRetries() bool { return e.unmanned.Load() || e.dropped.Load() }

// settleUnretriedLocked settles a task in a hand whose retry cannot take place, and counts
// the outcome.
func (e *settling) settleUnretriedLocked(t *Task, h *hand, retry *retryPlan, outcomes *tally, then *after) {
	t.state.Store(uint64(h.word.with(doneAs(retry.outcome))))
	outcomes[retry.outcome]++
	then.settled = append(then.settled, e.endingAfter(t, retry, h))
}

// dropLocked drops a queued task that has been taken out of its queue.
func (e *settling) dropLocked(q *taskQueue, t *Task, err error, then *after) {
	if t.load().status() == queued {
		e.dropUnqueuedLocked(q, t, err, then)
	}
}

// dropUnqueuedLocked drops a task that no other goroutine can settle: it is in no queue,
// and the caller holds the locks that guard its word.
func (e *settling) dropUnqueuedLocked(q *taskQueue, t *Task, err error, then *after) {
	t.state.Store(uint64(t.load().with(endedDropped)))
	q.unstarted[messages.Dropped]++
	then.settled = append(then.settled, e.endingOf(t, messages.Dropped, err))
}

// timeUp settles a task whose timeout is over.
func (e *settling) timeUp(d taskDeadline, then *after) {
	e.end(d.task, d.sequence, messages.TimedOut, messages.ErrTaskTimeout, messages.ErrTaskTimeout, then)
}
