package router

import (
	"context"

	"github.com/troupe-go/troupe/messages"
)

// handlerOf is the context that a worker of this pool gave a handler and that ctx was
// derived from; nil if there is none. No other task gets it from now on. It runs code of
// the user's.
func (r *Router) handlerOf(ctx context.Context) *Context {
	c := FromContext(ctx)
	if c == nil || c.router != r || c.worker == nil {
		return nil
	}
	c.used.Store(true)
	return c
}

// OfHandler reports whether ctx is that of one of the pool's own handlers.
func (r *Router) OfHandler(ctx context.Context) bool {
	c := FromContext(ctx)
	return c != nil && c.router == r
}

// Blocking says that the goroutine of ctx is about to wait for a task that this
// pool has accepted. It returns ErrDeadlock if ctx is that of one of the pool's own
// handlers and the task could then never begin: because every worker would wait
// for the pool, or because the task is queued for a worker that waits, in the end,
// for this one. If it returns nil, done must be called after the wait, and stuck is
// closed if the wait can never end since the other workers have left.
func (r *Router) Blocking(ctx context.Context, c *Cell) (stuck <-chan struct{}, done func(), err error) {
	self := r.handlerOf(ctx)
	if self == nil {
		return nil, func() {}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.isSettled() || !self.inHandLocked() {
		return nil, func() {}, nil
	}
	if r.waitsForLocked(c, self.worker) || !r.blockLocked(self) {
		return nil, nil, messages.ErrDeadlock
	}
	self.awaited = c
	return r.stuck, func() { r.unblock(self) }, nil
}

// waitsForLocked reports whether c is queued for w, or for a worker whose task
// waits for one that is, and so on.
func (r *Router) waitsForLocked(c *Cell, w *Worker) bool {
	for range r.workers { // no chain is longer
		if c == nil || r.whereLocked(c) != own {
			return false
		}
		if c.worker == w {
			return true
		}
		wait := c.worker.waitLocked()
		if wait == nil {
			return false
		}
		c = wait.awaited
	}
	return false
}

// blockLocked notes that the handler of self, which is in hand, waits for the pool,
// unless no worker would be left to do the work.
func (r *Router) blockLocked(self *Context) bool {
	if self.waits == 0 {
		if r.hopelessLocked(self.worker) {
			return false
		}
		r.blocked++
	}
	self.waits++
	if r.stuck == nil {
		r.stuck = make(chan struct{})
	}
	return true
}

func (r *Router) unblock(self *Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	self.waits--
	self.awaited = nil
	if self.waits == 0 {
		r.blocked--
	}
}

// inHandLocked reports whether the worker of c still has the task in hand that it is
// for.
func (c *Context) inHandLocked() bool {
	w := c.worker
	w.hand.mu.Lock()
	defer w.hand.mu.Unlock()
	return w.hand.current != nil && w.hold.ctx == c
}

// waitLocked is the context of the task in hand if its handler waits for the pool, nil
// otherwise. What a handler that has returned left waiting is no concern of its worker.
func (w *Worker) waitLocked() *Context {
	w.hand.mu.Lock()
	defer w.hand.mu.Unlock()
	if w.hand.current == nil || w.hold.ctx.waits == 0 {
		return nil
	}
	return w.hold.ctx
}

// hopelessLocked reports whether every worker but the given one waits for the
// pool. One that leaves counts while it finishes what it has in hand: that may be
// what another waits for.
func (r *Router) hopelessLocked(but *Worker) bool {
	for _, w := range r.workers {
		if w != but && !w.waitingLocked() && (w.taken || !w.leaving) {
			return false
		}
	}
	return true
}

// waitingLocked reports whether w waits for the pool, and will go on to. A wait is
// about to end when what it is for has been settled, or the task that waits.
func (w *Worker) waitingLocked() bool {
	w.hand.mu.Lock() // else it may go on with its batch, and what it had in hand be recycled
	defer w.hand.mu.Unlock()
	if w.hand.current == nil || w.hand.current.isSettled() {
		return false
	}
	wait := w.hold.ctx
	return wait.waits > 0 && (wait.awaited == nil || !wait.awaited.isSettled())
}

// EndVainWaits tells those that wait for their own pool that they wait in vain, if
// a change of the workers has made it so. It is called when a worker is gone and has
// its successor, if it gets one.
func (r *Router) EndVainWaits() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stuck == nil {
		return
	}
	stuck := r.hopelessLocked(nil)
	for _, w := range r.workers {
		wait := w.waitLocked()
		stuck = stuck || wait != nil && r.waitsForLocked(wait.awaited, w)
	}
	if stuck {
		r.endWaitsLocked()
	}
}

// endWaitsLocked tells those that wait for their own pool.
func (r *Router) endWaitsLocked() {
	if r.stuck != nil {
		close(r.stuck)
		r.stuck = nil
	}
}
