// Package chain is a list linked through its own elements, so that to enter and to
// leave it costs O(1) and allocates nothing.
package chain

// A Link is an element's place in a chain, and part of the element. It is in at most
// one chain at a time.
type Link[T any] struct {
	Of         T // the element
	prev, next *Link[T]
}

// Next returns the link behind l, nil if l is the last or in no chain.
func (l *Link[T]) Next() *Link[T] { return l.next }

// A Chain has links in the order in which they were pushed. The zero value is empty.
// It is not safe for concurrent use.
type Chain[T any] struct {
	first, last *Link[T]
	length      int
}

// Len is the number of links.
func (c *Chain[T]) Len() int { return c.length }

// First returns nil if the chain is empty.
func (c *Chain[T]) First() *Link[T] { return c.first }

// Last returns nil if the chain is empty.
func (c *Chain[T]) Last() *Link[T] { return c.last }

// Push puts l, which must be in no chain, at the end.
func (c *Chain[T]) Push(l *Link[T]) {
	l.prev = c.last
	if c.last == nil {
		c.first = l
	} else {
		c.last.next = l
	}
	c.last = l
	c.length++
}

// Remove takes l out, which must be in this chain.
func (c *Chain[T]) Remove(l *Link[T]) {
	if l.prev == nil {
		c.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		c.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.prev, l.next = nil, nil
	c.length--
}
