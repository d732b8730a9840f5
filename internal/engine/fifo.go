package engine

import "slices"

// A fifo is an unbounded queue of messages. The zero value is empty. When it becomes empty,
// it frees a large buffer.
type fifo struct {
	list []any
	head int
}

func (f *fifo) len() int { return len(f.list) - f.head }

// waiting returns the messages, oldest first.
func (f *fifo) waiting() []any { return f.list[f.head:] }

// drop removes the messages for which unwanted returns true.
func (f *fifo) drop(unwanted func(any) bool) {
	f.list = append(f.list[:f.head], slices.DeleteFunc(slices.Clone(f.waiting()), unwanted)...)
}

func (f *fifo) push(message any) { f.list = append(f.list, message) }

func (f *fifo) pop() (any, bool) {
	if f.head == len(f.list) {
		return nil, false
	}
	message := f.list[f.head]
	f.list[f.head] = nil
	f.head++
	if f.head == len(f.list) {
		f.list, f.head = f.list[:0], 0
		if cap(f.list) > 64 {
			f.list = nil
		}
	}
	return message, true
}
