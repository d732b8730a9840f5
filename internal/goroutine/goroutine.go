// Package goroutine tells goroutines apart and finds their stacks. It is for
// reports about one that is stuck, and for nothing that a program depends on.
package goroutine

import (
	"bytes"
	"runtime"
)

// An ID is what a stack trace calls a goroutine. Empty: none.
type ID string

// Current is the ID of the goroutine that calls. It takes about a microsecond.
func Current() ID {
	buf := make([]byte, 40)
	return idOf(buf[:runtime.Stack(buf, false)])
}

func idOf(trace []byte) ID {
	rest, ok := bytes.CutPrefix(trace, []byte("goroutine "))
	if !ok {
		return ""
	}
	id, _, _ := bytes.Cut(rest, []byte(" "))
	return ID(id)
}

// maxTraces bounds the text of all goroutines that Stack looks through.
const maxTraces = 64 << 20

// Stack is the stack of the goroutine with the given ID, as runtime/debug.Stack
// prints it; nil if there is none, or too many goroutines to look through. It stops
// the world for as long as it takes to print all stacks.
func Stack(id ID) []byte {
	if id == "" {
		return nil
	}
	for size := 1 << 16; size <= maxTraces; size *= 4 {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		for trace := range bytes.SplitSeq(buf[:n], []byte("\n\n")) {
			if idOf(trace) == id {
				return bytes.Clone(trace)
			}
		}
		if n < size {
			return nil
		}
	}
	return nil
}
