package actors

import (
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// This file makes the end of a collector's context cancel its tasks.

// watch makes the end of the context cancel the tasks, until unwatch is called. A place must have
// been taken.
func (c *collector[In, Out]) watch() {
	if c.watched.Load() || !c.beginWatch() {
		return
	}
	var stop func()
	defer func() { c.endBegin(stop) }()
	stop = c.engine.WhenEnded(c.Context, c.ended)
}

func (c *collector[In, Out]) beginWatch() (begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watched.CompareAndSwap(false, true)
}

// endBegin records how the watch ends. A nil stop says that the context
// has failed.
func (c *collector[In, Out]) endBegin(stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = stop
	c.watched.Store(stop != nil)
}

// ended cancels the tasks because the context has ended.
func (c *collector[In, Out]) ended(cause error) {
	c.end.CompareAndSwap(nil, &collectorEnd{canceled: engine.Because(messages.ErrCanceled, cause), refused: cause})
	c.cancelAll(c.end.Load().canceled)
}

// unwatch ends the watch on the context if no place is taken.
func (c *collector[In, Out]) unwatch() {
	if stop := c.takeStop(false); stop != nil {
		stop()
	}
}

// takeStop returns what ends the watch, or nil. If a place is taken, it does so only if nobody
// submits any more.
func (c *collector[In, Out]) takeStop(over bool) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	watched := c.watched.Swap(false) // first: whoever has taken a place since then begins another watch
	if !over && c.places.Load() > 0 {
		c.watched.Store(watched)
		return nil
	}
	stop = c.stop
	c.stop = nil
	return stop
}
