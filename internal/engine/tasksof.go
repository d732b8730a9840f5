package engine

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/troupe-go/troupe/messages"
)

// A Ref refers to an accepted task. The task's cell may be reused once the task is settled;
// the Ref then refers to no task.
type Ref struct {
	task     *Task
	sequence uint64
}

// settled reports whether the task has been settled.
func (r Ref) settled() bool {
	w := r.task.load()
	return w.settled() || w.sequence() != r.sequence
}

// TasksOf returns the unsettled tasks that belong to owner, in the order in which they were
// accepted. It looks at every task in the pool, so it is for rare occasions: to keep a list
// instead would cost each task a lock.
func (e *Engine) TasksOf(owner any) []Ref {
	return e.unsettled(func(t *Task, w word) bool { return w&flagAnswered != 0 && t.body.Owner() == owner })
}

// CancelID cancels the unsettled tasks with an ID, as [Task.ID] returns it, and returns how many
// it has settled. It looks at every task in the pool.
func (e *Engine) CancelID(id string) int {
	number, err := strconv.ParseUint(id, 10, 64)
	isNumber := err == nil && strconv.FormatUint(number, 10) == id
	return e.CancelAll(e.unsettled(func(t *Task, w word) bool {
		if given := t.givenID(); given != "" {
			return given == id
		}
		return isNumber && w.sequence() == number
	}), messages.ErrCanceled)
}

// unsettled returns the unsettled tasks that match, in the order in which they were accepted.
func (e *Engine) unsettled(match func(*Task, word) bool) (refs []Ref) {
	e.stopWorld(func() {
		e.eachUnsettledLocked(func(t *Task, w word) {
			if match(t, w) {
				refs = append(refs, Ref{t, w.sequence()})
			}
		})
	})
	slices.SortFunc(refs, func(a, b Ref) int { return cmp.Compare(a.sequence, b.sequence) })
	return refs
}

// eachUnsettledLocked calls f with every unsettled task of the pool and its word, in no
// particular order. The world must be stopped: then no cell is reused, and f may read the
// description of a task.
func (e *core) eachUnsettledLocked(f func(*Task, word)) {
	see := func(t *Task) {
		if w := t.load(); w.status() != fresh && !w.settled() && !t.copied() {
			f(t, w)
		}
	}
	e.queuesLocked(func(q *taskQueue) {
		q.rings.Filter(func(t *Task) bool { see(t); return true })
		if q.late != nil {
			q.late.shunned.eachLocked(see)
		}
		q.eachBatchLocked(func(w *Worker) {
			for _, t := range w.batch {
				if t != nil && t.load().hop() == w.hop { // else another worker has it
					see(t)
				}
			}
		})
	})
	for _, w := range e.roster.workers {
		if w.rare != nil {
			for _, t := range w.rare.pins {
				see(t)
			}
		}
		w.eachHeldLocked(func(x *Holding) { see(x.task) })
	}
	for t := range e.races.parked {
		see(t)
	}
	e.delays.tasks.Each(see)
	for _, t := range e.callers.tasks() {
		see(t)
	}
}

// CancelAll is Cancel for several tasks, whose contexts end at the same time. It returns how many
// it has settled.
func (e *Engine) CancelAll(refs []Ref, err error) int {
	var then after
	for _, r := range refs {
		e.end(r.task, r.sequence, messages.Canceled, err, err, &then)
	}
	if len(then.settled) > 0 {
		then.run(e.sched)
		e.progressed()
	}
	return len(then.settled)
}
