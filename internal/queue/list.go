package queue

// Elements lie in chunks, so that a long list is not copied as it grows.
const (
	shift = 6
	chunk = 1 << shift

	maxSpares = 32     // free chunks that a list keeps
	maxRing   = 2 * 32 // slots that an empty list keeps
)

// A list is a double-ended queue of pointers. The zero value is empty. A short list lies in
// the list itself, so that a push and a pop touch few cache lines. Once it has become
// longer, it lies in chunks until it is empty. An empty list begins at position 0.
type list[E any] struct {
	tail, head int64        // position behind the last element, and position of the first
	long       bool         // the elements are in chunks
	short      [shortest]*E // position i is at i modulo shortest; used unless long
	ring       []*[chunk]*E // chunk i is at i modulo len, a power of 2; entries outside of head to tail are nil
	spares     []*[chunk]*E
}

// shortest is how many elements a list holds without chunks, a power of 2.
const shortest = 8

// length returns the number of elements.
func (l *list[E]) length() int { return int(l.tail - l.head) }

// at returns the slot of a position from head to tail.
func (l *list[E]) at(position int64) **E {
	if !l.long {
		return &l.short[position&(shortest-1)]
	}
	return &l.ring[int(position>>shift)&(len(l.ring)-1)][position&(chunk-1)]
}

func (l *list[E]) first() *E { return *l.at(l.head) }

func (l *list[E]) pushBack(e *E) {
	if !l.long {
		if l.tail-l.head < shortest {
			l.short[l.tail&(shortest-1)] = e
			l.tail++
			return
		}
		l.lengthen()
	}
	position := l.tail
	l.tail++
	if position&(chunk-1) == 0 {
		l.makeRoom(position)
	}
	*l.at(position) = e
}

func (l *list[E]) pushFront(e *E) {
	if !l.long {
		if l.tail-l.head < shortest {
			l.head--
			l.short[l.head&(shortest-1)] = e
			return
		}
		l.lengthen()
	}
	l.head--
	if l.head&(chunk-1) == chunk-1 {
		l.makeRoom(l.head)
	}
	*l.at(l.head) = e
}

// lengthen moves the elements of a full short list into chunks, from position 0 on.
func (l *list[E]) lengthen() {
	first, elements := l.head, l.short
	clear(l.short[:])
	l.head, l.tail, l.long = 0, shortest, true
	l.makeRoom(0)
	for i := range elements {
		*l.at(int64(i)) = elements[(first+int64(i))&(shortest-1)]
	}
}

// makeRoom makes sure that there is a chunk for a position that has just become part
// of the list.
func (l *list[E]) makeRoom(position int64) {
	if chunks := int((l.tail-1)>>shift-l.head>>shift) + 1; chunks > len(l.ring) {
		l.grow(position)
	}
	c := &l.ring[int(position>>shift)&(len(l.ring)-1)]
	if *c == nil {
		*c = l.newChunk()
	}
}

func (l *list[E]) newChunk() *[chunk]*E {
	last := len(l.spares) - 1
	if last < 0 {
		return new([chunk]*E)
	}
	c := l.spares[last]
	l.spares = l.spares[:last]
	return c
}

// grow makes the ring longer. The chunk of the given position is new.
func (l *list[E]) grow(position int64) {
	old := l.ring
	l.ring = make([]*[chunk]*E, max(2*len(old), 1))
	for i := l.head >> shift; i <= (l.tail-1)>>shift; i++ {
		if len(old) > 0 && i != position>>shift {
			l.ring[int(i)&(len(l.ring)-1)] = old[int(i)&(len(old)-1)]
		}
	}
}

// pop removes the first element of a list that is not empty. A list in chunks leaves the
// pointer in its slot until a later push overwrites it or the chunk is cleared.
func (l *list[E]) pop() *E {
	if !l.long {
		at := &l.short[l.head&(shortest-1)]
		e := *at
		*at = nil
		l.head++
		if l.head == l.tail {
			l.head, l.tail = 0, 0
		}
		return e
	}
	e := l.first()
	l.head++
	if l.head&(chunk-1) == 0 {
		l.free(l.head-1, chunk)
	}
	if l.head == l.tail {
		l.reset()
	}
	return e
}

// reset makes an empty list start again at position 0, so that a short queue stays in the
// same few cache lines.
func (l *list[E]) reset() {
	if used := l.head & (chunk - 1); l.long && used != 0 {
		l.free(l.head, int(used))
	}
	l.head, l.tail, l.long = 0, 0, false
	if len(l.ring) > maxRing {
		l.ring = nil
	}
}

// free removes the chunk of a position, whose first used elements were in use. It clears
// those, since they may keep much memory alive.
func (l *list[E]) free(position int64, used int) {
	c := &l.ring[int(position>>shift)&(len(l.ring)-1)]
	if *c != nil && len(l.spares) < maxSpares {
		clear((*c)[:used])
		l.spares = append(l.spares, *c)
	}
	*c = nil
}

// filter removes the elements for which keep returns false.
func (l *list[E]) filter(keep func(*E) bool) {
	end, to := l.tail, l.head
	for i := l.head; i < end; i++ {
		if e := *l.at(i); keep(e) {
			*l.at(to) = e
			to++
		}
	}
	for i := to; i < end; i++ {
		*l.at(i) = nil
	}
	if l.long {
		for c := (to + chunk - 1) >> shift; c <= (end-1)>>shift; c++ {
			l.free(c<<shift, 0)
		}
	}
	l.tail = to
	if l.head == l.tail {
		l.reset()
	}
}
