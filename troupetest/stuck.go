package troupetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/internal/goroutine"
)

// stuck says what keeps the pool from stopping.
func (f *follower) stuck() string {
	var text strings.Builder
	pool, now := f.pool(), time.Now()
	fmt.Fprintf(&text, "troupetest: pool %q has not stopped within %v after the end of its test.\n", pool.Label, stopLimit)
	if calls := f.calls.unreturned(); len(calls) > 0 {
		writeCalls(&text, calls, now)
		return text.String()
	}
	stats, found := pool.Stats(), false
	for _, w := range stats.Workers {
		if w.Task != "" {
			found = true
			fmt.Fprintf(&text, "Worker %s has had task %s in hand for %v.\n", w.ID, w.Task, now.Sub(w.Since).Round(time.Millisecond))
		}
	}
	if stats.Abandoned > 0 {
		found = true
		fmt.Fprintf(&text, "The watchdog has abandoned %d handlers that have not returned.\n", stats.Abandoned)
	}
	if !found {
		return text.String() + "No task is running. An actor of the pool may be blocked while it stops. All goroutines:\n" +
			strings.Join(goroutine.All(), "\n\n")
	}
	text.WriteString("The stacks of all goroutines that run a task of a pool with actors:\n")
	for _, stack := range goroutine.All() {
		if strings.Contains(stack, "engine.(*workerMailbox).give(") {
			text.WriteString(stack + "\n\n")
		}
	}
	return text.String() + "An actor must return from Receive."
}

// writeCalls says which calls have not returned, and what to do about that.
func writeCalls(text *strings.Builder, calls []*call, now time.Time) {
	ids := make([]goroutine.ID, len(calls))
	for i, call := range calls {
		ids[i] = call.goroutine
	}
	var advice []string
	for i, stack := range goroutine.Stacks(ids...) {
		call := calls[i]
		fmt.Fprintf(text, "%s %s, which began %v ago, has not returned. Its stack:\n%s\n",
			call.callee.what, call.name, now.Sub(call.began).Round(time.Millisecond), stack)
		if !slices.Contains(advice, call.callee.advice) {
			advice = append(advice, call.callee.advice)
		}
	}
	text.WriteString(strings.Join(advice, "\n"))
}
