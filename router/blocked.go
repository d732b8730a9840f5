package router

import (
	"context"

	"github.com/troupe-go/troupe/messages"
)

// workerOf is the worker whose handler was given ctx, or a context that ctx was
// derived from; nil if there is none or it is another pool's.
func (r *Router) workerOf(ctx context.Context) *Worker {
	if c := FromContext(ctx); c != nil && c.router == r {
		return c.worker
	}
	return nil
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
	w := r.workerOf(ctx)
	if w == nil {
		return nil, func() {}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.isSettled() {
		return nil, func() {}, nil
	}
	if r.waitsForLocked(c, w) || !r.blockLocked(w) {
		return nil, nil, messages.ErrDeadlock
	}
	w.awaited = c
	return r.stuck, func() { r.unblock(w) }, nil
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
		c = c.worker.awaited
	}
	return false
}

// blockLocked notes that w waits for the pool, unless none would be left to do
// the work.
func (r *Router) blockLocked(w *Worker) bool {
	if w.waits == 0 && r.hopelessLocked(w) {
		return false
	}
	if w.waits == 0 {
		r.blocked++
	}
	w.waits++
	if r.stuck == nil {
		r.stuck = make(chan struct{})
	}
	return true
}

func (r *Router) unblock(w *Worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.waits--
	w.awaited = nil
	if w.waits == 0 {
		r.blocked--
	}
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
	if w.waits == 0 || w.awaited != nil && w.awaited.isSettled() {
		return false
	}
	c := w.inHandLocked()
	return c == nil || !c.isSettled()
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
		stuck = stuck || w.waits > 0 && r.waitsForLocked(w.awaited, w)
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
