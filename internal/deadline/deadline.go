// Package deadline keeps many deadlines behind one timer.
package deadline

import (
	"container/heap"

	"github.com/troupe-go/troupe/internal/chain"
)

// An Entry is one deadline. It is part of the element it belongs to, so
// setting a deadline allocates nothing.
type Entry[T any] struct {
	Value T
	at    int64 // nanoseconds, on the owner's clock
	index int   // in the heap, plus one; inRun; or 0 if and only if the entry is in neither
	link  chain.Link[*Entry[T]]
}

const inRun = -1

// Set reports whether the entry is in a heap.
func (e *Entry[T]) Set() bool { return e.index != 0 }

// A Heap orders entries by deadline. Most owners use one timeout again and again,
// whose deadlines come in order: an entry that is not before the last of the run is
// appended to it, in O(1), and only the others are in a heap. The zero value is empty
// and ready. It is not safe for concurrent use.
type Heap[T any] struct {
	run     chain.Chain[*Entry[T]]
	entries entries[T]
}

// Len is the number of entries.
func (h *Heap[T]) Len() int { return h.run.Len() + len(h.entries) }

// Add puts e, which must be in no heap, into this one.
func (h *Heap[T]) Add(e *Entry[T], at int64) {
	e.at = at
	if last := h.run.Last(); last != nil && at < last.Of.at {
		heap.Push(&h.entries, e)
		return
	}
	e.index, e.link.Of = inRun, e
	h.run.Push(&e.link)
}

// Remove takes e out of the heap. e must be in this heap.
func (h *Heap[T]) Remove(e *Entry[T]) {
	if e.index != inRun {
		heap.Remove(&h.entries, e.index-1)
		return
	}
	h.run.Remove(&e.link)
	e.index = 0
}

// earliest returns nil if there is none.
func (h *Heap[T]) earliest() *Entry[T] {
	first := h.run.First()
	switch {
	case len(h.entries) > 0 && (first == nil || h.entries[0].at < first.Of.at):
		return h.entries[0]
	case first != nil:
		return first.Of
	default:
		return nil
	}
}

// Next returns the earliest deadline, and false if there is none.
func (h *Heap[T]) Next() (int64, bool) {
	e := h.earliest()
	if e == nil {
		return 0, false
	}
	return e.at, true
}

// PopDue removes the earliest entry if its deadline is not after now.
func (h *Heap[T]) PopDue(now int64) (T, bool) {
	e := h.earliest()
	if e == nil || e.at > now {
		var none T
		return none, false
	}
	h.Remove(e)
	return e.Value, true
}

// Each calls visit with all values, in no order.
func (h *Heap[T]) Each(visit func(T)) {
	for link := h.run.First(); link != nil; link = link.Next() {
		visit(link.Of.Value)
	}
	for _, e := range h.entries {
		visit(e.Value)
	}
}

// entries is a heap.Interface: the earliest deadline is at index 0.
type entries[T any] []*Entry[T]

func (s entries[T]) Len() int           { return len(s) }
func (s entries[T]) Less(i, j int) bool { return s[i].at < s[j].at }

func (s entries[T]) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i+1, j+1
}

func (s *entries[T]) Push(x any) {
	e := x.(*Entry[T])
	*s = append(*s, e)
	e.index = len(*s)
}

func (s *entries[T]) Pop() any {
	old := *s
	last := len(old) - 1
	e := old[last]
	old[last] = nil
	*s = old[:last]
	e.index = 0
	return e
}
