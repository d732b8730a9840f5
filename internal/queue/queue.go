// Package queue is a priority queue with first-in-first-out order within one
// priority, in which any element can be removed at once.
package queue

import "container/heap"

// A Place is where an element is in a queue, among those of its priority. It is
// valid until the element leaves the queue.
type Place int64

// A Queue holds the elements of each priority in a list and the lists in a heap.
// Push, Pop and Remove cost O(1) while elements have one priority and
// O(log p) for p priorities present. It keeps 8 bytes an element. The zero value is
// empty and ready. A queue is not safe for concurrent use.
type Queue[E any] struct {
	length int
	inline level[E] // the first level that is needed

	levels levels[E]         // a heap; only levels[0] may be empty, and only if it is alone
	byPrio map[int]*level[E] // the same levels
	spare  *level[E]         // the last one removed, kept so that a lone high priority does not allocate
}

// A level has the elements of one priority, oldest first.
type level[E any] struct {
	list[E]
	priority int
	index    int // in levels
}

// Len is the number of elements.
func (q *Queue[E]) Len() int { return q.length }

// Push appends e behind the elements of its priority.
func (q *Queue[E]) Push(e *E, priority int) Place {
	q.length++
	if len(q.levels) > 0 && q.levels[0].priority == priority { // by far the most frequent case
		return Place(q.levels[0].pushBack(e))
	}
	return Place(q.levelFor(priority).pushBack(e))
}

// PushFront puts e before the elements of its priority.
func (q *Queue[E]) PushFront(e *E, priority int) Place {
	l := q.levelFor(priority)
	q.length++
	return Place(l.pushFront(e))
}

func (q *Queue[E]) levelFor(priority int) *level[E] {
	if len(q.levels) > 0 {
		top := q.levels[0]
		if top.priority == priority {
			return top
		}
		if top.length() == 0 {
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
	switch {
	case q.byPrio == nil:
		l = &q.inline
		q.byPrio = make(map[int]*level[E], 1)
	case l == nil:
		l = new(level[E])
	}
	q.spare = nil
	l.priority = priority
	q.byPrio[priority] = l
	heap.Push(&q.levels, l)
	return l
}

// Pop removes the oldest element of the highest priority. It returns nil if there
// is none.
func (q *Queue[E]) Pop() *E {
	if q.length == 0 {
		return nil
	}
	l := q.levels[0]
	e := l.pop()
	q.length--
	q.dropIfEmpty(l)
	return e
}

// PopMore removes elements of the given priority as Pop would, n at most, and
// appends them to the given ones.
func (q *Queue[E]) PopMore(to []*E, priority, n int) []*E {
	if q.length == 0 || q.levels[0].priority != priority {
		return to
	}
	l := q.levels[0]
	n = min(n, l.length())
	for range n {
		to = append(to, l.pop())
	}
	q.length -= n
	q.dropIfEmpty(l)
	return to
}

// Peek returns what Pop would, without removing it.
func (q *Queue[E]) Peek() *E {
	if q.length == 0 {
		return nil
	}
	return q.levels[0].first()
}

// First returns the oldest element of the given priority without removing it, nil if
// there is none.
func (q *Queue[E]) First(priority int) *E {
	l := q.byPrio[priority]
	if l == nil || l.length() == 0 {
		return nil
	}
	return l.first()
}

// Has reports whether e, which has been given the place and the priority, is in the
// queue still.
func (q *Queue[E]) Has(e *E, at Place, priority int) bool {
	l := q.byPrio[priority]
	return l != nil && l.has(e, int64(at))
}

// Remove takes out the element that is at the place, and of the priority.
func (q *Queue[E]) Remove(at Place, priority int) {
	l := q.byPrio[priority]
	l.remove(int64(at))
	q.length--
	q.dropIfEmpty(l)
}

// dropIfEmpty restores the invariant that only a lone level may be empty.
func (q *Queue[E]) dropIfEmpty(l *level[E]) {
	if l.length() == 0 && len(q.levels) > 1 {
		heap.Remove(&q.levels, l.index)
		delete(q.byPrio, l.priority)
		q.spare = l
	}
}

// Lowest returns the oldest element of the lowest priority without removing it, nil
// if there is none.
func (q *Queue[E]) Lowest() *E {
	var lowest *level[E]
	for _, l := range q.levels {
		if l.length() > 0 && (lowest == nil || l.priority < lowest.priority) {
			lowest = l
		}
	}
	if lowest == nil {
		return nil
	}
	return lowest.first()
}

// Ahead is the number of elements that an element of the given priority would come
// after. It costs O(p).
func (q *Queue[E]) Ahead(priority int) (n int) {
	for _, l := range q.levels {
		if l.priority >= priority {
			n += l.length()
		}
	}
	return n
}

// Heads calls visit with the oldest element of each priority, in no order.
func (q *Queue[E]) Heads(visit func(*E)) {
	for _, l := range q.levels {
		if l.length() > 0 {
			visit(l.first())
		}
	}
}

// levels is a heap.Interface: the highest priority is at index 0.
type levels[E any] []*level[E]

func (h levels[E]) Len() int           { return len(h) }
func (h levels[E]) Less(i, j int) bool { return h[i].priority > h[j].priority }

func (h levels[E]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *levels[E]) Push(x any) {
	l := x.(*level[E])
	l.index = len(*h)
	*h = append(*h, l)
}

func (h *levels[E]) Pop() any {
	old := *h
	last := len(old) - 1
	l := old[last]
	old[last] = nil
	*h = old[:last]
	return l
}
