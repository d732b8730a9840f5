package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/troupe-go/troupe/messages"
)

// A phase says whether a pool takes tasks. Phases only go up.
type phase int8

const (
	open     phase = iota
	draining       // refuses new tasks, finishes the accepted ones
	closed         // has dropped what was queued and canceled what ran
)

// stopping says how far the pool has come on its way to its end. The lock of the roster
// guards it.
type stopping struct {
	phase   phase
	failed  error         // why no task can be accepted while the pool is open; nil if it can
	before  tally         // all outcomes when the drain or close began
	quiet   chan struct{} // closed when nothing is queued or running; nil: nobody waits for that
	drained []func()      // called then

	wanted  atomic.Bool // somebody waits until the pool is quiet
	barren  atomic.Bool // failed is not nil; written while the world is stopped
	dropped atomic.Bool // the phase is closed; likewise
	ended   atomic.Bool // the pool has stopped
}

// refusal says why no task is accepted, nil if one may be.
func (e *Engine) refusal() error {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	return e.shared.refusal
}

// setRefusalLocked tells the queues whether tasks are accepted. The world is stopped.
func (e *Engine) setRefusalLocked() {
	refusal := e.stopping.failed
	if e.stopping.phase != open {
		refusal = messages.ErrPoolStopped
	}
	e.queuesLocked(func(q *taskQueue) { q.refusal = refusal })
}

// Pause keeps queued tasks from being started. It reports whether it did: a pool that
// is stopping is not paused.
func (e *Engine) Pause() (paused bool) {
	e.world(func(*after) {
		if e.stopping.phase != open {
			return
		}
		paused = true
		e.queuesLocked(func(q *taskQueue) {
			q.paused = true
			q.recallAllLocked()
		})
	})
	return paused
}

// recallAllLocked puts the tasks of all batches that have not started back into the
// queue.
func (q *taskQueue) recallAllLocked() {
	q.eachBatchLocked(func(w *Worker) { w.recallLocked(q) })
}

// Resume ends a pause.
func (e *Engine) Resume() {
	e.world(func(then *after) { e.resumeLocked(then) })
	e.progressed()
}

func (e *Engine) resumeLocked(then *after) {
	if !e.shared.paused {
		return
	}
	e.queuesLocked(func(q *taskQueue) { q.paused = false })
	e.admitWaitingLocked(then)
	e.queuesLocked(func(q *taskQueue) { then.wake(e.wakeForLocked(q)) })
	for _, w := range e.roster.workers {
		if w.rare != nil && len(w.rare.pins) > 0 && w.wakeOwnLocked(w.q) {
			then.wake(w)
		}
	}
	if e.orphans.Load() > 0 {
		then.call(e.wakeIdle)
	}
}

// Wait returns when nothing is queued or running, or ctx ends. It returns ErrDeadlock to
// one of the pool's own handlers, which would wait for itself.
func (e *Engine) Wait(ctx context.Context) error {
	if e.OfHandler(ctx) {
		return messages.ErrDeadlock
	}
	var quiet chan struct{}
	e.stopWorld(func() {
		if e.isQuietLocked() {
			return
		}
		if e.stopping.quiet == nil {
			e.stopping.quiet = make(chan struct{})
		}
		quiet = e.stopping.quiet
		e.stopping.wanted.Store(true)
	})
	if quiet == nil {
		return nil
	}
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// progressed looks at what a change may have made possible: room for submitters that
// wait, and the end of those that wait until the pool is quiet.
func (e *Engine) progressed() {
	if e.waits.some.Load() {
		e.admitWaiting()
	}
	if e.stopping.wanted.Load() {
		e.whenIdle()
	}
}

// whenIdle tells whoever waits for it that nothing is queued or running, if so.
func (e *Engine) whenIdle() {
	if e.stopping.wanted.Load() {
		e.world(e.quietLocked)
	}
}

func (e *Engine) quietLocked(then *after) {
	s := &e.stopping
	if !s.wanted.Load() || !e.isQuietLocked() {
		return
	}
	s.wanted.Store(false)
	if s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
	then.calls = append(then.calls, s.drained...)
	s.drained = nil
}

// isQuietLocked reports whether nothing is queued, and no handler runs but abandoned
// ones.
func (e *Engine) isQuietLocked() bool {
	if e.delays.count.Load() > 0 || e.callers.count() > 0 {
		return false
	}
	quiet := true
	e.queuesLocked(func(q *taskQueue) {
		if q.exactLocked() > 0 || q.late != nil && q.late.pinned > 0 {
			quiet = false
		}
	})
	for _, w := range e.roster.workers {
		quiet = quiet && (!w.hasTaskLocked() || w.abandoned.Load())
	}
	return quiet
}

// Drain refuses new tasks and those that wait for admission, and has call called when
// the accepted ones are settled and their handlers have returned. It ends a pause.
func (e *Engine) Drain(call func()) {
	e.world(func(then *after) {
		s := &e.stopping
		if s.phase == open {
			s.phase = draining
			s.before = e.totalsLocked()
			e.setRefusalLocked()
			e.waits.refuseAllLocked(messages.ErrPoolStopped)
			e.resumeLocked(then)
		}
		s.drained = append(s.drained, call)
		s.wanted.Store(true)
		e.quietLocked(then)
	})
}

// Close refuses new tasks, drops the queued ones and cancels those that run. It does not
// wait for their handlers.
func (e *Engine) Close() {
	e.world(func(then *after) {
		s := &e.stopping
		if s.phase == open {
			s.before = e.totalsLocked()
		}
		if s.phase == closed {
			return
		}
		s.phase = closed
		s.dropped.Store(true)
		e.setRefusalLocked()
		for _, w := range e.roster.workers {
			w.routed = false
		}
		e.roster.joining = nil
		e.setRouteesLocked(nil) // all will leave: one by one would take n²
		e.waits.refuseAllLocked(messages.ErrPoolStopped)
		e.dropQueuedLocked(errDroppedByStop, then)
		for _, w := range e.roster.workers {
			e.forgetSidelinedLocked(w)
			e.cancelRunningLocked(w, then)
			w.leaving.Store(true)
			w.refreshLocked(w.q)
		}
		e.quietLocked(then)
	})
	e.callers.cancelAll(e)
	e.timer.close()
}

// cancelRunningLocked cancels the task that a worker runs, because the pool stops.
func (e *Engine) cancelRunningLocked(w *Worker, then *after) {
	for _, t := range w.batch {
		if t == nil {
			continue
		}
		if state := t.load(); state.status() == running && state.hop() == w.hop {
			e.endRunningLocked(t, state, messages.Canceled, errCanceledByStop, messages.ErrPoolStopped, then)
		}
	}
}

// Fail says that no worker is left and none will come. Tasks are refused with err until
// Revive, and the queued ones are dropped.
func (e *Engine) Fail(err error) {
	e.world(func(then *after) {
		if e.stopping.failed != nil {
			return
		}
		e.stopping.failed = err
		e.stopping.barren.Store(true)
		e.setRefusalLocked()
		e.waits.refuseAllLocked(err)
		e.dropQueuedLocked(fmt.Errorf("%w: %w", messages.ErrDropped, err), then)
		e.quietLocked(then)
	})
}

// Revive says that workers are on their way.
func (e *Engine) Revive() {
	e.stopWorld(func() {
		if e.stopping.failed != nil {
			e.stopping.failed = nil
			e.stopping.barren.Store(false)
			e.setRefusalLocked()
		}
	})
}

func (e *Engine) dropQueuedLocked(err error, then *after) {
	e.queuesLocked(func(q *taskQueue) {
		q.recallAllLocked()
		for _, t := range q.takeAllLocked() {
			e.dropLocked(q, t, err, then)
		}
	})
	e.orphans.Store(0)
	for _, w := range e.roster.workers {
		for _, t := range w.takePinsLocked(w.q) {
			e.dropLocked(w.q, t, err, then)
		}
	}
	for _, t := range e.delays.allLocked() {
		e.endDelayedLocked(t, messages.Dropped, err, then)
	}
}

// dropLocked drops a task that is in no queue.
func (e *Engine) dropLocked(q *taskQueue, t *Task, err error, then *after) {
	w := t.load()
	if w.status() == queued && t.swap(w, w.with(endedDropped)) {
		q.unstarted[messages.Dropped]++
		then.settled = append(then.settled, e.endingOf(t, messages.Dropped, err))
	}
}

// DrainReport says what became of the tasks since the drain or close began.
func (e *Engine) DrainReport() (report messages.DrainReport) {
	e.stopWorld(func() {
		now := e.totalsLocked()
		since := func(o messages.Outcome) int64 { return now[o] - e.stopping.before[o] }
		report = messages.DrainReport{
			Finished: since(messages.Succeeded) + since(messages.Failed) + since(messages.Panicked) +
				since(messages.TimedOut) + since(messages.Quarantined),
			Canceled: since(messages.Canceled),
			Dropped:  since(messages.Dropped),
		}
		for _, w := range e.roster.workers {
			if t := w.inHandLocked(); t != nil {
				report.Abandoned = append(report.Abandoned, t.id())
			}
		}
		report.Abandoned = append(report.Abandoned, e.callers.ids()...)
		report.Abandoned = append(report.Abandoned, e.watchdog.abandonedIDs(func(w *Worker) bool {
			return e.roster.byID[w.id] == w
		})...)
	})
	return report
}
