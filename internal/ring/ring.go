// Package ring keeps the last elements of a sequence.
package ring

// A Ring has the last elements that were added to it, in order. It takes no more memory
// than those need. It is not safe for concurrent use.
type Ring[T any] struct {
	size int
	list []T // grows up to size
	next int // once it is full: the oldest, which is to be overwritten
}

// New returns an empty ring for size elements, at least 1.
func New[T any](size int) Ring[T] { return Ring[T]{size: size} }

// Len is the number of elements.
func (r *Ring[T]) Len() int { return len(r.list) }

// At is the i-th element, of which the oldest is that of 0.
func (r *Ring[T]) At(i int) *T { return &r.list[(r.next+i)%len(r.list)] }

// Add adds an element in place of the oldest, if there are as many as there may be.
func (r *Ring[T]) Add(x T) {
	if len(r.list) < r.size {
		r.list = append(r.list, x)
		return
	}
	r.list[r.next] = x
	r.next = (r.next + 1) % r.size
}
