package engine

import (
	"sync"
	"sync/atomic"
)

// A hand holds the task that a worker, or a caller, runs. Only the goroutine that runs the
// task uses the fields, except where noted.
type hand struct {
	task     *Task        // nil: none
	word     word         // of the task, while it runs
	special  *handSpecial // what concerns only users' actors and races; nil: there is neither
	ctx      *Context     // nil if nobody sees it
	last     *Context     // the context that the next task may reuse; nil: none
	started  atomic.Int64 // engine time; written only if it changes
	settled  bool         // the handler's goroutine has settled the task, or decided on a retry
	occupied atomic.Bool  // the worker has claimed a task since it was parked
	attempt  attempt
	value    any // what Context.Keep was given

	state   *workerState             // of the worker; nil: it needs none
	worker  string                   // the ID of the worker; empty: the task runs in its caller
	reports atomic.Pointer[counters] // what handlers have reported; nil: nothing

	// mu is held while the task is settled from outside.
	mu          sync.Mutex
	live        *Context // guarded by mu; the context of the task, once it is used
	interrupted bool     // guarded by mu; the task was settled from outside
	cause       error    // guarded by mu; why the context of the task ends then
}

// replied returns how the actor has answered the task in hand.
func (h *hand) replied() reply {
	if h.special == nil {
		return reply{}
	}
	return h.special.reply
}

// keeps reports whether the task that was in hand is held.
func (h *hand) keeps() bool { return h.special != nil && h.special.keeps }

// copied returns the copy that is in hand; nil: the task is in the ledger.
func (h *hand) copied() *copyRun {
	if h.special == nil {
		return nil
	}
	return h.special.copy
}

// race returns the race of the task in hand; nil: it has no copies.
func (h *hand) race() *race {
	if h.special == nil {
		return nil
	}
	return h.special.race
}

// inCaller reports whether the task runs in its caller. Then the hand has no other task.
func (h *hand) inCaller() bool { return h.worker == "" }

// startOf returns when the task in hand has started. A worker that is just starting the task
// may have read the clock before the task was accepted.
func (h *hand) startOf(t *Task) int64 { return max(h.started.Load(), t.enqueued) }

// endRace ends the race of the task that has been in hand, unless the race goes on.
func (h *hand) endRace(goesOn bool) {
	r := h.special.race
	h.mu.Lock()
	h.special.race = nil
	h.mu.Unlock()
	if !goesOn {
		r.stop()
	}
}

// forgetInterruption resets the hand after a task that was settled from outside.
func (h *hand) forgetInterruption() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.interrupted, h.cause = false, nil
}

// enliven records c as the context that ends with the task. If the task has been settled
// from outside already, enliven returns the cause.
func (h *hand) enliven(c *Context) (cause error) {
	if h.inCaller() { // there, endInCaller always ends the context
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
