package engine

import "slices"

// pinLocked has a task wait for the worker, in its place among the others.
func (w *Worker) pinLocked(q *taskQueue, t *Task) {
	x := w.rareLocked()
	at := 0
	for at < len(x.pins) && !t.before(x.pins[at]) {
		at++
	}
	x.pins = slices.Insert(x.pins, at, t)
	q.late.pinned++
	w.refreshLocked(q)
}

// unpinLocked reports whether the task waited for the worker, and ends that.
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

// takePinsLocked ends the wait of all tasks for the worker, and returns them.
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
