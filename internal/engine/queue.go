package engine

import (
	"math"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/queue"
)

// A taskQueue holds accepted tasks that have not started. Under late binding all workers
// share one. Under early binding each worker has its own, and the shared queue holds tasks
// that have no worker.
//
// Its tasks are the entries of the rings plus those that workers have claimed in batches
// and not started. A queued task that another goroutine settles stays where it is, as a
// dead entry, until a worker meets it or sweepLocked removes it:
//
//	live = rings.Len() + claimed - dead
type taskQueue struct {
	// What each submission changes lies together: with many workers, each cache line is
	// fetched from another processor's cache.
	mu         spinMutex
	ready      bool // its worker is parked and could start a task
	paused     bool
	short      bool  // the last worker to claim tasks had short ones
	gone       bool  // its worker has left; choose another queue
	priorities bool  // tasks with a priority other than 0 have been seen
	claimed    int32 // tasks in batches that may not have started: never too low
	dead       int32 // entries, in rings or batches, that other goroutines have settled
	moved      int32 // entries of rings that were moved out of a batch: see word.moved
	unstamped  int32 // tasks accepted since the clock was read
	share      int   // room for tasks, beyond one for an idle worker
	clock      int64 // engine time of the last reading
	submitted  int64
	spares     spares
	rings      queue.Queue[Task]

	deadlines *deadlines // of tasks with a timeout; nil until the first
	unstarted tally      // outcomes of tasks that no worker had, counted by the goroutine that settled them

	_ [8]byte
	// The rest begins at a cache line and changes seldom.
	owner   *Worker    // nil: the queue is shared
	refusal error      // why no task is accepted; nil: tasks are accepted
	late    *lateQueue // nil under early binding
	// top is the highest priority in the rings and of shunned tasks, which workers compare with
	// that of their batch. It is 0 until priorities is true, and math.MinInt64 if there are no
	// tasks. It is written under mu.
	top atomic.Int64
	_   [24]byte // Go aligns objects of 448 bytes to cache lines
}

// raiseLocked updates top after a task of the given priority has entered the rings.
func (q *taskQueue) raiseLocked(priority int) {
	if !q.priorities {
		if priority == 0 {
			return
		}
		q.priorities = true
		q.top.Store(q.highestLocked())
		return
	}
	if p := int64(priority); p > q.top.Load() {
		q.top.Store(p)
	}
}

// lowerLocked updates top after tasks have left the rings.
func (q *taskQueue) lowerLocked() {
	if !q.priorities {
		return
	}
	if top := q.highestLocked(); q.top.Load() != top {
		q.top.Store(top)
	}
}

// highestLocked returns the value of top.
func (q *taskQueue) highestLocked() int64 {
	top := int64(math.MinInt64)
	if q.rings.Len() > 0 {
		top = int64(q.rings.Top())
	}
	if q.late != nil && q.late.shunned.count > 0 {
		top = max(top, int64(q.late.shunned.by[0].tasks[0].priority()))
	}
	return top
}

// liveLocked returns the number of queued tasks. It may be too high by the tasks of batches
// that have started since the last recountLocked.
func (q *taskQueue) liveLocked() int { return q.rings.Len() + int(q.claimed) - int(q.dead) }

// pushLocked appends a task behind those of its priority.
func (q *taskQueue) pushLocked(t *Task, priority int) {
	q.rings.Push(t, priority)
	q.raiseLocked(priority)
}

// shunLocked adds a task that a worker shuns. The queue must have late binding.
func (q *taskQueue) shunLocked(t *Task) {
	q.late.shunned.addLocked(t)
	q.raiseLocked(t.priority())
}

// unshunLocked removes a task that a worker shuns. It returns false if there is no such task.
func (q *taskQueue) unshunLocked(t *Task) bool {
	if q.late == nil || !q.late.shunned.removeLocked(t) {
		return false
	}
	q.lowerLocked()
	return true
}

// popBesideShunnedLocked removes at most n tasks of the highest priority from the rings, for a
// worker that may also take t, which comes later, or no shunned task if t is nil. It appends
// them to the given ones. All entries of the rings must be live.
func (q *taskQueue) popBesideShunnedLocked(t *Task, to []*Task, n int) []*Task {
	priority := q.rings.Top()
	if q.priorities && q.top.Load() > int64(priority) { // else the worker would put the others back after each task
		n = 1
	}
	for range n {
		next := q.rings.Peek()
		if next == nil || next.priority() != priority || t != nil && !next.before(t) {
			break
		}
		to = append(to, q.rings.Pop())
	}
	return to
}

// insertLocked puts a task that was queued before into its place, which is near the front.
func (q *taskQueue) insertLocked(t *Task) { q.insertAllLocked([]*Task{t}) }

// insertAllLocked puts tasks that were queued before into their places, which are near the
// front. The tasks have the same priority and the same hop, and are in order.
func (q *taskQueue) insertAllLocked(tasks []*Task) {
	if len(tasks) == 0 {
		return
	}
	last := tasks[len(tasks)-1]
	priority := last.priority()
	if last.load().hop() != 0 {
		q.moved += int32(len(tasks))
	}
	var room [maxBatch]*Task
	older := room[:0] // than the last one
	for first := q.rings.First(priority); first != nil && compareOrder(first, last) < 0; first = q.rings.First(priority) {
		older = append(older, q.rings.PopFirst(priority))
	}
	for len(older) > 0 && len(tasks) > 0 { // from the last one to the first
		from := &tasks
		if compareOrder(older[len(older)-1], tasks[len(tasks)-1]) > 0 {
			from = &older
		}
		end := len(*from) - 1
		q.rings.PushFront((*from)[end], priority)
		*from = (*from)[:end]
	}
	q.rings.PushFrontAll(older, priority)
	q.rings.PushFrontAll(tasks, priority)
	q.raiseLocked(priority)
}

// minSweep is the number of dead entries below which a sweep is not worth its cost.
const minSweep = 64

// diedLocked counts a task that was settled while it was queued.
func (q *taskQueue) diedLocked() {
	q.dead++
	if q.dead >= minSweep && int(q.dead) > q.rings.Len()/2 || q.claimed == 0 && int(q.dead) == q.rings.Len() {
		q.sweepLocked()
	}
}

// sweepLocked removes the dead entries from the rings. Those in batches stay.
func (q *taskQueue) sweepLocked() {
	if q.dead == 0 {
		return
	}
	before := q.rings.Len()
	q.moved = 0
	q.rings.Filter(func(t *Task) bool {
		w := t.load()
		if w.status() != queued {
			return false
		}
		if w.hop() != 0 {
			q.moved++
		}
		return true
	})
	q.dead -= int32(before - q.rings.Len())
	q.lowerLocked()
}

// takeAllLocked empties the queue, except for pinned tasks that are in no ring, and returns the
// live tasks. The caller must have recalled the batches.
func (q *taskQueue) takeAllLocked() (tasks []*Task) {
	for t := q.rings.Pop(); t != nil; t = q.rings.Pop() {
		if isQueued(t) {
			tasks = append(tasks, t)
		} else {
			q.dead--
		}
	}
	q.moved = 0
	if q.late != nil {
		tasks = append(tasks, q.late.shunned.takeAllLocked()...)
	}
	q.lowerLocked()
	return tasks
}

// peekLocked returns the task that would start next, or nil. It drops dead entries from the
// front.
func (q *taskQueue) peekLocked() *Task {
	for t := q.rings.Peek(); t != nil; t = q.rings.Peek() {
		if isQueued(t) {
			return t
		}
		q.popDeadLocked()
	}
	return nil
}

func (q *taskQueue) popDeadLocked() { q.forgetDeadLocked(q.rings.Pop()) }

// dropDeadLocked removes the dead entries that are older than the oldest task of the lowest
// priority. Each drop of that task would otherwise have to pass over those of earlier drops.
func (q *taskQueue) dropDeadLocked() {
	for q.rings.Len() > 0 {
		bottom := q.rings.Bottom()
		if isQueued(q.rings.First(bottom)) {
			return
		}
		q.forgetDeadLocked(q.rings.PopFirst(bottom))
	}
}

// forgetDeadLocked adjusts the counts after a dead entry has left the rings.
func (q *taskQueue) forgetDeadLocked(t *Task) {
	if t.load().hop() != 0 {
		q.moved--
	}
	q.dead--
	q.lowerLocked()
}

// oldestLocked calls visit with the time at which the oldest task of each priority was
// accepted.
func (q *taskQueue) oldestLocked(visit func(enqueued int64)) {
	q.rings.Heads(func(t *Task) bool {
		if !isQueued(t) {
			return false
		}
		visit(t.enqueued)
		return true
	})
}

// popAllDue removes and returns the deadlines that are over. next is the next deadline, or
// 0.
func (q *taskQueue) popAllDue(now int64) (due []taskDeadline, next int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deadlines == nil {
		return nil, 0
	}
	for d, ok := q.deadlines.popDueLocked(now); ok; d, ok = q.deadlines.popDueLocked(now) {
		due = append(due, d)
	}
	return due, q.deadlines.nextLocked()
}

// takeUnpinnedLocked takes out the tasks that other workers may run, and leaves pinned
// ones.
func (q *taskQueue) takeUnpinnedLocked() (tasks []*Task) {
	for _, t := range q.takeAllLocked() {
		if t.pinned() {
			q.pushLocked(t, t.priority())
			if t.load().hop() != 0 {
				q.moved++
			}
		} else {
			tasks = append(tasks, t)
		}
	}
	return tasks
}
