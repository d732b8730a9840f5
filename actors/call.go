package actors

import (
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/engine"
)

// A call is a task of Ask or Map. It is reused, once the engine and the caller are done with
// it.
type call[In, Out any] struct {
	job[In, Out]
	done   chan struct{} // has one slot; gets a value when the task is settled
	window *window       // of the Map that submitted the call; nil: Ask did
	users  atomic.Int32  // those besides the last one, who recycles the call
}

var _ engine.Body = (*call[int, int])(nil)

// Settled implements engine.Body.
func (c *call[In, Out]) Settled(s *engine.Settlement) {
	c.settled(s)
	window := c.window
	c.done <- struct{}{}
	if window != nil {
		window.settled()
	}
}

// Unlinked implements engine.Body. It is for the asker as well, when it is done.
func (c *call[In, Out]) Unlinked() {
	if c.users.Add(-1) < 0 {
		c.recycle()
	}
}

// recycle makes a call ready for the next asker.
func (c *call[In, Out]) recycle() {
	c.clear()
	c.window = nil
	c.work.calls.Put(c)
}
