package engine

import (
	"context"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// overflow applies the overflow policy to a task for which there is no room.
func (e *admission) overflow(ctx context.Context, t *Task, s *Spec) error {
	policy := e.cfg.Overflow
	if s.Mode == RoomOnly || s.Mode == NoWait && (policy == router.Block || policy == router.CallerRuns) {
		policy = router.Reject
	}
	switch policy {
	case router.Block:
		if s.Timeout > 0 {
			t.due = later(e.now(), s.Timeout)
			t.makeSpecial().timeout = s.Timeout
		}
		return e.wait(ctx, t, s)
	case router.CallerRuns:
		return e.runInCaller(ctx, t, s)
	case router.DropOldest:
		return e.dropOldest(t, s)
	case router.DropNewest:
		return e.dropNewest(t, s)
	default:
		return e.full()
	}
}

// dropOldest drops the oldest task of the lowest priority from the queue of the worker
// whose turn it is, and accepts t in its place. If there is no such task, or if its
// priority is higher than that of t, it drops t.
func (e *admission) dropOldest(t *Task, s *Spec) error {
	for {
		q := e.queueInTurn(&s.to)
		var then after
		q.mu.Lock()
		if q.gone || q.owner == nil && e.hasWorkers() {
			q.mu.Unlock()
			s.to.worker = nil
			continue
		}
		if q.refusal != nil {
			err := q.refusal
			q.mu.Unlock()
			return err
		}
		victim := q.victimLocked()
		if victim == nil || victim.priority() > s.Priority || !e.endQueuedLocked(q, victim, messages.Dropped, messages.ErrDropped, &then) {
			q.mu.Unlock()
			return e.dropNewest(t, s)
		}
		q.submitted++
		e.acceptLocked(q, t, s, nil, e.numberLocked(q, s.to.turn))
		then.wake(e.wakeForLocked(q))
		q.mu.Unlock()
		then.run(e.sched)
		return nil
	}
}

// queueInTurn returns the queue from which DropOldest drops a task.
func (e *admission) queueInTurn(to *target) *taskQueue {
	v := e.roster.view.Load()
	switch {
	case e.late() || len(v.routees) == 0:
		return e.shared
	case to.keyed:
		to.rehash(v)
		return to.worker.q
	case to.worker != nil:
		return to.worker.q
	default:
		w, turn := e.dispatch.draw(v)
		to.turn = turn
		return w.q
	}
}

// dropNewest accepts t and drops it at once.
func (e *admission) dropNewest(t *Task, s *Spec) error {
	q := e.shared
	var then after
	q.mu.Lock()
	if q.refusal != nil {
		q.mu.Unlock()
		return q.refusal
	}
	q.submitted++
	t.describe(s)
	t.enqueued = e.now()
	w := word(e.numberLocked(q, s.to.turn))<<sequenceShift | word(nobody)<<workerShift | s.flags() | word(endedDropped)
	t.state.Store(uint64(w))
	e.followLocked(t)
	q.unstarted[messages.Dropped]++
	then.settled = append(then.settled, e.endingOf(t, messages.Dropped, messages.ErrDropped))
	q.mu.Unlock()
	then.run(e.sched)
	return nil
}
