// Package journal keeps the last tasks of a pool for whoever shows or logs them. A
// journal has a fixed size, however fast tasks come and however slowly it is read.
package journal

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/ring"
	"github.com/troupe-go/troupe/messages"
)

// Options are what journals differ in.
type Options struct {
	// Keep is how many successes are kept and, apart from them, how many of the rest, so
	// that no flood of successes washes a failure away. It is at least 1.
	Keep int
	// FailuresOnly says that successes are not recorded.
	FailuresOnly bool
	// Payload puts a task's payload into words; nil: they are not kept. It must be Guarded.
	Payload func(payload any) string
	// Follower is told of every task, so that the journal keeps none; nil: there is none.
	Follower Follower
}

// A Follower is told of every task of a pool. It may be called under locks, so it must do no
// more than take a note.
type Follower interface {
	// Accepted is called before a worker can begin the task.
	Accepted(Acceptance)
	// Ended is called for each attempt that is followed by another, and for the end of the
	// task, before its waiters are told.
	Ended(Entry)
}

// A Journal has the last tasks of one pool. It is safe for concurrent use.
type Journal struct {
	options Options

	mu        sync.Mutex
	number    int64            // guarded by mu; of the last entry
	successes ring.Ring[Entry] // guarded by mu
	rest      ring.Ring[Entry] // guarded by mu
	second    int64            // guarded by mu; the one that recorded counts
	recorded  int              // guarded by mu; successes in that second
}

// perSecond is how many successes a second are recorded gladly: nobody reads that many.
// Beyond it, those who record do with one of each batch of tasks.
const perSecond = 512

// New returns an empty journal.
func New(options Options) *Journal {
	size := max(options.Keep, 1)
	return &Journal{options: options, successes: ring.New[Entry](size), rest: ring.New[Entry](size)}
}

// Wants reports whether entries with the outcome are recorded.
func (j *Journal) Wants(outcome messages.Outcome) bool {
	return outcome != messages.Succeeded || !j.options.FailuresOnly
}

// Formatter is what puts payloads into words, nil if they are not kept.
func (j *Journal) Formatter() func(payload any) string { return j.options.Payload }

// Follower is told of every task; nil: there is none.
func (j *Journal) Follower() Follower { return j.options.Follower }

// Guarded returns a formatter that survives the user's: that one may panic, end its
// goroutine, or block. The text is cut after 4 KiB.
func Guarded(format func(payload any) string) func(payload any) string {
	var limited guard.Limited
	return func(payload any) string {
		answer := make(chan string, 1)
		if limited.Call(func() { answer <- format(payload) }) != nil {
			return "the formatter failed"
		}
		return Clip(<-answer, maxText)
	}
}

// maxText is how many bytes of a formatted payload are kept.
const maxText = 4 << 10

// Clip cuts a text after so many bytes, and says so.
func Clip(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes], "") + " …" // it may have cut a character
}

// Record adds an entry. It reports whether there is room for further successes in this
// second.
func (j *Journal) Record(e Entry) (more bool) {
	if f := j.options.Follower; f != nil {
		f.Ended(e)
		return true
	}
	second := e.At.Unix()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.number++
	e.Number = j.number
	if j.second != second {
		j.second, j.recorded = second, 0
	}
	if e.Outcome == messages.Succeeded {
		j.recorded++
		j.successes.Add(e)
	} else {
		j.rest.Add(e)
	}
	return j.recorded < perSecond
}

// Since returns the entries with numbers above the given one, the oldest first, and the
// number of the last one there is, to go on from. missed is how many have been
// overwritten before they were returned.
func (j *Journal) Since(number int64) (entries []Entry, last, missed int64) {
	j.mu.Lock()
	last = j.number
	for _, r := range []*ring.Ring[Entry]{&j.successes, &j.rest} {
		for i := range r.Len() {
			if e := r.At(i); e.Number > number {
				entries = append(entries, *e)
			}
		}
	}
	j.mu.Unlock()
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	return entries, last, last - number - int64(len(entries))
}
