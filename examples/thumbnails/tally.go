package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A failure says why there is no thumbnail.
type failure struct {
	name string
	err  error
}

// tally counts the answers of the pool.
type tally struct {
	pictures int
	made     int
	bytes    int64 // of the thumbnails
	failed   int
	canceled int       // by an interrupt, while they were made or queued
	failures []failure // also of directories
	slowest  actors.Answer[string, int64]
	took     time.Duration
	open     int64 // studios that were not closed
	recycled int64 // studios that were replaced
}

// add counts an answer. After an interrupt, the last answer is Rejected: its picture is one of
// those that were not begun.
func (t *tally) add(answer actors.Answer[string, int64]) {
	switch answer.Outcome {
	case messages.Succeeded:
		t.made++
		t.bytes += answer.Out
		if answer.Run > t.slowest.Run {
			t.slowest = answer
		}
	case messages.Canceled:
		t.canceled++
	case messages.Rejected:
	default:
		t.failed++
		t.failures = append(t.failures, failure{answer.In, answer.Err})
	}
}

// list lists the failures.
func (t *tally) list(w io.Writer) {
	slices.SortFunc(t.failures, func(a, b failure) int { return cmp.Compare(a.name, b.name) })
	for _, f := range t.failures {
		if path, ok := errors.AsType[*fs.PathError](f.err); ok {
			f.err = path.Err // without the name
		}
		fmt.Fprintf(w, "thumbnails: %s: %v\n", printable(f.name), f.err)
	}
}

// summarize says what became of the pictures.
func (t *tally) summarize(w io.Writer, target string) {
	fmt.Fprintf(w, "%d thumbnails of %d bytes in %s\n", t.made, t.bytes, printable(target))
	fmt.Fprintf(w, "%d pictures in %v: %d made, %d failed", t.pictures, t.took.Round(time.Millisecond), t.made, t.failed)
	if left := t.pictures - t.made - t.failed; left > 0 {
		fmt.Fprintf(w, ", %d canceled, %d not begun", t.canceled, left-t.canceled)
	}
	fmt.Fprintln(w)
	if t.made > 0 {
		fmt.Fprintf(w, "slowest: %s, %v\n", printable(t.slowest.In), t.slowest.Run.Round(time.Microsecond))
	}
	fmt.Fprintf(w, "%d studios replaced after %d pictures each, %d left open\n", t.recycled, maxTasks, t.open)
}

// printable returns a name as it is, or quoted if that would not be one word on one line.
func printable(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
