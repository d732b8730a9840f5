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

// This file settles tasks from outside of the goroutine that runs them: timeouts,
// cancellations, drops. Whoever wins the compare-and-swap of the task's word counts the
// outcome under the lock that guards the task's place, and tells its waiters once no
// lock is held.

// Cancel settles an accepted task as Canceled: it is dropped from its queue or, if it
// runs, its context is ended. It does nothing if the task is settled.
func (e *Engine) Cancel(t *Task, err error) {
	var then after
	if e.end(t, t.load().sequence(), messages.Canceled, err, err, &then) {
		then.run(e)
		e.progressed()
	}
}

// Withdraw settles an accepted task that no worker has started as Canceled. It reports
// whether it did.
func (e *Engine) Withdraw(t *Task, err error) bool {
	var then after
	for {
		w := t.load()
		if w.status() != queued || w&flagRetried != 0 {
			return false
		}
		if done, won := e.endQueued(t, w, messages.Canceled, err, &then); done {
			then.run(e)
			e.progressed()
			return won
		}
	}
}

// end settles the task that has the given sequence number, wherever it is, unless it
// is settled. It reports whether it did. cause is why its handler's context ends.
func (e *Engine) end(t *Task, sequence uint64, outcome messages.Outcome, err, cause error, then *after) bool {
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
		default:
			return false
		}
		if done {
			return won
		}
	}
}

// queueOf is the queue whose lock guards the place of a task with the given word, nil
// if its worker is gone, and so the task somewhere else by now.
func (e *Engine) queueOf(w word) *taskQueue {
	if e.late() || w.worker() == nobody {
		return &e.shared
	}
	if owner := e.roster.worker(w.worker()); owner != nil {
		return owner.q
	}
	return nil
}

// endQueued settles a queued task. done is false if the task has moved meanwhile.
func (e *Engine) endQueued(t *Task, w word, outcome messages.Outcome, err error, then *after) (done, won bool) {
	q := e.queueOf(w)
	if q == nil {
		return false, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := t.load()
	if now.status() != queued || now.worker() != w.worker() || now.sequence() != w.sequence() {
		return false, false
	}
	won = e.endQueuedLocked(q, t, outcome, err, then)
	return won, won
}

// endQueuedLocked settles a task that is queued in q. It reports false if a worker was
// faster to start it.
func (e *Engine) endQueuedLocked(q *taskQueue, t *Task, outcome messages.Outcome, err error, then *after) bool {
	w := t.load()
	if w.status() != queued || !t.swap(w, w.with(endedAs(outcome))) {
		return false
	}
	q.unstarted[outcome]++
	if q.late == nil || !t.pinned() || !e.roster.worker(w.worker()).unpinLocked(q, t) {
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
func (e *Engine) endDelayed(t *Task, w word, outcome messages.Outcome, err error, then *after) (done, won bool) {
	e.delays.mu.Lock()
	defer e.delays.mu.Unlock()
	if t.load() != w {
		return false, false
	}
	e.endDelayedLocked(t, outcome, err, then)
	return true, true
}

func (e *Engine) endDelayedLocked(t *Task, outcome messages.Outcome, err error, then *after) {
	t.state.Store(uint64(t.load().with(endedAs(outcome))))
	e.delays.removeLocked(t)
	e.delays.outcomes[outcome]++
	then.settled = append(then.settled, e.endingOf(t, outcome, err))
}

// endRunning settles a task whose handler still runs, and has the handler's context
// ended.
func (e *Engine) endRunning(t *Task, w word, outcome messages.Outcome, err, cause error, then *after) (done, won bool) {
	if w.worker() == nobody {
		return e.callers.end(e, t, w, outcome, err, cause, then)
	}
	q := e.queueOf(w)
	if q == nil {
		return false, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	won = e.endRunningLocked(t, w, outcome, err, cause, then)
	return won, won
}

// endRunningLocked settles a task that runs on a worker. The lock of the worker's queue
// must be held. It reports false if the word has changed.
func (e *Engine) endRunningLocked(t *Task, w word, outcome messages.Outcome, err, cause error, then *after) bool {
	worker := e.roster.worker(w.worker())
	if worker == nil {
		return false
	}
	// Until the lock is free, the worker keeps the task in hand: see Worker.settle.
	worker.interrupts.Lock()
	defer worker.interrupts.Unlock()
	if !t.swap(w, w.with(cutAs(outcome))) {
		return false
	}
	now := e.now()
	h := &worker.hand
	started := h.started.Load()
	worker.outcomes[outcome]++
	worker.ran += now - started
	e.meter.RecordInterrupted(worker.shard(), max(started-t.enqueued, 0), now-started, now)
	h.interrupted, h.cause = true, cause
	s := e.endingOf(t, outcome, err)
	s.running, s.ctx, s.cause = true, worker.live, cause
	s.Started, s.Ended, s.Worker = started, now, worker.id
	s.note = e.journals.note(t, &s.Settlement, nil)
	if s.ctx != nil {
		s.ctx.over.Store(true)
	}
	then.settled = append(then.settled, s)
	e.watchdog.watch(e, worker, nil, t)
	return true
}

// An ending is a task that was settled from outside, of which its waiters are to be
// told.
type ending struct {
	Settlement
	running bool     // a handler runs it still
	ctx     *Context // of the handler; nil: it has not used one
	cause   error    // why that context ends
	note    func()   // enters it in the journals; nil: there are none
}

// endingOf describes a task that was settled while no handler ran.
func (e *Engine) endingOf(t *Task, outcome messages.Outcome, err error) ending {
	s := ending{Settlement: Settlement{
		engine: e, task: t, outside: true, sender: t.body.Sender(), Outcome: outcome, Err: err, Ended: e.now(),
	}}
	s.note = e.journals.note(t, &s.Settlement, nil)
	return s
}

// tellAll ends the contexts of the handlers and then tells whoever waits for the
// tasks. Telling an actor may run code of the user's, such as a subscriber of dead
// letters: if that ends this goroutine, by runtime.Goexit, another goes on.
func (e *Engine) tellAll(endings []ending) {
	for i := range endings { // first, since those who are told may take their time
		if s := &endings[i]; s.ctx != nil {
			s.ctx.interrupt(s.cause)
		}
	}
	e.tellEach(endings)
}

func (e *Engine) tellEach(endings []ending) {
	told := 0
	defer func() {
		if rest := endings[told:]; len(rest) > 0 {
			go e.tellEach(rest)
		}
	}()
	for i := range endings {
		told++
		s := &endings[i]
		if s.note != nil {
			s.note()
		}
		body := s.task.body
		body.Settled(&s.Settlement)
		s.task.forgetSender()
		if !s.running { // else its worker drops the rest, when the handler has returned
			s.task.release()
		}
	}
}
