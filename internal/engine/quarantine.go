package engine

import (
	"cmp"
	"slices"
	"sync"

	"github.com/troupe-go/troupe/messages"
)

// defaultKeep is the default of router.Quarantine.Keep.
const defaultKeep = 1000

// quarantine lists the tasks that were given up for good.
type quarantine struct {
	keep int // the largest number of tasks

	mu     sync.Mutex
	number int64          // guarded by mu; of the last task that was added
	list   []*quarantined // guarded by mu; oldest first, numbers ascending; at most keep, unless all are leaving
}

// quarantined is a task in the quarantine, with a copy that is ready to be submitted.
type quarantined struct {
	messages.QuarantinedTask
	copy      *Task
	spec      Spec
	displaced int64 // the number of the task that was removed to make room for it; 0: none
	leaving   bool  // guarded by quarantine.mu; it is being requeued
}

// add lists a task that has just been settled, before its waiters are notified.
func (q *quarantine) add(entry *quarantined) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.number++
	entry.Number = q.number
	q.list = append(q.list, entry)
	if len(q.list) > q.keep {
		if i := slices.IndexFunc(q.list, func(e *quarantined) bool { return !e.leaving }); i >= 0 {
			entry.displaced = q.list[i].Number
			q.list = slices.Delete(q.list, i, i+1)
		}
	}
}

// tasks returns the quarantined tasks, oldest first.
func (q *quarantine) tasks() []messages.QuarantinedTask {
	q.mu.Lock()
	defer q.mu.Unlock()
	tasks := make([]messages.QuarantinedTask, len(q.list))
	for i, entry := range q.list {
		tasks[i] = entry.QuarantinedTask
	}
	return tasks
}

// length returns the number of tasks in the list.
func (q *quarantine) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// claim marks a task as leaving and returns it. It returns nil if the task is not in the
// list or is leaving already.
func (q *quarantine) claim(number int64) *quarantined {
	q.mu.Lock()
	defer q.mu.Unlock()
	i, found := slices.BinarySearchFunc(q.list, number, func(e *quarantined, n int64) int { return cmp.Compare(e.Number, n) })
	if !found || q.list[i].leaving {
		return nil
	}
	q.list[i].leaving = true
	return q.list[i]
}

// unclaim removes a claimed task if it leaves, and keeps it otherwise.
func (q *quarantine) unclaim(entry *quarantined, leaves bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	entry.leaving = false
	if leaves {
		q.list = slices.DeleteFunc(q.list, func(e *quarantined) bool { return e == entry })
	}
}

// remove removes tasks and returns how many it has removed.
func (q *quarantine) remove(numbers []int64) int {
	unwanted := make(map[int64]bool, len(numbers))
	for _, number := range numbers {
		unwanted[number] = true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.list)
	q.list = slices.DeleteFunc(q.list, func(entry *quarantined) bool { return !entry.leaving && unwanted[entry.Number] })
	return before - len(q.list)
}
