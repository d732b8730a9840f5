// Package deadline keeps many deadlines behind one timer.
package deadline

import "container/heap"

// An Entry is one deadline. It is part of the element it belongs to, so
// setting a deadline allocates nothing.
type Entry[T any] struct {
	Value T
	at    int64 // nanoseconds, on the owner's clock
	index int   // in the heap, plus one; 0 if and only if the entry is in none
}

// Set reports whether the entry is in a heap.
func (e *Entry[T]) Set() bool { return e.index > 0 }

// A Heap orders entries by deadline. The zero value is empty and ready. It is
// not safe for concurrent use.
type Heap[T any] struct{ entries entries[T] }

// Len is the number of entries.
func (h *Heap[T]) Len() int { return len(h.entries) }

// Add puts e, which must be in no heap, into this one.
func (h *Heap[T]) Add(e *Entry[T], at int64) {
	e.at = at
	heap.Push(&h.entries, e)
}

// Remove takes e out of the heap. e must be in this heap.
func (h *Heap[T]) Remove(e *Entry[T]) { heap.Remove(&h.entries, e.index-1) }

// Next returns the earliest deadline, and false if there is none.
func (h *Heap[T]) Next() (int64, bool) {
	if len(h.entries) == 0 {
		return 0, false
	}
	return h.entries[0].at, true
}

// PopDue removes the earliest entry if its deadline is not after now.
func (h *Heap[T]) PopDue(now int64) (T, bool) {
	if at, ok := h.Next(); !ok || at > now {
		var none T
		return none, false
	}
	return heap.Pop(&h.entries).(*Entry[T]).Value, true
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
