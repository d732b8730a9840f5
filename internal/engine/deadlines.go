package engine

import "container/heap"

// deadlines are the timeouts of the tasks that were accepted into one queue. Most users
// choose one timeout for all tasks, so most deadlines come in order and lie in a ring. The
// others lie in a heap. An entry whose task has been settled is dead and is dropped when it
// is met. The lock of the queue guards the deadlines.
type deadlines struct {
	ring       []taskDeadline // entry i is at i modulo len, a power of 2
	head, tail int
	rest       deadlineHeap
	compactAt  int // when rest has this length, its dead entries are dropped
}

// A taskDeadline is the deadline of the task that had the given sequence number.
type taskDeadline struct {
	due      int64
	task     *Task
	sequence uint64
}

func (d *taskDeadline) dead() bool {
	w := d.task.load()
	return w.settled() || w.sequence() != d.sequence
}

const leastRing = 8

func (d *deadlines) addLocked(due int64, t *Task) {
	entry := taskDeadline{due, t, t.load().sequence()}
	if d.head != d.tail && due < d.ring[(d.tail-1)&(len(d.ring)-1)].due {
		d.addRestLocked(entry)
		return
	}
	if d.tail-d.head == len(d.ring) {
		d.growLocked()
	}
	d.ring[d.tail&(len(d.ring)-1)] = entry
	d.tail++
}

// growLocked makes room in the ring. It drops the dead entries and doubles the ring if more
// than half of the entries are alive.
func (d *deadlines) growLocked() {
	live := 0
	for i := d.head; i != d.tail; i++ {
		if !d.ring[i&(len(d.ring)-1)].dead() {
			live++
		}
	}
	length := max(len(d.ring), leastRing)
	if live > length/2 {
		length *= 2
	}
	ring := make([]taskDeadline, length)
	n := 0
	for i := d.head; i != d.tail; i++ {
		if entry := d.ring[i&(len(d.ring)-1)]; !entry.dead() {
			ring[n] = entry
			n++
		}
	}
	d.ring, d.head, d.tail = ring, 0, n
}

func (d *deadlines) addRestLocked(entry taskDeadline) {
	if len(d.rest) >= d.compactAt {
		live := d.rest[:0]
		for _, entry := range d.rest {
			if !entry.dead() {
				live = append(live, entry)
			}
		}
		clear(d.rest[len(live):])
		d.rest = live
		heap.Init(&d.rest)
		d.compactAt = max(2*len(live), 64)
	}
	heap.Push(&d.rest, entry)
}

// trimLocked drops the dead entries at the front.
func (d *deadlines) trimLocked() {
	for d.head != d.tail {
		first := &d.ring[d.head&(len(d.ring)-1)]
		if !first.dead() {
			break
		}
		*first = taskDeadline{}
		d.head++
	}
	for len(d.rest) > 0 && d.rest[0].dead() {
		heap.Pop(&d.rest)
	}
}

// nextLocked returns the earliest deadline, or 0.
func (d *deadlines) nextLocked() (at int64) {
	d.trimLocked()
	if d.head != d.tail {
		at = d.ring[d.head&(len(d.ring)-1)].due
	}
	if len(d.rest) > 0 && (at == 0 || d.rest[0].due < at) {
		at = d.rest[0].due
	}
	return at
}

// popDueLocked removes the earliest entry, if it is due.
func (d *deadlines) popDueLocked(now int64) (entry taskDeadline, ok bool) {
	at := d.nextLocked()
	if at == 0 || at > now {
		return entry, false
	}
	if len(d.rest) > 0 && d.rest[0].due == at {
		return heap.Pop(&d.rest).(taskDeadline), true
	}
	first := &d.ring[d.head&(len(d.ring)-1)]
	entry, *first = *first, taskDeadline{}
	d.head++
	return entry, true
}

// deadlineHeap implements heap.Interface. The earliest deadline is at index 0.
type deadlineHeap []taskDeadline

func (h *deadlineHeap) Len() int { return len(*h) }

func (h *deadlineHeap) Less(i, j int) bool { return (*h)[i].due < (*h)[j].due }

func (h *deadlineHeap) Swap(i, j int) { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }

func (h *deadlineHeap) Push(x any) { *h = append(*h, x.(taskDeadline)) }

func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	entry := (*h)[last]
	(*h)[last] = taskDeadline{}
	*h = (*h)[:last]
	return entry
}
