// Package queue is a priority queue with first-in-first-out order within one
// priority, in which any element can be removed at once.
package queue

import "container/heap"

// A Node links one element into a queue. It is part of the element itself, so
// queueing allocates nothing. A node is in at most one queue at a time.
type Node[T any] struct {
	Value      T
	prev, next *Node[T]
	level      *level[T] // nil if and only if the node is in no queue
}

// Queued reports whether the node is in a queue.
func (n *Node[T]) Queued() bool { return n.level != nil }

// A Queue holds the elements of each priority in a list and the lists in a heap.
// Push, Pop and Remove cost O(1) while elements have one priority and
// O(log p) for p priorities present. The zero value is empty and ready. A queue
// is not safe for concurrent use.
type Queue[T any] struct {
	levels levels[T]         // a heap; only levels[0] may be empty, and only if it is alone
	byPrio map[int]*level[T] // the same levels
	spare  *level[T]         // the last one removed, kept so that a lone high priority does not allocate
	length int
}

// A level is the list of the elements of one priority, oldest first.
type level[T any] struct {
	priority    int
	first, last *Node[T]
	index       int // in levels
	length      int
}

// Len is the number of elements.
func (q *Queue[T]) Len() int { return q.length }

// Push appends n behind the elements of its priority. n must be in no queue.
func (q *Queue[T]) Push(n *Node[T], priority int) {
	var l *level[T]
	if len(q.levels) > 0 && q.levels[0].priority == priority {
		l = q.levels[0] // by far the most frequent case
	} else {
		l = q.levelFor(priority)
	}
	n.level, n.prev, n.next = l, l.last, nil
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
	l.length++
	q.length++
}

// PushFront puts n before the elements of its priority. n must be in no queue.
func (q *Queue[T]) PushFront(n *Node[T], priority int) {
	l := q.levelFor(priority)
	n.level, n.prev, n.next = l, nil, l.first
	if l.first == nil {
		l.last = n
	} else {
		l.first.prev = n
	}
	l.first = n
	l.length++
	q.length++
}

func (q *Queue[T]) levelFor(priority int) *level[T] {
	if len(q.levels) > 0 {
		top := q.levels[0]
		if top.priority == priority {
			return top
		}
		if q.length == 0 {
			delete(q.byPrio, top.priority)
			top.priority = priority
			q.byPrio[priority] = top
			return top
		}
		if l := q.byPrio[priority]; l != nil {
			return l
		}
	}
	l := q.spare
	if l == nil {
		l = new(level[T])
	}
	q.spare = nil
	l.priority = priority
	if q.byPrio == nil {
		q.byPrio = make(map[int]*level[T], 1)
	}
	q.byPrio[priority] = l
	heap.Push(&q.levels, l)
	return l
}

// Pop removes the oldest element of the highest priority. It returns the zero
// value and false if there is none.
func (q *Queue[T]) Pop() (T, bool) {
	if q.length == 0 {
		var none T
		return none, false
	}
	n := q.levels[0].first
	q.Remove(n)
	return n.Value, true
}

// Peek returns what Pop would, without removing it.
func (q *Queue[T]) Peek() (T, bool) {
	if q.length == 0 {
		var none T
		return none, false
	}
	return q.levels[0].first.Value, true
}

// Remove takes n out of the queue. n must be in this queue.
func (q *Queue[T]) Remove(n *Node[T]) {
	l := n.level
	if n.prev == nil {
		l.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.level, n.prev, n.next = nil, nil, nil
	l.length--
	q.length--
	q.dropIfEmpty(l)
}

// dropIfEmpty restores the invariant that only a lone level may be empty.
func (q *Queue[T]) dropIfEmpty(l *level[T]) {
	if l.first == nil && len(q.levels) > 1 {
		heap.Remove(&q.levels, l.index)
		delete(q.byPrio, l.priority)
		q.spare = l
	}
}

// Lowest returns the oldest element of the lowest priority without removing it.
func (q *Queue[T]) Lowest() (T, bool) {
	var lowest *level[T]
	for _, l := range q.levels {
		if l.first != nil && (lowest == nil || l.priority < lowest.priority) {
			lowest = l
		}
	}
	if lowest == nil {
		var none T
		return none, false
	}
	return lowest.first.Value, true
}

// Ahead is the number of elements that an element of the given priority would come
// after. It costs O(p).
func (q *Queue[T]) Ahead(priority int) (n int) {
	for _, l := range q.levels {
		if l.priority >= priority {
			n += l.length
		}
	}
	return n
}

// Heads calls visit with the oldest element of each priority, in no order.
func (q *Queue[T]) Heads(visit func(T)) {
	for _, l := range q.levels {
		if l.first != nil {
			visit(l.first.Value)
		}
	}
}

// levels is a heap.Interface: the highest priority is at index 0.
type levels[T any] []*level[T]

func (h levels[T]) Len() int           { return len(h) }
func (h levels[T]) Less(i, j int) bool { return h[i].priority > h[j].priority }

func (h levels[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *levels[T]) Push(x any) {
	l := x.(*level[T])
	l.index = len(*h)
	*h = append(*h, l)
}

func (h *levels[T]) Pop() any {
	old := *h
	last := len(old) - 1
	l := old[last]
	old[last] = nil
	*h = old[:last]
	return l
}
