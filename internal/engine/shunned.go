package engine

import (
	"container/heap"
	"slices"
	"sort"
	"sync/atomic"
)

// With router.Retry.Elsewhere, the worker that made the last attempt of a task shuns the task:
// it leaves the next attempt to others. Under early binding, the task enters the queue of
// another worker. Under late binding, a queued task that a worker shuns is not in the rings,
// but in a list of that worker.

// A shunner stands for a worker in the tasks that it shuns, and outlives the worker.
type shunner struct {
	worker atomic.Pointer[Worker] // nil: it has left, so every worker may take its tasks; written while the world is stopped
	tasks  []*Task                // under late binding: those that are queued, in order; guarded by the lock of the queue
	at     int                    // its index in shunned.by, if it has tasks; guarded by the same lock
}

// shunnerLocked returns the shunner of w, made if needed; nil if w leaves. The lock of its queue
// must be held.
func (w *Worker) shunnerLocked() *shunner {
	if w.leaving.Load() {
		return nil
	}
	x := w.rareLocked()
	if x.shunner == nil {
		x.shunner = new(shunner)
		x.shunner.worker.Store(w)
	}
	return x.shunner
}

// endShunningLocked lets every worker take the tasks of a worker that leaves.
func (w *Worker) endShunningLocked() {
	if w.rare != nil && w.rare.shunner != nil {
		w.rare.shunner.worker.Store(nil)
	}
}

// shunnedBy returns the worker that shuns the task; nil: none does.
func (t *Task) shunnedBy() *Worker {
	past := t.past()
	if past == nil || past.shunner == nil {
		return nil
	}
	return past.shunner.worker.Load()
}

// shunned has the queued tasks, under late binding, that workers shun. The lock of the shared
// queue guards it.
type shunned struct {
	count int
	by    shunnerHeap // those that have tasks
	// otherLocked reports whether a worker besides the given one will take a task.
	otherLocked func(*Worker) bool
}

// addLocked adds a task that a worker shuns.
func (s *shunned) addLocked(t *Task) {
	x := t.past().shunner
	at := sort.Search(len(x.tasks), func(i int) bool { return t.before(x.tasks[i]) })
	x.tasks = slices.Insert(x.tasks, at, t)
	s.count++
	switch {
	case len(x.tasks) == 1:
		heap.Push(&s.by, x)
	case at == 0:
		heap.Fix(&s.by, x.at)
	}
}

// removeLocked removes a task. It returns false if the task is not here.
func (s *shunned) removeLocked(t *Task) bool {
	past := t.past()
	if past == nil || past.shunner == nil {
		return false
	}
	x := past.shunner
	at := sort.Search(len(x.tasks), func(i int) bool { return !x.tasks[i].before(t) })
	if at == len(x.tasks) || x.tasks[at] != t {
		return false
	}
	s.count--
	if at > 0 {
		x.tasks = slices.Delete(x.tasks, at, at+1)
		return true
	}
	x.tasks[0] = nil
	x.tasks = x.tasks[1:]
	if len(x.tasks) > 0 {
		heap.Fix(&s.by, x.at)
	} else {
		x.tasks = nil
		heap.Remove(&s.by, x.at)
	}
	return true
}

// takeAllLocked removes and returns all tasks.
func (s *shunned) takeAllLocked() (tasks []*Task) {
	for _, x := range s.by {
		tasks = append(tasks, x.tasks...)
		x.tasks = nil
	}
	s.count, s.by = 0, nil
	return tasks
}

// eachLocked calls f with each task.
func (s *shunned) eachLocked(f func(*Task)) {
	for _, x := range s.by {
		for _, t := range x.tasks {
			f(t)
		}
	}
}

// firstForLocked returns the first task that a worker may take, or nil. It may take those that
// it shuns if no other worker will.
func (s *shunned) firstForLocked(w *Worker) *Task {
	if s.count == 0 {
		return nil
	}
	first := s.by[0]
	if first.worker.Load() == w && s.otherLocked(w) {
		next := s.by[1:min(len(s.by), 3)] // in a heap, one of these two comes next
		if len(next) == 0 {
			return nil
		}
		first = slices.MinFunc(next, compareFirst)
	}
	return first.tasks[0]
}

// takersLocked returns how many of the workers that are free start a task of these.
func (s *shunned) takersLocked(free int) int {
	if len(s.by) == 1 {
		if w := s.by[0].worker.Load(); w != nil && w.able && !w.promised && s.otherLocked(w) {
			free--
		}
	}
	return min(free, s.count)
}

// A shunnerHeap is a heap of shunners that have tasks. The first one has the task that comes
// first.
type shunnerHeap []*shunner

// Len implements heap.Interface, as do the other methods.
func (h *shunnerHeap) Len() int { return len(*h) }

func (h *shunnerHeap) Less(i, j int) bool { return compareFirst((*h)[i], (*h)[j]) < 0 }

func (h *shunnerHeap) Swap(i, j int) {
	s := *h
	s[i], s[j] = s[j], s[i]
	s[i].at, s[j].at = i, j
}

func (h *shunnerHeap) Push(x any) {
	s := x.(*shunner)
	s.at = len(*h)
	*h = append(*h, s)
}

func (h *shunnerHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return s
}

// compareFirst compares the first tasks of two shunners.
func compareFirst(x, y *shunner) int {
	if x.tasks[0].before(y.tasks[0]) {
		return -1
	}
	return 1
}
