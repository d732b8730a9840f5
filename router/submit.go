package router

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/troupe-go/troupe/messages"
)

// Mode says what a submitter can do when the queue has no room.
type Mode int

// The modes.
const (
	MayWait  Mode = iota + 1 // it can wait, or run the task itself
	NoWait                   // it can do neither
	RoomOnly                 // nor may another task be dropped for its own, or it for others
)

// Submit admits a task. If it returns nil, the task was accepted and will be
// settled exactly once; if it returns an error, the task was rejected, is counted
// as such, and Settled is not called. Submit blocks only under MayWait: with Block
// until there is room or ctx or the task's timeout ends, with CallerRuns until
// the task has run or ctx ends.
func (r *Router) Submit(ctx context.Context, c *Cell, mode Mode) error {
	err := r.submit(ctx, c, mode)
	if err != nil {
		r.rejectedFor(reasonOfRejection(ctx, err))
	}
	return err
}

// Rejected counts a task that was rejected with the given error: Submit and Tell do so
// themselves.
func (r *Router) Rejected(err error) { r.rejectedFor(messages.ReasonOf(err)) }

func (r *Router) rejectedFor(reason messages.Reason) { r.rejected[reason].Add(1) }

// reasonOfRejection is why a task was rejected with err that was submitted with ctx: the
// error that has ended that may be any.
func reasonOfRejection(ctx context.Context, err error) messages.Reason {
	if ctx != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return messages.RejectedCanceled
	}
	return messages.ReasonOf(err)
}

// Tell submits a task that nobody waits for, in a cell that the router recycles.
// fill is to describe the task; it is called under the router's lock, so it must do
// no more, and an error of it rejects the task.
func (r *Router) Tell(ctx context.Context, fill func(Body) (Mode, error)) error {
	err := r.tell(ctx, fill)
	if err != nil {
		r.rejectedFor(reasonOfRejection(ctx, err))
	}
	return err
}

func (r *Router) tell(ctx context.Context, fill func(Body) (Mode, error)) error {
	if err := ended(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	c := r.spareLocked()
	mode, err := fill(c.body)
	if err != nil {
		r.unusedLocked(c)
		r.mu.Unlock()
		return err
	}
	if _, ok := r.picker.(custom); ok || r.cfg.Tracer != nil { // code of the user's
		r.mu.Unlock()
		return r.submit(ctx, c, mode)
	}
	return r.submitLockedThenUnlock(ctx, c, mode)
}

func (r *Router) submit(ctx context.Context, c *Cell, mode Mode) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if r.cfg.Tracer != nil {
		return r.submitTraced(ctx, c, mode)
	}
	return r.admit(ctx, c, mode)
}

func (r *Router) submitTraced(ctx context.Context, c *Cell, mode Mode) (err error) {
	admitted := r.traceSubmission(ctx, c)
	err = messages.ErrGoexit // unless admit returns: a custom dispatch may end the goroutine
	defer func() { admitted(err) }()
	return r.admit(ctx, c, mode)
}

func (r *Router) admit(ctx context.Context, c *Cell, mode Mode) error {
	if choose, ok := r.picker.(custom); ok {
		if workers := *r.choice.Load(); len(workers) > 0 {
			w, err := choose.choose(c, workers)
			if err != nil {
				return err
			}
			c.worker = w
		}
	}
	if r.cfg.DeadlineCheck {
		r.noteCallersDeadline(c)
	}
	r.mu.Lock()
	return r.submitLockedThenUnlock(ctx, c, mode)
}

// maxYields is how often a submitter that finds the queue full lets others run before
// it waits in earnest. Where tasks are brief there will be room before it could have
// been put to sleep and woken.
const maxYields = 20

func (r *Router) submitLockedThenUnlock(ctx context.Context, c *Cell, mode Mode) error {
	for yields := 0; ; yields++ {
		if err := r.admissionLocked(c); err != nil {
			r.unusedLocked(c)
			r.mu.Unlock()
			return err
		}
		// If others wait there is no room, save for a task that is bound early to a
		// worker that happens to be free.
		if r.waiters.Len() == 0 || r.picker != nil {
			if w, room := r.placeLocked(c); room {
				var then after
				r.acceptLocked(c, w, &then)
				r.mu.Unlock()
				then.run()
				return nil
			}
		}
		if !r.brief || r.waiters.Len() > 0 || r.cfg.Overflow != Block || mode != MayWait ||
			yields == maxYields || yields > 0 && r.waking {
			// A worker that has been woken and has not come in the meantime is to run next
			// on another processor, which is busy. Only one that is idle takes it from there.
			return r.overflowLockedThenUnlock(ctx, c, mode)
		}
		r.mu.Unlock()
		runtime.Gosched()
		r.mu.Lock()
	}
}

// admissionLocked says why the task is not accepted even if there is room.
func (r *Router) admissionLocked(c *Cell) error {
	if err := r.refusalLocked(); err != nil {
		return err
	}
	if c.dueAt() == 0 { // else it has waited already
		r.startTimeLocked(c)
	}
	if r.cfg.DeadlineCheck {
		return r.unreachableLocked(c)
	}
	return nil
}

// ended says why nothing is done for ctx: it is nil, or over.
func ended(ctx context.Context) error {
	if ctx == nil {
		return fmt.Errorf("%w: nil context", messages.ErrInvalidOption)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
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
	if !r.short || r.unstamped >= stampEvery || r.shared.Len() < backlog || c.answered() {
		r.readClockLocked()
	}
	c.enqueued = r.clock
}

func (r *Router) readClockLocked() int64 {
	r.clock, r.unstamped = r.now(), 0
	return r.clock
}

// overflowLockedThenUnlock does what the overflow policy says.
func (r *Router) overflowLockedThenUnlock(ctx context.Context, c *Cell, mode Mode) error {
	policy := r.cfg.Overflow
	if mode == RoomOnly || mode == NoWait && (policy == Block || policy == CallerRuns) {
		policy = Reject
	}
	switch policy {
	case Block:
		r.mu.Unlock()
		return r.wait(ctx, c)
	case CallerRuns:
		return r.runInCallerLockedThenUnlock(ctx, c)
	case DropOldest, DropNewest:
		var then after
		r.dropForLocked(c, policy, &then)
		r.mu.Unlock()
		then.run()
		return nil
	default:
		r.unusedLocked(c)
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
		if victim := r.victimLocked(); victim != nil && victim.priority() <= c.priority() {
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
