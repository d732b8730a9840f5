package router

import (
	"context"

	"github.com/troupe-go/troupe/internal/goroutine"
)

// callerRun is the run of a task in its caller.
type callerRun struct {
	hold      hold
	over      chan struct{} // closed when the task gets its outcome from others
	goroutine goroutine.ID  // guarded by Router.mu; known to the watchdog alone
	watch     *watch        // guarded by Router.mu; nil: none
}

// runInCallerLockedThenUnlock runs the task outside the workers while its caller
// waits. It has a goroutine of its own, so that a runtime.Goexit in the handler
// does not end the caller's. An attempt after the first is a worker's.
func (r *Router) runInCallerLockedThenUnlock(ctx context.Context, c *Cell) error {
	r.enterLocked(c)
	run := &callerRun{over: make(chan struct{})}
	run.hold = hold{ctx: r.newContext(c, nil), started: c.enqueued}
	run.hold.ctx.run = run
	c.place, c.worker = running, nil
	r.callers[c] = run
	r.addDeadlineLocked(c)
	r.mu.Unlock()

	returned := make(chan struct{})
	go func() {
		defer close(returned)
		r.runInCaller(c, run)
	}()
	select {
	case <-returned:
	case <-run.over:
	case <-ctx.Done():
	}
	return nil
}

func (r *Router) runInCaller(c *Cell, run *callerRun) {
	if r.cfg.Watchdog.Grace > 0 {
		r.mu.Lock()
		run.goroutine = goroutine.Current()
		r.mu.Unlock()
	}
	normal := false
	defer func() {
		if !normal {
			run.hold.ctx.attemptFailed(c, r.newPanicError(recover(), c), nil)
		}
		run.hold.ctx.dismiss()
		var then after
		r.mu.Lock()
		if r.callers[c] == run { // else it has been given up
			delete(r.callers, c)
		}
		r.endWatchLocked(run.watch, &then)
		if !r.againLocked(c, &run.hold, r.now(), &then) {
			r.endDeadlineLocked(c)
			if !run.hold.interrupted { // else who tells its waiters may still use it
				c.body.Released()
			}
		}
		r.quietLocked(&then)
		r.mu.Unlock()
		then.run()
	}()
	if r.cfg.Tracer != nil {
		run.hold.ctx.beginTrace(c)
	}
	c.body.Run(run.hold.ctx)
	normal = true
}
