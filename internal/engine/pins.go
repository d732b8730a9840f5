package engine

import (
	"slices"
	"sort"
)

// pinLocked adds a task to those that wait for this worker, in order.
func (w *Worker) pinLocked(q *taskQueue, t *Task) {
	x := w.rareLocked()
	at := sort.Search(len(x.pins), func(i int) bool { return t.before(x.pins[i]) })
	x.pins = slices.Insert(x.pins, at, t)
	q.late.pinned++
	w.refreshLocked(q)
}

// unpinLocked removes a task from those that wait for the worker. It returns false if the
// task was not among them.
func (w *Worker) unpinLocked(q *taskQueue, t *Task) bool {
	if w == nil || w.rare == nil {
		return false
	}
	at := slices.Index(w.rare.pins, t)
	if at < 0 {
		return false
	}
	w.rare.pins = slices.Delete(w.rare.pins, at, at+1)
	q.late.pinned--
	w.refreshLocked(q)
	return true
}

// takePinsLocked removes and returns all tasks that wait for the worker.
func (w *Worker) takePinsLocked(q *taskQueue) []*Task {
	if w.rare == nil || len(w.rare.pins) == 0 {
		return nil
	}
	pins := w.rare.pins
	w.rare.pins = nil
	q.late.pinned -= len(pins)
	w.refreshLocked(q)
	return pins
}
