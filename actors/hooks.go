package actors

import (
	"sync"

	"github.com/troupe-go/troupe/internal/lanes"
)

// hooks has the functions that are to be called when a task is settled. It is safe for
// concurrent use.
type hooks struct {
	lanes *lanes.Lanes // of the pool

	mu       sync.Mutex
	calls    []func() // guarded by mu; not passed to the lanes yet
	released bool     // guarded by mu
}

// onSettled names the functions given to [Future.OnSettled] among the recipients of lanes.
// The functions of a pool are called one after another, so that they share a goroutine.
type onSettled struct{}

// add adds a function.
func (h *hooks) add(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		h.lanes.Do(onSettled{}, f)
		return
	}
	h.calls = append(h.calls, f)
}

// release has the functions called, those that are added later as well.
func (h *hooks) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = true
	for _, f := range h.calls {
		h.lanes.Do(onSettled{}, f)
	}
	h.calls = nil
}
