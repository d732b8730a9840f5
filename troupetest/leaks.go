package troupetest

import (
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// leakLimit is how long goroutines may take to end after their test.
const leakLimit = 5 * time.Second

// VerifyNoLeaks fails the test if goroutines that the test has started are left when it ends.
// It gives them five seconds to end. The constructors of pools, [Record] and [RecordNamed]
// call VerifyNoLeaks, so only a test without them needs to; call it first then, from the goroutine
// of the test.
//
// VerifyNoLeaks looks only at goroutines that the test's goroutine started after the call,
// directly or through others, and at those that handlers of the kit's pools started. It
// recognizes them by a profiler label, which a goroutine inherits from the one that starts it.
// So the goroutines of other tests do not matter, even if those run in parallel. A goroutine
// that was started by a timer is not seen, unless a handler did it.
//
// What was made before the call, such as a server, may start goroutines of its own. But what
// uses it, such as an HTTP client, must have ended when the test does: close it with defer, or
// with a Cleanup registered after the call. [AllowGoroutines] makes exceptions.
//
// In a bubble of testing/synctest the five seconds are virtual. The bubble itself fails the
// test as well.
func VerifyNoLeaks(t testing.TB) {
	t.Helper()
	if s, first := scopes.of(t); first {
		s.label()
		t.Cleanup(func() {
			t.Helper()
			s.verify(t)
		})
	} else {
		s.label()
	}
}

// AllowGoroutines makes exceptions from [VerifyNoLeaks] for the rest of the test: goroutines
// whose stacks have a function whose name contains one of the given texts, such as
// "net/http.(*persistConn)". Use it for goroutines that a library keeps for the whole process.
func AllowGoroutines(t testing.TB, functions ...string) {
	t.Helper()
	VerifyNoLeaks(t)
	for _, function := range functions {
		if function == "" {
			t.Fatal("troupetest: AllowGoroutines with an empty text would allow all goroutines. Name a function.")
		}
	}
	scopes.allow(t, functions)
}

// A scope is a test whose goroutines are followed.
type scope struct {
	id      string   // the value of the label
	allowed []string // guarded by registry.mu
	hung    bool     // guarded by registry.mu; what hangs was reported
}

// labelKey is the key of the profiler label.
const labelKey = "troupetest"

// label marks the calling goroutine, and those that it starts, as the test's.
func (s *scope) label() {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(labelKey, s.id)))
}

// verify fails the test if it has goroutines left.
func (s *scope) verify(t testing.TB) {
	t.Helper()
	defer pprof.SetGoroutineLabels(context.Background())
	allowed, hung := scopes.end(t)
	if hung {
		return // the handler that hangs has been reported
	}
	var left []goroutines
	within(leakLimit, func() bool {
		left = slices.DeleteFunc(labeled(s.id), func(g goroutines) bool {
			return slices.ContainsFunc(allowed, func(name string) bool { return strings.Contains(g.stack, name) })
		})
		return len(left) == 0
	})
	if len(left) == 0 {
		return
	}
	var text strings.Builder
	for _, g := range left {
		fmt.Fprintf(&text, "\n\n%d with the stack:\n%s", g.count, g.stack)
	}
	t.Errorf("troupetest: goroutines that this test has started are still running %v after its end. "+
		"End them before the test returns, or name one of their functions in AllowGoroutines.%s", leakLimit, text.String())
}

// A registry has the scopes of the tests that run, by the names of the tests.
type registry struct {
	mu     sync.Mutex
	last   int               // guarded by mu; the number of the last scope
	scopes map[string]*scope // guarded by mu
}

// scopes lets the pools of one test share one check, which follows the end of the last pool.
var scopes = registry{scopes: make(map[string]*scope)} //nolint:gochecknoglobals // a testing.TB has no place for it

// of returns the scope of a test. first says that it is new.
func (r *registry) of(t testing.TB) (s *scope, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.scopes[t.Name()]; s != nil {
		return s, false
	}
	r.last++
	s = &scope{id: strconv.Itoa(r.last), allowed: standard()}
	r.scopes[t.Name()] = s
	return s, true
}

// standard names functions whose goroutines the standard library keeps for the whole process.
func standard() []string {
	return []string{"os/signal.signal_recv", "os/signal.loop"}
}

// allow adds exceptions.
func (r *registry) allow(t testing.TB, functions []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.scopes[t.Name()]; s != nil {
		s.allowed = append(s.allowed, functions...)
	}
}

// hung says that a goroutine that hangs has been reported.
func (r *registry) hung(t testing.TB) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.scopes[t.Name()]; s != nil {
		s.hung = true
	}
}

// end forgets the scope of a test and returns what it knows.
func (r *registry) end(t testing.TB) (allowed []string, hung bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.scopes[t.Name()]
	delete(r.scopes, t.Name())
	return s.allowed, s.hung
}
