package mailbox

import "slices"

// A FIFO is an unbounded queue of messages. The zero value is empty. When it becomes empty,
// it frees a large buffer.
type FIFO struct {
	list []any
	head int
}

// Len returns the number of messages.
func (f *FIFO) Len() int { return len(f.list) - f.head }

// Waiting returns the messages, oldest first.
func (f *FIFO) Waiting() []any { return f.list[f.head:] }

// Drop removes the messages for which unwanted returns true.
func (f *FIFO) Drop(unwanted func(any) bool) {
	f.list = f.list[:f.head+len(slices.DeleteFunc(f.Waiting(), unwanted))]
}

// Push adds a message at the end.
func (f *FIFO) Push(message any) { f.list = append(f.list, message) }

// Pop removes and returns the oldest message. It returns false if there is none.
func (f *FIFO) Pop() (any, bool) {
	if f.head == len(f.list) {
		return nil, false
	}
	message := f.list[f.head]
	f.list[f.head] = nil
	f.head++
	switch {
	case f.head == len(f.list):
		f.list, f.head = f.list[:0], 0
		if cap(f.list) > 64 {
			f.list = nil
		}
	case f.head > 64 && f.head > len(f.list)/2: // a queue that is never empty must not grow
		f.list, f.head = append([]any(nil), f.Waiting()...), 0
	}
	return message, true
}

// PushFront adds a message before all others.
func (f *FIFO) PushFront(message any) { f.list = slices.Insert(f.list, f.head, message) }
