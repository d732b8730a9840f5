package router

import (
	"context"
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/messages"
)

// A waiter is a submitter that waits for room. It is in Router.waiters until
// either its task is accepted or it is refused; both are said on ready.
type waiter struct {
	cell   *Cell
	worker *Worker             // whose handler waits; nil: none of this pool's
	link   chain.Link[*waiter] // guarded by Router.mu; in waiters
	waits  bool                // guarded by Router.mu; it is in waiters
	err    error               // guarded by Router.mu until ready has been received
	ready  chan struct{}       // holds one
}

// wait waits until the task is accepted or refused.
func (r *Router) wait(ctx context.Context, c *Cell) error {
	self := r.handlerOf(ctx) // runs code of the user's, so not under mu
	wt := &waiter{cell: c, waits: true, ready: make(chan struct{}, 1)}
	var then after
	r.mu.Lock()
	if err := r.refusalLocked(); err != nil {
		r.mu.Unlock()
		return err
	}
	var stuck chan struct{}
	if self != nil && self.inHandLocked() {
		if !r.mayFindRoomLocked(c, self.worker) || !r.blockLocked(self) {
			r.mu.Unlock()
			return fmt.Errorf("%w: %w", messages.ErrDeadlock, r.full())
		}
		wt.worker, stuck = self.worker, r.stuck
	}
	wt.link.Of = wt
	r.waiters.Push(&wt.link)
	r.waiting.Store(true)
	if c.dueAt() > 0 {
		c.rare.waiter = wt
		r.addDeadlineLocked(c)
	}
	// There may be room by now. In particular, a worker may have begun a task of its
	// batch and not have seen that somebody waits.
	r.admitLocked(&then)
	r.mu.Unlock()
	then.run()
	if wt.worker != nil {
		defer r.unblock(self)
	}
	var why error
	select {
	case <-wt.ready:
		return wt.err
	case <-ctx.Done():
		why = context.Cause(ctx)
	case <-stuck:
		why = messages.ErrDeadlock
	}
	r.mu.Lock()
	if wt.waits {
		r.endWaitLocked(wt, fmt.Errorf("%w: %w", r.full(), why))
	}
	r.mu.Unlock()
	<-wt.ready
	return wt.err
}

// mayFindRoomLocked reports whether there can be room for c while w waits for it.
// A task that is bound early needs another worker to take one from its own queue,
// or to become free for it.
func (r *Router) mayFindRoomLocked(c *Cell, w *Worker) bool {
	target := r.pickLocked(c)
	if target == nil {
		return true
	}
	return slices.ContainsFunc(*r.routees.Load(), func(other *Worker) bool {
		return other != w && other.waitLocked() == nil &&
			(other == target || other.own.Len() > 0 && r.cfg.Capacity > 0)
	})
}

// endWaitLocked ends the wait of a submitter with an error, nil if its task is to be
// accepted.
func (r *Router) endWaitLocked(wt *waiter, err error) {
	r.waiters.Remove(&wt.link)
	r.waiting.Store(r.waiters.Len() > 0)
	wt.waits = false
	r.endDeadlineLocked(wt.cell)
	wt.err = err
	wt.ready <- struct{}{}
}

// admitLocked accepts the tasks of waiters while there is room. Where the first
// must wait for its worker, a later one may be for a worker that is free.
func (r *Router) admitLocked(then *after) {
	for link := r.waiters.First(); link != nil; {
		wt := link.Of
		link = link.Next() // before wt leaves
		c := wt.cell
		if w, room := r.placeLocked(c); room {
			r.endWaitLocked(wt, nil)
			r.acceptLocked(c, w, then)
		} else if wt.worker != nil && !r.mayFindRoomLocked(c, wt.worker) {
			r.endWaitLocked(wt, fmt.Errorf("%w: %w", messages.ErrDeadlock, r.full()))
		} else if r.picker == nil || r.able == r.promised && r.blocked == 0 {
			return
		}
	}
}
