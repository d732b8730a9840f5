package engine

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/deadline"
)

// delays has the accepted tasks that may not start yet because they wait for their next
// attempt. They are queued in the ledger and take room, but no worker sees them.
type delays struct {
	mu       sync.Mutex
	count    atomic.Int64         // tasks that wait; written under mu
	tasks    deadline.Heap[*Task] // guarded by mu; ordered by the time of their next attempt
	outcomes tally                // guarded by mu; of tasks that were settled while they waited
	retries  int64                // guarded by mu; attempts that were not the last
}

// removeLocked removes a task that waits.
func (d *delays) removeLocked(t *Task) {
	d.tasks.Remove(&t.past().due)
	d.count.Add(-1)
}

// allLocked returns the tasks that wait, in order of acceptance, without removing them.
func (d *delays) allLocked() (tasks []*Task) {
	d.tasks.Each(func(t *Task) { tasks = append(tasks, t) })
	sortByOrder(tasks)
	return tasks
}
