package engine

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/messages"
)

// delays has the accepted tasks that may not start yet: those that wait for their next
// attempt. They are queued in the ledger and take room, but no worker sees them.
type delays struct {
	mu       sync.Mutex
	count    atomic.Int64         // tasks that wait; written under mu
	tasks    deadline.Heap[*Task] // guarded by mu; by when their next attempt is due
	outcomes tally                // guarded by mu; of tasks that were settled while they waited
	retries  int64                // guarded by mu; attempts that were not the last
}

// addLocked has a task wait whose attempt, in the hand h of w, is over. w is nil if the
// task ran in its caller. The locks of the task's place must be held.
func (d *delays) addLocked(e *Engine, t *Task, h *hand, w *Worker, now int64) {
	d.retries++
	worker := ""
	if w != nil {
		worker = w.id
	}
	e.remember(t, h, worker, now)
	state := h.word.with(waiting).of(nobody) | flagRetried
	if e.dispatch.binding == picked || t.pinned() {
		t.extra.past.bound = w
	}
	t.enqueued = later(now, h.attempt.again.delay)
	t.state.Store(uint64(state))
	entry := &t.extra.past.due
	entry.Value = t
	d.tasks.Add(entry, t.enqueued)
	d.count.Add(1)
	if t.enqueued > now {
		e.timer.set(e, t.enqueued)
	}
}

// removeLocked ends the wait of a task.
func (d *delays) removeLocked(t *Task) {
	d.tasks.Remove(&t.extra.past.due)
	d.count.Add(-1)
}

// releaseDueNow queues the tasks whose next attempt is due at once.
func (e *Engine) releaseDueNow() {
	var then after
	e.releaseDue(e.now(), &then)
	then.run(e)
}

// releaseDue queues the tasks whose next attempt is due, and says when the next one is.
func (e *Engine) releaseDue(now int64, then *after) (next int64) {
	for {
		e.delays.mu.Lock()
		t, due := e.delays.tasks.PopDue(now)
		if due {
			e.delays.count.Add(-1)
			e.requeueLocked(t, then)
		} else {
			next, _ = e.delays.tasks.Next()
		}
		e.delays.mu.Unlock()
		if !due {
			return next
		}
	}
}

// requeueLocked dispatches a task for a further attempt, whether there is room or not.
// Neither its old place nor its new one is locked; delays.mu is held, so nobody settles
// it meanwhile.
func (e *Engine) requeueLocked(t *Task, then *after) {
	for {
		q, w := e.retryQueue(t)
		if q == nil { // it was for a worker that has left
			e.shared.mu.Lock()
			e.dropRequeuedLocked(&e.shared, t, then)
			e.shared.mu.Unlock()
			return
		}
		q.mu.Lock()
		if q.gone || t.pinned() && w.leaving.Load() {
			q.mu.Unlock()
			continue
		}
		t.extra.past.order = e.acceptedLocked(q)
		e.queueLocked(q, w, t)
		e.wakeForTaskLocked(q, w, then)
		q.mu.Unlock()
		return
	}
}

func (e *Engine) dropRequeuedLocked(q *taskQueue, t *Task, then *after) {
	t.state.Store(uint64(t.load().with(endedDropped)))
	q.unstarted[messages.Dropped]++
	then.settled = append(then.settled, e.endingOf(t, messages.Dropped, errWorkerGone))
}

// retryQueue is where a task goes for its next attempt: the queue, and the worker if it
// is bound to one. The queue is nil if the task was for a worker alone that has left.
func (e *Engine) retryQueue(t *Task) (*taskQueue, *Worker) {
	v := e.roster.view.Load()
	if t.pinned() {
		w := t.extra.past.bound
		if w == nil || w.leaving.Load() {
			return nil, nil
		}
		return w.q, w
	}
	if e.late() || len(v.routees) == 0 {
		return &e.shared, nil
	}
	switch e.dispatch.binding {
	case picked:
		w := t.extra.past.bound
		if w == nil || w.leaving.Load() || w.sidelined {
			w = onlyOne(v)
		}
		if w == nil || w.leaving.Load() {
			return &e.shared, nil
		}
		return w.q, w
	case hashed:
		if t.key() != "" {
			w := hashTo(t.extra.hash, v)
			return w.q, w
		}
	}
	w, _ := e.dispatch.draw(v)
	return w.q, w
}

// acceptedLocked is the number of tasks that have been accepted so far.
func (e *Engine) acceptedLocked(q *taskQueue) uint64 {
	if e.late() {
		return uint64(q.submitted)
	}
	return e.dispatch.accepted()
}

// queueLocked puts a task that was accepted before into q, behind those of its
// priority. w is the worker it is for, or nil.
func (e *Engine) queueLocked(q *taskQueue, w *Worker, t *Task) {
	state := t.load().with(queued).of(nobody)
	if w != nil {
		state = state.of(w.index)
	}
	t.state.Store(uint64(state))
	if w != nil && q.late != nil {
		w.pinLocked(q, t)
		return
	}
	if state.hop() != 0 {
		q.moved++
	}
	q.pushLocked(t, t.priority())
	if t.due > 0 && q.late == nil { // its deadline may be in the queue of a worker that leaves
		e.setDeadlineLocked(q, t)
	}
	if q.owner == nil && q.late == nil {
		e.countOrphansLocked()
	}
}

// wakeForTaskLocked has a worker woken for a task that was put into q for w, or for
// anybody if w is nil.
func (e *Engine) wakeForTaskLocked(q *taskQueue, w *Worker, then *after) {
	switch {
	case w == nil && q.late == nil:
		then.call(e.wakeIdle)
	case w == nil:
		then.wake(q.late.wakeLocked(q))
	case w.wakeOwnLocked(q):
		then.wake(w)
	}
}

// allLocked returns the tasks that wait, in the order they were accepted, and leaves
// them.
func (d *delays) allLocked() (tasks []*Task) {
	d.tasks.Each(func(t *Task) { tasks = append(tasks, t) })
	sortByOrder(tasks)
	return tasks
}
