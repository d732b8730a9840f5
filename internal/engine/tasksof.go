package engine

import (
	"cmp"
	"slices"

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
func (e *Engine) TasksOf(owner any) (refs []Ref) {
	see := func(t *Task) {
		w := t.load()
		if t.copied() {
			return
		}
		if w.status() != fresh && !w.settled() && w&flagAnswered != 0 && t.body.Owner() == owner {
			refs = append(refs, Ref{t, w.sequence()})
		}
	}
	e.stopWorld(func() {
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
	})
	slices.SortFunc(refs, func(a, b Ref) int { return cmp.Compare(a.sequence, b.sequence) })
	return refs
}

// CancelAll is Cancel for several tasks, whose contexts end at the same time.
func (e *Engine) CancelAll(refs []Ref, err error) {
	var then after
	for _, r := range refs {
		e.end(r.task, r.sequence, messages.Canceled, err, err, &then)
	}
	if len(then.settled) > 0 {
		then.run(e.sched)
		e.progressed()
	}
}
