package engine

import (
	"sync"
	"sync/atomic"
)

// A hand is the place of the task that a worker runs, or a caller. Its fields are for
// the goroutine that runs the task, except where they say otherwise.
type hand struct {
	task     *Task        // nil: none
	word     word         // of the task while it runs
	ctx      *Context     // nil where nobody sees it
	last     *Context     // the context that the next task may get; nil: none
	started  atomic.Int64 // engine time; written only if it changes
	settled  bool         // the handler's goroutine has settled the task, or decided on a retry
	occupied atomic.Bool  // the worker has claimed a task since it was parked
	attempt  attempt
	value    any // what Context.Keep was given

	worker  string                   // the ID of the worker; empty: the task runs in its caller
	reports atomic.Pointer[counters] // what handlers have reported; nil: nothing

	// mu is held while the task is settled from outside.
	mu          sync.Mutex
	live        *Context // guarded by mu; that of the task, once it has been used
	interrupted bool     // guarded by mu; the task was settled from outside
	cause       error    // guarded by mu; why its context ends then
}

// forgetInterruption is called when the task that was settled from outside is put down.
func (h *hand) forgetInterruption() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.interrupted, h.cause = false, nil
}

// enliven makes c the context that ends with the task. It returns why the task has been
// settled from outside already, if it has.
func (h *hand) enliven(c *Context) (cause error) {
	if h.worker == "" { // others end the context of such a task in any case
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.returned.Load() {
		return nil
	}
	h.live = c
	if h.interrupted {
		c.over.Store(true)
		cause = h.cause
	}
	return cause
}
