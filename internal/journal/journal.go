// Package journal keeps the last tasks of a pool for whoever shows or logs them. A
// journal has a fixed size, however fast tasks come and however slowly it is read.
package journal

import (
	"cmp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/messages"
)

// Options are what journals differ in.
type Options struct {
	// Keep is how many successes are kept and, apart from them, how many of the rest, so
	// that no flood of successes washes a failure away. It is rounded up to a multiple of
	// the number of processors, at least to that.
	Keep int
	// FailuresOnly says that successes are not recorded.
	FailuresOnly bool
	// Payload puts a task's payload into words; nil: they are not kept.
	Payload func(payload any) string
}

// A Journal has the last tasks of one pool. Those who record meet seldom at a lock, for
// there is a shard for each processor, and they come to them by turns: so the last
// entries are kept, whoever they are from. It is safe for concurrent use.
type Journal struct {
	options         Options
	number          atomic.Int64  // of the last entry
	successes, rest atomic.Uint32 // how many of each have come
	shards          []shard
}

type shard struct {
	mu        sync.Mutex
	successes ring  // guarded by mu
	rest      ring  // guarded by mu
	second    int64 // guarded by mu; the one that recorded counts
	recorded  int   // guarded by mu; successes in that second
	_         [64]byte
}

// perSecond is how many successes a second and shard are recorded gladly: nobody reads
// that many. Beyond it, those who record do with one of each batch of tasks.
const perSecond = 256

// New returns an empty journal.
func New(options Options) *Journal {
	n := runtime.GOMAXPROCS(0)
	each := max((options.Keep+n-1)/n, 1)
	j := &Journal{options: options, shards: make([]shard, n)}
	for i := range j.shards {
		j.shards[i].successes.size, j.shards[i].rest.size = each, each
	}
	return j
}

// Wants reports whether entries with the outcome are recorded.
func (j *Journal) Wants(outcome messages.Outcome) bool {
	return outcome != messages.Succeeded || !j.options.FailuresOnly
}

// Formatter is what puts payloads into words, nil if they are not kept.
func (j *Journal) Formatter() func(payload any) string { return j.options.Payload }

// Describe puts a payload into words by a formatter of the user's, which may panic or end
// its goroutine.
func Describe(format func(any) string, payload any) (text string) {
	text = "the formatter failed"
	deliver.Apart(func() {
		defer func() { _ = recover() }() // the text says so
		text = clip(format(payload))
	})
	return text
}

// maxText is how many bytes of a formatted payload are kept.
const maxText = 4 << 10

func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + " …" // it may have cut a character
}

// Record adds an entry. It reports whether there is room for further successes in this
// second.
func (j *Journal) Record(e Entry) (more bool) {
	turn := &j.rest
	if e.Outcome == messages.Succeeded {
		turn = &j.successes
	}
	s := &j.shards[turn.Add(1)%uint32(len(j.shards))]
	second := e.At.Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Number = j.number.Add(1)
	if e.Outcome != messages.Succeeded {
		s.rest.add(e)
		return s.second != second || s.recorded < perSecond
	}
	if s.second != second {
		s.second, s.recorded = second, 0
	}
	s.recorded++
	s.successes.add(e)
	return s.recorded < perSecond
}

// Since returns the entries with numbers above the given one, the oldest first, and the
// number of the last one there is, to go on from. missed is how many have been
// overwritten before they were returned.
func (j *Journal) Since(number int64) (entries []Entry, last, missed int64) {
	last = j.number.Load() // numbers are given under the locks of shards, so all up to it are seen
	for i := range j.shards {
		s := &j.shards[i]
		s.mu.Lock()
		for _, r := range []*ring{&s.successes, &s.rest} {
			for k := range r.entries {
				if n := r.entries[k].Number; n > number && n <= last {
					entries = append(entries, r.entries[k])
				}
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	return entries, last, last - number - int64(len(entries))
}

// ring has the last entries, of which there are size at most, in no order.
type ring struct {
	size    int
	entries []Entry // grows up to size
	next    int     // the one to be overwritten
}

func (r *ring) add(e Entry) {
	if len(r.entries) < r.size {
		r.entries = append(r.entries, e)
		return
	}
	r.entries[r.next] = e
	r.next = (r.next + 1) % r.size
}
