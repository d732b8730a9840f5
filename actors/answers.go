package actors

import "github.com/troupe-go/troupe/internal/engine"

// A reply is an answer whose ID has not been put into words if it is a number.
type reply[In, Out any] struct {
	Answer[In, Out]
	number uint64 // of the task; 0: it has an ID, or was rejected
}

// answer returns the answer.
func (r *reply[In, Out]) answer(numbers *engine.Numerals) Answer[In, Out] {
	if r.number > 0 {
		r.ID = numbers.Of(r.number)
	}
	return r.Answer
}

// replies is a first-in-first-out list of replies in blocks, so that a reply costs no
// allocation of its own and is never moved.
type replies[In, Out any] struct {
	first, last *replyBlock[In, Out] // nil: there are none
	spare       *replyBlock[In, Out] // an empty one; nil: there is none
}

type replyBlock[In, Out any] struct {
	list []reply[In, Out] // its capacity is fixed
	from int              // the first that was not taken
	next *replyBlock[In, Out]
}

const firstReplies, mostReplies = 4, 256 // replies in a block

// empty reports whether there are no replies.
func (l *replies[In, Out]) empty() bool { return l.first == nil }

// push appends a reply, which the caller must fill in.
func (l *replies[In, Out]) push() *reply[In, Out] {
	b := l.last
	if b == nil || len(b.list) == cap(b.list) {
		b = l.grow()
	}
	b.list = b.list[:len(b.list)+1]
	return &b.list[len(b.list)-1]
}

// grow appends a block.
func (l *replies[In, Out]) grow() *replyBlock[In, Out] {
	b := l.spare
	l.spare = nil
	if b == nil {
		size := firstReplies
		if l.last != nil {
			size = min(4*cap(l.last.list), mostReplies)
		}
		b = &replyBlock[In, Out]{list: make([]reply[In, Out], 0, size)}
	}
	if l.last == nil {
		l.first = b
	} else {
		l.last.next = b
	}
	l.last = b
	return b
}

// pop removes the first reply. There must be one.
func (l *replies[In, Out]) pop() (r reply[In, Out]) {
	b := l.first
	r, b.list[b.from] = b.list[b.from], r
	b.from++
	if b.from == len(b.list) && (b.from == cap(b.list) || b == l.last) {
		l.first = b.next
		if l.first == nil {
			l.last = nil
		}
		b.list, b.from, b.next = b.list[:0], 0, nil
		l.spare = b
	}
	return r
}
