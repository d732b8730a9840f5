// Package queue is a priority queue with first-in-first-out order within one
// priority.
package queue

import "slices"

// A Queue holds the elements of each priority in a list. Push and Pop cost O(1) if all
// elements have the same priority, and O(p) if p priorities are present. A Queue needs 8
// bytes for each element. The zero value is empty and ready. A Queue is not safe for
// concurrent use.
type Queue[E any] struct {
	length int
	top    *level[E]   // levels[0]; nil: none
	inline level[E]    // the first level that is needed
	levels []*level[E] // the highest priority first; only the last remaining level may be empty
	spares []*level[E] // levels that became empty, kept for reuse: up to maxLevels
}

// A level has the elements of one priority, oldest first.
type level[E any] struct {
	priority int
	list[E]
}

// maxLevels is how many empty levels a queue keeps for reuse.
const maxLevels = 8

// Len returns the number of elements.
func (q *Queue[E]) Len() int { return q.length }

// Push appends e behind the elements of its priority.
func (q *Queue[E]) Push(e *E, priority int) {
	q.length++
	if q.top != nil && q.top.priority == priority { // by far the most frequent case
		q.top.pushBack(e)
		return
	}
	q.levelFor(priority).pushBack(e)
}

// PushFront puts e before the elements of its priority.
func (q *Queue[E]) PushFront(e *E, priority int) {
	l := q.levelFor(priority)
	q.length++
	l.pushFront(e)
}

// PushFrontAll puts elements, the oldest first, before those of their priority.
func (q *Queue[E]) PushFrontAll(elements []*E, priority int) {
	if len(elements) == 0 {
		return
	}
	l := q.levelFor(priority)
	q.length += len(elements)
	for i := len(elements) - 1; i >= 0; i-- {
		l.pushFront(elements[i])
	}
}

func (q *Queue[E]) levelFor(priority int) *level[E] {
	at := 0
	for at < len(q.levels) && q.levels[at].priority > priority {
		at++
	}
	if at < len(q.levels) && q.levels[at].priority == priority {
		return q.levels[at]
	}
	if len(q.levels) == 1 && q.levels[0].length() == 0 {
		q.levels[0].priority = priority
		return q.levels[0]
	}
	l := q.newLevel()
	l.priority = priority
	q.levels = slices.Insert(q.levels, at, l)
	q.top = q.levels[0]
	return l
}

func (q *Queue[E]) newLevel() *level[E] {
	if last := len(q.spares) - 1; last >= 0 {
		l := q.spares[last]
		q.spares = q.spares[:last]
		return l
	}
	if q.levels == nil {
		return &q.inline
	}
	return new(level[E])
}

// Pop removes the oldest element of the highest priority. It returns nil if there
// is none.
func (q *Queue[E]) Pop() *E {
	if q.length == 0 {
		return nil
	}
	e := q.top.pop()
	q.length--
	q.dropEmpty()
	return e
}

// PopMore removes at most n elements, all of the highest priority, and appends them to the
// given ones.
func (q *Queue[E]) PopMore(to []*E, n int) []*E {
	if q.length == 0 {
		return to
	}
	l := q.top
	n = min(n, l.length())
	for range n {
		to = append(to, l.pop())
	}
	q.length -= n
	q.dropEmpty()
	return to
}

// Peek returns what Pop would, without removing it.
func (q *Queue[E]) Peek() *E {
	if q.length == 0 {
		return nil
	}
	return q.top.first()
}

// Top returns the highest priority present. The queue must not be empty.
func (q *Queue[E]) Top() int { return q.top.priority }

// Bottom returns the lowest priority. The queue must not be empty.
func (q *Queue[E]) Bottom() int { return q.levels[len(q.levels)-1].priority }

// First returns the oldest element of the given priority without removing it, nil if
// there is none.
func (q *Queue[E]) First(priority int) *E {
	for _, l := range q.levels {
		if l.priority == priority && l.length() > 0 {
			return l.first()
		}
	}
	return nil
}

// PopFirst removes the oldest element of the given priority, which must be there.
func (q *Queue[E]) PopFirst(priority int) *E {
	for _, l := range q.levels {
		if l.priority == priority {
			e := l.pop()
			q.length--
			q.dropEmpty()
			return e
		}
	}
	return nil
}

// Filter removes the elements for which keep returns false. It costs O(n).
func (q *Queue[E]) Filter(keep func(*E) bool) {
	if q.length == 0 {
		return
	}
	q.length = 0
	for _, l := range q.levels {
		l.filter(keep)
		q.length += l.length()
	}
	q.dropEmpty()
}

// dropEmpty restores the invariant that only a lone level may be empty.
func (q *Queue[E]) dropEmpty() {
	if len(q.levels) == 1 {
		return
	}
	kept := q.levels[:0]
	for i, l := range q.levels {
		if l.length() > 0 || i == len(q.levels)-1 && len(kept) == 0 {
			kept = append(kept, l)
		} else if len(q.spares) < maxLevels {
			q.spares = append(q.spares, l)
		}
	}
	clear(q.levels[len(kept):])
	q.levels, q.top = kept, kept[0]
}

// Ascending calls visit with the elements, the oldest of the lowest priority first,
// until it returns false.
func (q *Queue[E]) Ascending(visit func(*E) bool) {
	for _, l := range slices.Backward(q.levels) {
		for i := l.head; i < l.tail; i++ {
			if !visit(*l.at(i)) {
				return
			}
		}
	}
}

// Ahead returns the number of elements that would come before a new element of the given
// priority. It costs O(p).
func (q *Queue[E]) Ahead(priority int) (n int) {
	for _, l := range q.levels {
		if l.priority >= priority {
			n += l.length()
		}
	}
	return n
}

// Heads calls visit for each priority with its elements, oldest first, until visit returns
// true. Then it goes on with the next priority.
func (q *Queue[E]) Heads(visit func(*E) bool) {
	for _, l := range q.levels {
		for i := l.head; i < l.tail; i++ {
			if visit(*l.at(i)) {
				break
			}
		}
	}
}
