package engine

import (
	"fmt"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/messages"
)

var (
	errHolderStopped   = fmt.Errorf("%w: the worker that held the task has stopped", messages.ErrCanceled)
	errHolderRestarted = fmt.Errorf("%w: the worker that held the task was restarted", messages.ErrCanceled)
)

// holdings are the tasks that a worker holds. The lock of the worker's queue guards them.
type holdings struct {
	tasks   chain.Chain[*Holding]
	limit   int                // how many the worker may hold; 0: it has never held one
	since   int64              // the worker has held tasks since; engine time; 0: it holds none
	unseen  []messages.Outcome // for the worker's breaker: outcomes that it has not seen
	departs bool               // the worker stops when it holds nothing any more
	muted   []unwanted         // of races that have ended while the worker held the task or a copy
	limits  alarmEntry         // for foreign actors that do not answer; set while limited
	limited bool
}

// held returns the tasks that the worker holds; nil: it has never held one.
func (w *Worker) held() *holdings {
	if w.rare == nil {
		return nil
	}
	return w.rare.holdings
}

// holdsLocked returns how many tasks the worker holds.
func (w *Worker) holdsLocked() int {
	if hs := w.held(); hs != nil {
		return hs.tasks.Len()
	}
	return 0
}

// eachHeldLocked calls f with each task that the worker holds, in the order of their attempts.
// f may let go of the task.
func (w *Worker) eachHeldLocked(f func(*Holding)) {
	hs := w.held()
	if hs == nil {
		return
	}
	for link := hs.tasks.First(); link != nil; {
		next := link.Next()
		f(link.Of)
		link = next
	}
}

// allHeld returns the tasks that the worker holds.
func (w *Worker) allHeld() (tasks []*Holding) {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	w.eachHeldLocked(func(x *Holding) { tasks = append(tasks, x) })
	return tasks
}

// holdsOn reports whether a worker that has been told to stop goes on until it holds no task
// any more: it was retired by a resize, or is recycled. If it is told once more, it stops.
func (w *workerMailbox) holdsOn() bool {
	return (w.leaving.Load() || w.recycled.Load()) && w.departWhenFree()
}

// departWhenFree makes a worker that holds tasks stop when it holds none any more. Until then
// it gets no other. It returns false if the worker holds none, or has been told before.
func (w *workerMailbox) departWhenFree() bool {
	w.q.mu.Lock()
	hs := w.held()
	departs := hs != nil && hs.tasks.Len() > 0 && !hs.departs
	if departs {
		hs.departs = true
	}
	w.q.mu.Unlock()
	if departs {
		w.engine.leave(&w.Worker)
	}
	return departs
}

// departsLocked reports, once, that the worker must stop, since it holds no task any more.
func (w *workerMailbox) departsLocked() bool {
	hs := w.held()
	if hs == nil || !hs.departs || hs.tasks.Len() > 0 {
		return false
	}
	hs.departs = false
	return true
}

// countUnseenLocked counts the outcomes of held tasks for the worker's breaker. It reports whether
// there were any.
func (w *workerMailbox) countUnseenLocked() bool {
	hs := w.held()
	if hs == nil || len(hs.unseen) == 0 {
		return false
	}
	for _, outcome := range hs.unseen {
		w.noteOutcome(outcome)
	}
	hs.unseen = hs.unseen[:0]
	return true
}

// letGoLocked takes a task out of the worker's hands at the time now. It returns a worker to
// schedule, which has something to do now, or nil.
func (e *core) letGoLocked(x *Holding, now int64) (wake *Worker) {
	x.state = over
	if x.worker == nil {
		delete(e.races.parked, x.task)
		return nil
	}
	w, q := &x.worker.Worker, x.worker.q
	hs := w.rare.holdings
	hs.tasks.Remove(&x.link)
	if f := x.forwarding; f != nil && !f.taken.Load() {
		e.replies.remove(f)
	}
	summoned := len(hs.unseen) > 0
	if hs.tasks.Len() == 0 {
		e.meter.RecordBusy(w.shard(), hs.since, now)
		hs.since = 0
		if w.parked && w.hand.occupied.Load() {
			w.hand.occupied.Store(false)
			e.pace.busy(-1)
		}
		summoned = summoned || hs.departs
	}
	w.refreshLocked(q)
	switch {
	case summoned:
		if w.summonLocked() {
			return w
		}
	case len(w.rare.pins) > 0, w.rare.copies.Len() > 0, q.late == nil && (q.liveLocked() > 0 || e.orphans.Load() > 0):
		if w.wakeOwnLocked(q) {
			return w
		}
	case q.late != nil:
		return q.late.wakeLocked(q)
	}
	return nil
}

// countHeldLocked enters the outcome of a held task into the ledger.
func (e *core) countHeldLocked(x *Holding, outcome messages.Outcome, now int64) {
	x.outcomes()[outcome]++
	e.countAttemptLocked(x, outcome, now)
}

// countAttemptLocked records the attempt of a held task, which is over.
func (e *core) countAttemptLocked(x *Holding, outcome messages.Outcome, now int64) {
	if x.worker == nil {
		e.meter.RecordInterrupted(0, x.started-x.task.enqueued, now-x.started, now)
		return
	}
	w := &x.worker.Worker
	w.ran += now - x.started
	e.meter.RecordInterrupted(w.shard(), x.started-x.task.enqueued, now-x.started, now)
	e.noteUnseenLocked(w, outcome)
}

// noteUnseenLocked leaves the outcome of a held task to the worker's breaker.
func (e *core) noteUnseenLocked(w *Worker, outcome messages.Outcome) {
	if e.cfg.Breaker.Failures > 0 {
		w.rare.holdings.unseen = append(w.rare.holdings.unseen, outcome)
	}
}
