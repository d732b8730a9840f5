package router

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/messages"
)

// Mode says what a submitter can do when the queue has no room.
type Mode int

// The modes.
const (
	MayWait Mode = iota + 1 // it can wait, or run the task itself
	NoWait                  // it can do neither
)

// Submit admits a task. If it returns nil, the task was accepted and will be
// settled exactly once; if it returns an error, the task was rejected, is counted
// as such, and Settled is not called. Submit blocks only under MayWait: with Block
// until there is room or ctx or the task's timeout ends, with CallerRuns until
// the task has run or ctx ends.
func (r *Router) Submit(ctx context.Context, c *Cell, mode Mode) error {
	err := r.submit(ctx, c, mode)
	if err != nil {
		r.rejected.Add(1)
	}
	return err
}

func (r *Router) submit(ctx context.Context, c *Cell, mode Mode) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	c.startTime()
	if choose, ok := r.picker.(custom); ok {
		if workers := *r.routees.Load(); len(workers) > 0 {
			w, err := choose.choose(c, workers)
			if err != nil {
				return err
			}
			c.worker = w
		}
	}

	var then after
	r.mu.Lock()
	if err := r.refusalLocked(); err != nil {
		r.mu.Unlock()
		return err
	}
	// If others wait there is no room, save for a task that is bound early to a
	// worker that happens to be free.
	if r.waiters.first == nil || r.picker != nil {
		if w, room := r.placeLocked(c); room {
			r.acceptLocked(c, w, &then)
			r.mu.Unlock()
			then.run()
			return nil
		}
	}
	return r.overflowLockedThenUnlock(ctx, c, mode)
}

// refusalLocked says why no task is accepted, nil if one may be.
func (r *Router) refusalLocked() error {
	if r.phase != open {
		return messages.ErrPoolStopped
	}
	return r.failed
}

// acceptLocked enters the task into the ledger and into a queue.
func (r *Router) acceptLocked(c *Cell, w *Worker, then *after) {
	r.enterLocked(c)
	if r.picker != nil {
		r.picker.accepted(c)
	}
	r.enqueueLocked(c, w, then)
	r.addDeadlineLocked(c)
}

// enterLocked enters the task into the ledger.
func (r *Router) enterLocked(c *Cell) {
	r.submitted++
	c.seq = r.submitted
	r.stampLocked(c)
}

// stampLocked says when the task was accepted.
func (r *Router) stampLocked(c *Cell) {
	r.unstamped++
	if !r.short || r.unstamped >= stampEvery || r.shared.Len() < backlog || !c.batchable() {
		r.clock, r.unstamped = r.now(), 0
	}
	c.enqueued = r.clock
}

// overflowLockedThenUnlock does what the overflow policy says.
func (r *Router) overflowLockedThenUnlock(ctx context.Context, c *Cell, mode Mode) error {
	policy := r.cfg.Overflow
	if mode == NoWait && (policy == Block || policy == CallerRuns) {
		policy = Reject
	}
	switch policy {
	case Block:
		return r.waitLockedThenUnlock(ctx, c)
	case CallerRuns:
		return r.runInCallerLockedThenUnlock(ctx, c)
	case DropOldest, DropNewest:
		var then after
		r.dropForLocked(c, policy, &then)
		r.mu.Unlock()
		then.run()
		return nil
	default:
		r.mu.Unlock()
		return r.full()
	}
}

func (r *Router) full() error {
	return fmt.Errorf("%w: capacity %d", messages.ErrQueueFull, r.cfg.Capacity)
}

// dropForLocked accepts c and drops a task for it: itself, or the oldest of the
// lowest priority that was queued.
func (r *Router) dropForLocked(c *Cell, policy Overflow, then *after) {
	if policy == DropOldest {
		if victim := r.victimLocked(); victim != nil && victim.priority <= c.priority {
			r.unqueueLocked(victim)
			r.settleQueuedLocked(victim, messages.Dropped, messages.ErrDropped, then)
			w, _ := r.placeLocked(c)
			r.acceptLocked(c, w, then)
			return
		}
	}
	r.enterLocked(c)
	r.settleQueuedLocked(c, messages.Dropped, messages.ErrDropped, then)
}

// A waiter is a submitter that waits for room. It is in Router.waiters until
// either its task is accepted or it is refused; both are said on ready.
type waiter struct {
	cell       *Cell
	prev, next *waiter
	waits      bool          // guarded by Router.mu; it is in waiters
	err        error         // guarded by Router.mu until ready has been received
	ready      chan struct{} // holds one
}

// waiterList is a list of the waiters, in the order they came.
type waiterList struct{ first, last *waiter }

func (l *waiterList) push(w *waiter) {
	w.prev, w.next = l.last, nil
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
}

func (l *waiterList) remove(w *waiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// waitLockedThenUnlock waits until the task is accepted or refused.
func (r *Router) waitLockedThenUnlock(ctx context.Context, c *Cell) error {
	wt := &waiter{cell: c, waits: true, ready: make(chan struct{}, 1)}
	self := r.workerOf(ctx)
	if self != nil && !r.blockLocked(self) {
		r.mu.Unlock()
		return fmt.Errorf("%w: %w", messages.ErrDeadlock, r.full())
	}
	r.waiters.push(wt)
	r.waiting.Store(true)
	if c.dueAt() > 0 {
		c.rare.waiter = wt
		r.addDeadlineLocked(c)
	}
	r.mu.Unlock()
	if self != nil {
		defer r.unblock(self)
	}
	select {
	case <-wt.ready:
		return wt.err
	case <-ctx.Done():
	}
	r.mu.Lock()
	if wt.waits {
		r.refuseLocked(wt, fmt.Errorf("%w: %w", r.full(), context.Cause(ctx)))
	}
	r.mu.Unlock()
	<-wt.ready
	return wt.err
}

// refuseLocked ends the wait of a submitter with an error, nil if its task is to be
// accepted.
func (r *Router) refuseLocked(wt *waiter, err error) {
	r.waiters.remove(wt)
	r.waiting.Store(r.waiters.first != nil)
	wt.waits = false
	r.endDeadlineLocked(wt.cell)
	wt.err = err
	wt.ready <- struct{}{}
}

// admitLocked accepts the tasks of waiters while there is room. Where the first
// must wait for its worker, a later one may be for a worker that is free.
func (r *Router) admitLocked(then *after) {
	for wt := r.waiters.first; wt != nil; {
		next := wt.next
		c := wt.cell
		if w, room := r.placeLocked(c); room {
			r.refuseLocked(wt, nil)
			r.acceptLocked(c, w, then)
		} else if r.picker == nil || r.able == r.promised {
			return
		}
		wt = next
	}
}

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
