// Package timelimit ends tests that hang. Unlike pooltest, the tests of every package can
// import it.
package timelimit

import (
	"flag"
	"fmt"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

const (
	usual          = 3 * time.Minute  // enough on a busy machine under the race detector
	defaultTimeout = 10 * time.Minute // that of go test
)

// Set ends the process if the test still runs after three minutes, and prints the stacks of
// all goroutines. If -timeout is longer than the default of go test, the limit is half of
// it; with -timeout 0 there is no limit. Time in a bubble is virtual: call Set outside, or
// use [Bubble].
func Set(t testing.TB) {
	t.Helper()
	limit := limitFor(packageTimeout())
	if limit == 0 {
		return
	}
	name := t.Name()
	timer := time.AfterFunc(limit, func() { exceeded(name, limit) })
	t.Cleanup(func() { timer.Stop() })
}

// Bubble runs a test in virtual time and limits the real time that it takes.
func Bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	Set(t)
	synctest.Test(t, test)
}

// exceeded ends the process, with the stacks of all goroutines.
func exceeded(name string, limit time.Duration) {
	debug.SetTraceback("all")
	panic(fmt.Sprintf("%s still runs after %v", name, limit))
}

// limitFor returns the limit of one test, given that of its package; 0: none.
func limitFor(timeout time.Duration) time.Duration {
	switch {
	case timeout == 0:
		return 0
	case timeout > defaultTimeout:
		return timeout / 2
	default:
		return usual
	}
}

// packageTimeout returns the value of -timeout.
func packageTimeout() time.Duration {
	f := flag.Lookup("test.timeout")
	if f == nil {
		return 0
	}
	timeout, _ := f.Value.(flag.Getter).Get().(time.Duration)
	return timeout
}
