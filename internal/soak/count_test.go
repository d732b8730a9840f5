package soak_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/troupe-go/troupe/messages"
)

// count counts the injected faults, the submissions, and the outcomes that waiters heard.
type count struct {
	mu       sync.Mutex
	injected map[string]int64           // guarded by mu
	told     map[messages.Outcome]int64 // guarded by mu
	accepted int64                      // guarded by mu
	rejected int64                      // guarded by mu
	unheard  int64                      // guarded by mu; accepted tasks that nobody waits for
	stats    messages.Stats
}

func newCount() *count {
	return &count{injected: make(map[string]int64), told: make(map[messages.Outcome]int64)}
}

func (c *count) inject(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.injected[what]++
}

func (c *count) submitted(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.rejected++
		return false
	}
	c.accepted++
	return true
}

// submittedUnheard notes a task that nobody waits for.
func (c *count) submittedUnheard(err error) {
	if c.submitted(err) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unheard++
	}
}

// hear notes the outcome that a waiter was told.
func (c *count) hear(o messages.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told[o]++
}

func (c *count) tasks() int64 { return c.accepted + c.rejected }

func (c *count) add(other *count) {
	for what, n := range other.injected {
		c.injected[what] += n
	}
	for o, n := range other.told {
		c.told[o] += n
	}
	c.accepted += other.accepted
	c.rejected += other.rejected
	to, from := ledgerFields(&c.stats), ledgerFields(&other.stats)
	for i := range to {
		*to[i].n += *from[i].n
	}
}

type ledgerField struct {
	name    string
	outcome messages.Outcome // 0: none
	n       *int64
}

func ledgerFields(s *messages.Stats) []ledgerField {
	return []ledgerField{
		{"submitted", 0, &s.Submitted},
		{"succeeded", messages.Succeeded, &s.Succeeded},
		{"failed", messages.Failed, &s.Failed},
		{"panicked", messages.Panicked, &s.Panicked},
		{"timed out", messages.TimedOut, &s.TimedOut},
		{"canceled", messages.Canceled, &s.Canceled},
		{"dropped", messages.Dropped, &s.Dropped},
		{"quarantined", messages.Quarantined, &s.Quarantined},
		{"rejected", 0, &s.Rejected},
		{"retries", 0, &s.Retries},
		{"restarts", 0, &s.Restarts},
		{"replaced", 0, &s.Replaced},
		{"recycled", 0, &s.Recycled},
	}
}

func (c *count) print(t *testing.T, before, after uint64) {
	t.Helper()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "injected\ttimes\t\tledger\ttasks\ttold to waiters\t")
	injected := slices.Sorted(maps.Keys(c.injected))
	fields := ledgerFields(&c.stats)
	for i := range max(len(injected), len(fields)) {
		if i < len(injected) {
			fmt.Fprintf(w, "%s\t%d\t\t", injected[i], c.injected[injected[i]])
		} else {
			fmt.Fprint(w, "\t\t\t")
		}
		if i < len(fields) {
			told := ""
			if o := fields[i].outcome; o != 0 {
				told = strconv.FormatInt(c.told[o], 10)
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t", fields[i].name, *fields[i].n, told)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	s := &c.stats
	fmt.Fprintf(&text, "ledger: %d submitted - %d settled = %d; heap: %.1f MB before, %.1f MB after\n",
		s.Submitted, s.Settled(), s.Submitted-s.Settled(), float64(before)/1e6, float64(after)/1e6)
	fmt.Fprint(os.Stdout, text.String())
}
