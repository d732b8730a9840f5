package queue

// Elements lie in chunks, so that a long list is not copied as it grows.
const (
	shift = 6
	chunk = 1 << shift

	maxSpares = 32     // free chunks that a list keeps
	maxRing   = 2 * 32 // what is left of its ring when it is empty
)

// A list is a double-ended queue of pointers from which any can be removed at once,
// given its position. Where one was removed there is a hole, until the head has
// passed it. The zero value is empty. What a push at the end changes lies together,
// so that it brings few cache lines from the processor that pops.
type list[E any] struct {
	tail, head int64     // positions behind the last element and of the first; head is no hole
	holes      int       // from head to tail
	ring       []slot[E] // of chunk i at i modulo len, a power of 2; those outside of head to tail are zero
	spares     []*[chunk]*E
}

// A slot has a chunk; elements is nil if there is nothing in it.
type slot[E any] struct {
	elements *[chunk]*E
	holes    int
}

// length is the number of elements.
func (l *list[E]) length() int { return int(l.tail-l.head) - l.holes }

// slot returns the slot of a position from head to tail.
func (l *list[E]) slot(position int64) *slot[E] {
	return &l.ring[int(position>>shift)&(len(l.ring)-1)]
}

func (l *list[E]) first() *E { return l.slot(l.head).elements[l.head&(chunk-1)] }

func (l *list[E]) pushBack(e *E) int64 {
	position := l.tail
	l.tail++
	l.put(e, position)
	return position
}

func (l *list[E]) pushFront(e *E) int64 {
	l.head--
	l.put(e, l.head)
	return l.head
}

func (l *list[E]) put(e *E, position int64) {
	if chunks := int((l.tail-1)>>shift-l.head>>shift) + 1; chunks > len(l.ring) {
		l.grow(position)
	}
	s := l.slot(position)
	if s.elements == nil {
		s.elements = l.newChunk()
	}
	s.elements[position&(chunk-1)] = e
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

// grow makes the ring longer. The slot of the given position is new.
func (l *list[E]) grow(position int64) {
	old := l.ring
	l.ring = make([]slot[E], max(2*len(old), 1))
	for i := l.head >> shift; i <= (l.tail-1)>>shift; i++ {
		if len(old) > 0 && i != position>>shift {
			l.ring[int(i)&(len(l.ring)-1)] = old[int(i)&(len(old)-1)]
		}
	}
}

// pop removes the first element of a list that has one. It leaves the pointer where
// it was: that is cleared with its chunk, or overwritten.
func (l *list[E]) pop() *E {
	e := l.first()
	l.head++
	if l.head&(chunk-1) == 0 {
		l.free(l.slot(l.head-1), chunk)
	}
	if l.holes > 0 || l.head == l.tail {
		l.trim()
	}
	return e
}

// has reports whether e is at the position.
func (l *list[E]) has(e *E, position int64) bool {
	if position < l.head || position >= l.tail {
		return false
	}
	s := l.slot(position)
	return s.elements != nil && s.elements[position&(chunk-1)] == e
}

func (l *list[E]) remove(position int64) {
	s := l.slot(position)
	s.elements[position&(chunk-1)] = nil
	s.holes++
	l.holes++
	if s.holes == chunk {
		l.free(s, chunk)
	}
	if position == l.head {
		l.trim()
	}
}

// trim moves head on to an element, if there is none where it is. An empty list
// begins anew, so that a short queue keeps to the same few cache lines.
func (l *list[E]) trim() {
	for l.head < l.tail {
		s := l.slot(l.head)
		switch {
		case s.elements == nil: // all holes
			next := min((l.head>>shift+1)<<shift, l.tail)
			l.holes -= int(next - l.head)
			l.head = next
		case s.elements[l.head&(chunk-1)] == nil:
			l.head++
			l.holes--
			s.holes--
			if l.head&(chunk-1) == 0 {
				l.free(s, chunk)
			}
		default:
			return
		}
	}
	if used := l.head & (chunk - 1); used != 0 {
		l.free(l.slot(l.head), int(used))
	}
	l.head, l.tail = 0, 0
	if len(l.ring) > maxRing {
		l.ring = nil
	}
}

// free gives up a chunk, of which the first elements have been used. It clears them,
// for they may keep much alive.
func (l *list[E]) free(s *slot[E], used int) {
	if s.elements != nil && len(l.spares) < maxSpares {
		clear(s.elements[:used])
		l.spares = append(l.spares, s.elements)
	}
	*s = slot[E]{}
}
