package engine

import (
	"context"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// A phase says whether a pool takes tasks. Phases never go back.
type phase int8

const (
	phaseOpen     phase = iota
	phaseDraining       // refuses new tasks, finishes the accepted ones, or only the running ones: see Finish
	phaseClosed         // has dropped the queued tasks and canceled the running ones
)

// stopping is the layer that pauses, drains, finishes and closes a pool. The lock of the roster
// guards its fields.
type stopping struct {
	membership
	phase  phase
	failed error // why no task can be accepted while the pool is open; nil: tasks can be
	before tally // the outcomes up to the drain, finish or close
}

// setRefusalLocked tells the queues whether tasks are accepted. The world is stopped.
func (e *stopping) setRefusalLocked() {
	refusal := e.failed
	if e.phase != phaseOpen {
		refusal = messages.ErrPoolStopped
	}
	e.queuesLocked(func(q *taskQueue) { q.refusal = refusal })
}

// Pause stops workers from starting queued tasks. It returns false, and does nothing, if
// the pool is stopping.
func (e *stopping) Pause() (paused bool) {
	e.world(func(*after) {
		if e.phase != phaseOpen {
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

// Resume ends a pause.
func (e *stopping) Resume() {
	e.world(func(then *after) { e.resumeLocked(then) })
	e.progressed()
}

func (e *stopping) resumeLocked(then *after) {
	if !e.shared.paused {
		return
	}
	e.queuesLocked(func(q *taskQueue) { q.paused = false })
	e.admitWaitingLocked(then)
	e.queuesLocked(func(q *taskQueue) { then.wake(e.wakeForLocked(q)) })
	for _, w := range e.roster.workers {
		if w.rare != nil && (len(w.rare.pins) > 0 || w.rare.copies.Len() > 0) && w.wakeOwnLocked(w.q) {
			then.wake(w)
		}
	}
	if e.orphans.Load() > 0 {
		then.call(e.wakeIdle)
	}
}

// Wait returns when nothing is queued or running, or when ctx ends. It returns ErrDeadlock
// to handlers of the pool that still run, since they would wait for themselves.
func (e *stopping) Wait(ctx context.Context) error {
	if e.OfHandler(ctx) {
		return messages.ErrDeadlock
	}
	var quiet chan struct{}
	e.stopWorld(func() {
		if e.isQuietLocked() {
			return
		}
		if e.quiet.done == nil {
			e.quiet.done = make(chan struct{})
		}
		quiet = e.quiet.done
		e.quiet.wanted.Store(true)
	})
	if quiet == nil {
		return nil
	}
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return guard.Cause(ctx)
	}
}

// Drain refuses new tasks and those that wait for room. It calls call when the accepted
// tasks are settled and their handlers have returned. Drain ends a pause.
func (e *stopping) Drain(call func()) {
	e.world(func(then *after) {
		if e.phase == phaseOpen {
			e.refuseLocked(then)
			e.resumeLocked(then)
		}
		e.whenQuietLocked(call, then)
	})
}

// Finish is Drain, except that it drops the queued tasks, and the pool retries no task any
// more. It also does that to a pool that is draining.
func (e *stopping) Finish(call func()) {
	e.world(func(then *after) {
		if e.phase == phaseOpen {
			e.refuseLocked(then)
		}
		if !e.dropped.Load() {
			e.dropped.Store(true)
			e.dropQueuedLocked(errDroppedByStop, then)
			e.resumeLocked(then)
		}
		e.whenQuietLocked(call, then)
	})
}

// refuseLocked makes an open pool refuse new tasks and those that wait for room.
func (e *stopping) refuseLocked(then *after) {
	e.phase = phaseDraining
	e.before = e.totalsLocked()
	e.setRefusalLocked()
	e.refuseWaitingLocked(messages.ErrPoolStopped, then)
}

// whenQuietLocked makes the pool call a function when it is quiet.
func (e *stopping) whenQuietLocked(call func(), then *after) {
	e.quiet.drained = append(e.quiet.drained, call)
	e.quiet.wanted.Store(true)
	e.quietLocked(then)
}

// Close refuses new tasks, drops the queued ones and cancels the running ones. It does not
// wait for their handlers.
func (e *stopping) Close() {
	e.world(func(then *after) {
		if e.phase == phaseOpen {
			e.before = e.totalsLocked()
		}
		if e.phase == phaseClosed {
			return
		}
		e.phase = phaseClosed
		e.dropped.Store(true)
		e.setRefusalLocked()
		for _, w := range e.roster.workers {
			w.routed = false
		}
		e.roster.joining = nil
		e.setRouteesLocked(nil) // all workers leave: removing them one by one would take n² steps
		e.refuseWaitingLocked(messages.ErrPoolStopped, then)
		e.dropQueuedLocked(errDroppedByStop, then)
		for _, w := range e.roster.workers {
			e.forgetSidelinedLocked(w)
			e.cancelRunningLocked(w, then)
			e.cancelHeldLocked(w, errCanceledByStop, messages.ErrPoolStopped, then)
			w.loseCopiesLocked(then)
			w.leaving.Store(true)
			w.endShunningLocked()
			if x := w.renewal(); x != nil {
				x.stopLocked()
			}
			w.refreshLocked(w.q)
		}
		for _, x := range e.races.parked {
			e.endHeldLocked(x, messages.Canceled, errCanceledByStop, messages.ErrPoolStopped, then)
		}
		e.quietLocked(then)
	})
	e.cancelCallers()
	e.timer.close()
}

// cancelRunningLocked cancels the task that a worker runs, because the pool stops.
func (e *stopping) cancelRunningLocked(w *Worker, then *after) {
	for _, t := range w.batch {
		if t == nil || t.copied() { // its race cancels a copy
			continue
		}
		if state := t.load(); state.status() == running && state.hop() == w.hop {
			e.endRunningLocked(t, state, messages.Canceled, errCanceledByStop, messages.ErrPoolStopped, then)
		}
	}
}

// cancelCallers cancels the tasks that run in their callers, because the pool stops.
func (e *stopping) cancelCallers() {
	var then after
	for _, t := range e.callers.tasks() {
		e.end(t, t.load().sequence(), messages.Canceled, errCanceledByStop, messages.ErrPoolStopped, &then)
	}
	then.run(e.sched)
}

// Fail records that no worker is left and none will come. It drops the queued tasks and
// refuses new ones with err until Revive. If the workers could not start, the error that
// tells so is in the chain.
func (e *stopping) Fail(err error) {
	if failure := e.startFailure.Load(); failure != nil {
		err = Because(err, *failure)
	}
	e.world(func(then *after) {
		if e.failed != nil {
			return
		}
		e.failed = err
		e.unmanned.Store(true)
		e.setRefusalLocked()
		e.refuseWaitingLocked(err, then)
		e.dropQueuedLocked(Because(messages.ErrDropped, err), then)
		e.quietLocked(then)
	})
}

// Revive ends the effect of Fail: workers will join.
func (e *stopping) Revive() {
	if !e.unmanned.Load() { // the usual case, since Revive is called for each worker
		return
	}
	e.stopWorld(func() {
		if e.failed != nil {
			e.failed = nil
			e.unmanned.Store(false)
			e.setRefusalLocked()
		}
	})
}

func (e *stopping) dropQueuedLocked(err error, then *after) {
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

// totalsLocked sums up the outcomes so far. The world is stopped.
func (e *stopping) totalsLocked() tally {
	t := e.roster.departed.outcomes
	t.add(&e.delays.outcomes)
	callers := e.callers.tallied()
	t.add(&callers)
	e.queuesLocked(func(q *taskQueue) { t.add(&q.unstarted) })
	for _, w := range e.roster.workers {
		t.add(&w.outcomes)
		w.addBatchLocked(&t)
	}
	return t
}
