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

// Blocking says that the goroutine of ctx is about to wait for a task of this
// pool. If ctx is that of one of the pool's own handlers and every worker would
// then wait for the pool, it returns ErrDeadlock. If it returns nil, done must
// be called after the wait.
func (r *Router) Blocking(ctx context.Context) (done func(), err error) {
	w := r.workerOf(ctx)
	if w == nil {
		return func() {}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.blockLocked(w) {
		return nil, messages.ErrDeadlock
	}
	return func() { r.unblock(w) }, nil
}

// blockLocked counts w among the workers that wait for their own pool, unless
// none would be left to do the work.
func (r *Router) blockLocked(w *Worker) bool {
	if w.waits == 0 {
		if r.blocked+1 >= len(r.workers) {
			return false
		}
		r.blocked++
	}
	w.waits++
	return true
}

func (r *Router) unblock(w *Worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.waits--
	if w.waits == 0 {
		r.blocked--
	}
}
