package troupetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe/internal/goroutine"
)

// advice says what to do about a handler that does not return.
const advice = "A handler must return soon after its context has ended; context.Cause says why it has."

// stuck says what keeps the pool from stopping.
func (f *follower) stuck() string {
	var text strings.Builder
	pool, now := f.pool(), time.Now()
	fmt.Fprintf(&text, "troupetest: pool %q has not stopped within %v after the end of its test.\n", pool.Label, stopLimit)
	calls := f.handlers.unreturned()
	if len(calls) > 0 {
		ids := make([]goroutine.ID, len(calls))
		for i, call := range calls {
			ids[i] = call.goroutine
		}
		stacks := goroutine.Stacks(ids...)
		for i, call := range calls {
			fmt.Fprintf(&text, "The handler of task %s, which began %v ago, has not returned. Its stack:\n%s\n",
				call.task, now.Sub(call.began).Round(time.Millisecond), stacks[i])
		}
		return text.String() + advice
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
