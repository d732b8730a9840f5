package soak_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

// soakTasks is how many tasks the soak submits at least. make soak asks for more.
var soakTasks = flag.Int("soak", 20_000, "tasks that TestSoak submits at least")

// TestSoak submits tasks from many producers in every way there is, while faults of
// every kind are injected at random: a hundredth of the tasks panics, another ends its
// goroutine, others fail, time out, are canceled, or ignore their contexts; and the
// pool is resized, paused, has its workers stopped and its strategy changed. Each
// season has another dispatch, overflow policy, configuration and end. Afterwards
// every task must have been accounted for.
func TestSoak(t *testing.T) {
	baseline := goleak.IgnoreCurrent()
	total := newSoakCount()
	before := pooltest.Heap()
	perSeason := max(*soakTasks/len(soakSeasons), 1)
	for _, s := range soakSeasons {
		t.Run(s.name, func(t *testing.T) { total.add(s.run(t, perSeason)) })
	}
	if t.Failed() {
		return
	}
	require.NoError(t, goleak.Find(baseline))
	after := pooltest.Heap()
	total.print(t, before, after)
	assert.GreaterOrEqual(t, total.tasks(), int64(*soakTasks))
	assert.Less(t, after, before+16<<20, "the heap is back")
}

// A season is one pool's life.
type season struct {
	name    string
	options []actors.Option
	end     func(t *testing.T, pool *actors.Pool[deedOf, int], parent func())
	early   bool // it ends while tasks are still submitted
}

func soakOptions(dispatch router.Dispatch, capacity int, overflow actors.Overflow, more ...actors.Option) []actors.Option {
	return append(more, actors.WithSize(4), actors.WithDispatch(dispatch), actors.WithQueue(capacity, overflow),
		actors.WithWatchdog(actors.Watchdog{Grace: time.Millisecond, Limit: 64}),
		actors.WithHealth(5*time.Millisecond))
}

var (
	soakRetry = actors.WithRetry(actors.Retry{
		Attempts: 4, Min: 100 * time.Microsecond, Max: time.Millisecond, Jitter: 0.5, On: actors.AnyError, Panics: true,
	})
	soakQuarantine = actors.WithQuarantine(actors.Quarantine{Crashes: 2, Exhausted: true, Keep: 50})
	soakBreaker    = actors.WithBreaker(actors.Breaker{Failures: 2, Cooldown: 2 * time.Millisecond})

	soakSeasons = []season{
		{"plain", soakOptions(router.LeastBusy(), 256, actors.Block), soakShutdown, false},
		{"retry, least-busy", soakOptions(router.LeastBusy(), 64, actors.Block, soakRetry, soakQuarantine, soakBreaker), soakShutdown, false},
		{"retry, round-robin", soakOptions(router.RoundRobin(), 64, actors.Reject, soakRetry, soakBreaker), soakParentStop, true},
		{"consistent hash", soakOptions(router.ConsistentHash(), 128, actors.DropOldest, soakRetry, soakQuarantine, soakBreaker), soakClose, true},
		{"random, caller runs", soakOptions(router.Random(), 8, actors.CallerRuns, soakRetry, soakQuarantine), soakShutdown, false},
		{"custom, drop newest", soakOptions(soakCustom(), 16, actors.DropNewest, soakBreaker), soakClose, true},
		{"no queue", soakOptions(router.LeastBusy(), 0, actors.Block, soakRetry, soakQuarantine), soakParentStop, true},
		{"autoscaled", soakOptions(router.LeastBusy(), actors.Unbounded, actors.Block, soakRetry, soakBreaker, actors.WithAutoscale(
			supervisor.Autoscale{Min: 2, Max: 16, Every: 2 * time.Millisecond, Rule: supervisor.Threshold{IdleAfter: 10 * time.Millisecond}})), soakShutdown, false},
	}
)

func soakCustom() router.Dispatch {
	return router.Custom(func(_ router.TaskView, workers router.Workers) int { return rand.N(workers.Len()) })
}

func soakShutdown(t *testing.T, pool *actors.Pool[deedOf, int], _ func()) {
	_, err := pool.Shutdown(t.Context())
	assert.NoError(t, err)
}

func soakClose(_ *testing.T, pool *actors.Pool[deedOf, int], _ func()) { pool.Close() }

func soakParentStop(_ *testing.T, _ *actors.Pool[deedOf, int], parent func()) { parent() }

// fault is what is done to a task.
type fault int

const (
	noFault fault = iota
	failsOnce
	failsAlways
	panicsAlways
	exitsAlways
	timesOut
	isCanceled
	ignoresContext
	faults
)

var faultNames = [faults]string{"none", "fails once", "fails", "panics", "Goexit", "times out", "canceled", "ignores its context"}

// drawFault draws one, each at its share.
func drawFault() fault {
	switch n := rand.N(10_000); {
	case n < 100:
		return panicsAlways
	case n < 200:
		return exitsAlways
	case n < 300:
		return failsOnce
	case n < 400:
		return failsAlways
	case n < 450:
		return timesOut
	case n < 500:
		return isCanceled
	case n < 505:
		return ignoresContext
	default:
		return noFault
	}
}

// deedOf is the payload of a task.
type deedOf struct {
	fault   fault
	attempt *atomic.Int32
}

func newDeed(f fault) deedOf { return deedOf{f, new(atomic.Int32)} }

func (d deedOf) timeout() time.Duration {
	switch d.fault {
	case timesOut, ignoresContext:
		return 200 * time.Microsecond
	default:
		return 0
	}
}

func perform(ctx context.Context, d deedOf) (int, error) {
	switch d.fault {
	case failsOnce:
		if d.attempt.Add(1) == 1 {
			return 0, pooltest.ErrTask
		}
	case failsAlways:
		return 0, pooltest.ErrTask
	case panicsAlways:
		panic(pooltest.ErrTask)
	case exitsAlways:
		runtime.Goexit()
	case timesOut, isCanceled:
		select { // until the pool ends it, or its submitter, who may have been too early
		case <-ctx.Done():
		case <-time.After(2 * time.Millisecond):
		}
		return 0, context.Cause(ctx)
	case ignoresContext:
		time.Sleep(5 * time.Millisecond)
	}
	return 1, nil
}

// soakCount is what was done, and what became of it.
type soakCount struct {
	mu       sync.Mutex
	injected map[string]int64           // guarded by mu
	told     map[messages.Outcome]int64 // guarded by mu
	accepted int64                      // guarded by mu
	rejected int64                      // guarded by mu
	unheard  int64                      // guarded by mu; accepted tasks that nobody waits for
	stats    messages.Stats
}

func newSoakCount() *soakCount {
	return &soakCount{injected: make(map[string]int64), told: make(map[messages.Outcome]int64)}
}

func (c *soakCount) inject(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.injected[what]++
}

func (c *soakCount) submitted(err error) bool {
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
func (c *soakCount) submittedUnheard(err error) {
	if c.submitted(err) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unheard++
	}
}

// hear notes the outcome that a waiter was told.
func (c *soakCount) hear(o messages.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told[o]++
}

func (c *soakCount) tasks() int64 { return c.accepted + c.rejected }

func (c *soakCount) add(other *soakCount) {
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
	}
}

func (c *soakCount) print(t *testing.T, before, after uint64) {
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
