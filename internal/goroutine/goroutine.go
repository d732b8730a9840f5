// Package goroutine tells goroutines apart and finds their stacks. It is for
// reports about one that is stuck, and for nothing that a program depends on.
package goroutine

import (
	"bytes"
	"runtime"
	"strings"
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

// maxTraces bounds the text of all goroutines that Stacks looks through.
const maxTraces = 64 << 20

// Stacks are the stacks of the goroutines with the given IDs, as runtime/debug.Stack
// prints them; nil for one that is not there, or if there are too many goroutines to
// look through. It stops the world for as long as it takes to print all stacks.
func Stacks(ids ...ID) [][]byte {
	stacks := make([][]byte, len(ids))
	index := make(map[ID]int, len(ids))
	for i, id := range ids {
		if id != "" {
			index[id] = i
		}
	}
	for trace := range bytes.SplitSeq(traces(), []byte("\n\n")) {
		if i, wanted := index[idOf(trace)]; wanted {
			stacks[i] = bytes.Clone(trace)
		}
	}
	return stacks
}

// All are the stacks of all goroutines, as [Stacks] has them; nil if there are too many.
func All() []string {
	all := strings.TrimSpace(string(traces()))
	if all == "" {
		return nil
	}
	return strings.Split(all, "\n\n")
}

// traces is the text of all stacks; nil if there are too many goroutines.
func traces() []byte {
	for size := 1 << 16; size <= maxTraces; size *= 4 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size { // else that may not be all
			return buf[:n]
		}
	}
	return nil
}
