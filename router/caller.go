package router

import (
	"context"

	"github.com/troupe-go/troupe/messages"
)

// runInCallerLockedThenUnlock runs the task outside the workers while its caller
// waits. It has a goroutine of its own, so that a runtime.Goexit in the handler
// does not end the caller's.
func (r *Router) runInCallerLockedThenUnlock(ctx context.Context, c *Cell) error {
	r.enterLocked(c)
	c.started = c.enqueued
	c.ctx = newContext(c, nil)
	c.place, c.worker = running, nil
	r.callers[c] = struct{}{}
	r.addDeadlineLocked(c)
	r.mu.Unlock()

	returned := make(chan struct{})
	go func() {
		defer close(returned)
		r.runInCaller(c)
	}()
	select {
	case <-returned:
	case <-ctx.Done():
	}
	return nil
}

func (r *Router) runInCaller(c *Cell) {
	normal := false
	defer func() {
		if !normal {
			r.settle(c, messages.Panicked, newPanicError(recover()))
		}
		var then after
		r.mu.Lock()
		delete(r.callers, c)
		r.endDeadlineLocked(c)
		r.quietLocked(&then)
		r.mu.Unlock()
		c.ctx.release()
		c.Release()
		then.run()
	}()
	c.body.Run()
	normal = true
}
