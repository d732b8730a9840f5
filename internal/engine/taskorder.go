package engine

import (
	"cmp"
	"slices"
)

// order returns the task's place among those of its priority. A task is placed by its
// acceptance. A retry is placed behind the tasks that had been accepted when it was queued
// again.
func (t *Task) order() uint64 {
	if past := t.past(); past != nil {
		return 2*past.order + 1
	}
	return 2 * t.load().sequence()
}

// before reports whether t starts before u.
func (t *Task) before(u *Task) bool {
	if t.priority() != u.priority() {
		return t.priority() > u.priority()
	}
	return compareOrder(t, u) < 0
}

// compareOrder compares two tasks of one priority. Retries that were queued between the
// same two acceptances are ordered by the time at which they were due.
func compareOrder(t, u *Task) int {
	if c := cmp.Compare(t.order(), u.order()); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(t.enqueued, u.enqueued), cmp.Compare(t.load().sequence(), u.load().sequence()))
}

// sortByOrder sorts tasks by order. They may have several priorities if queues separate
// those.
func sortByOrder(tasks []*Task) {
	// With the orders side by side, most comparisons need not touch the tasks.
	type ordered struct {
		order uint64
		task  *Task
	}
	list := make([]ordered, len(tasks))
	for i, t := range tasks {
		list[i] = ordered{t.order(), t}
	}
	slices.SortFunc(list, func(a, b ordered) int {
		if a.order != b.order {
			return cmp.Compare(a.order, b.order)
		}
		return compareOrder(a.task, b.task)
	})
	for i := range list {
		tasks[i] = list[i].task
	}
}
