package router

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/messages"
)

// Pause keeps queued tasks from being started. It reports whether it did: a pool
// that is stopping is not paused.
func (r *Router) Pause() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.phase != open {
		return false
	}
	r.paused = true
	r.recallAllLocked()
	return true
}

// Resume ends a pause.
func (r *Router) Resume() {
	var then after
	r.mu.Lock()
	r.resumeLocked(&then)
	r.mu.Unlock()
	then.run()
}

func (r *Router) resumeLocked(then *after) {
	if !r.paused {
		return
	}
	r.paused = false
	r.admitLocked(then)
	for link := r.idle.First(); link != nil; {
		w := link.Of
		link = link.Next() // before w leaves
		if w.own.Len() > 0 {
			then.schedule(w.unparkLocked())
		}
	}
	then.schedule(r.wakeLocked())
}

// Wait returns when nothing is queued or running, or ctx ends. It returns
// ErrDeadlock to one of the pool's own handlers, which would wait for itself.
func (r *Router) Wait(ctx context.Context) error {
	if r.OfHandler(ctx) {
		return messages.ErrDeadlock
	}
	r.mu.Lock()
	if r.isQuietLocked() {
		r.mu.Unlock()
		return nil
	}
	if r.quiet == nil {
		r.quiet = make(chan struct{})
	}
	quiet := r.quiet
	r.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Drain refuses new tasks and those that wait for admission, and has call called
// when the accepted ones are settled and their handlers have returned. It ends a
// pause.
func (r *Router) Drain(call func()) {
	var then after
	r.mu.Lock()
	if r.phase == open {
		r.phase = draining
		r.before = r.totalsLocked()
		r.refuseWaitersLocked(messages.ErrPoolStopped)
		r.resumeLocked(&then)
	}
	r.drained = append(r.drained, call)
	r.quietLocked(&then)
	r.mu.Unlock()
	then.run()
}

// Close refuses new tasks, drops the queued ones and cancels those that run. It
// does not wait for their handlers.
func (r *Router) Close() {
	var then after
	r.mu.Lock()
	if r.phase == open {
		r.before = r.totalsLocked()
	}
	if r.phase != closed {
		r.phase = closed
		for _, w := range r.workers {
			w.routed = false
		}
		r.setRouteesLocked(nil) // all will leave: one by one would take n²
		r.refuseWaitersLocked(messages.ErrPoolStopped)
		r.dropQueuedLocked(errDroppedByStop, &then)
		for _, w := range r.workers {
			if c := w.inHandLocked(); c != nil {
				r.interruptLocked(c, messages.Canceled, errCanceledByStop, messages.ErrPoolStopped, &then)
				r.endDeadlineLocked(c)
			}
			r.unsideLocked(w)
		}
		for c := range r.callers {
			r.interruptLocked(c, messages.Canceled, errCanceledByStop, messages.ErrPoolStopped, &then)
			r.endDeadlineLocked(c)
		}
		r.stopIdleTimerLocked()
		r.quietLocked(&then)
	}
	r.mu.Unlock()
	then.run()
}

// Fail says that no worker is left and none will come. Tasks are refused with
// err until Revive, and the queued ones are dropped.
func (r *Router) Fail(err error) {
	var then after
	r.mu.Lock()
	if r.failed == nil {
		r.failed = err
		r.refuseWaitersLocked(err)
		r.dropQueuedLocked(fmt.Errorf("%w: %w", messages.ErrDropped, err), &then)
		r.quietLocked(&then)
	}
	r.mu.Unlock()
	then.run()
}

// Revive says that workers are on their way.
func (r *Router) Revive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = nil
}

func (r *Router) refuseWaitersLocked(err error) {
	for r.waiters.Len() > 0 {
		r.endWaitLocked(r.waiters.First().Of, err)
	}
}

func (r *Router) dropQueuedLocked(err error, then *after) {
	r.recallAllLocked()
	for c := r.shared.Pop(); c != nil; c = r.shared.Pop() {
		r.settleQueuedLocked(c, messages.Dropped, err, then)
	}
	for c := r.delayed.Peek(); c != nil; c = r.delayed.Peek() {
		r.unqueueLocked(c)
		r.settleQueuedLocked(c, messages.Dropped, err, then)
	}
	for _, w := range r.workers {
		for _, c := range w.takeOwnLocked() {
			r.settleQueuedLocked(c, messages.Dropped, err, then)
		}
	}
}

// DrainReport is what became of the tasks since the drain or close began.
func (r *Router) DrainReport() messages.DrainReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.totalsLocked()
	since := func(o messages.Outcome) int64 { return now[o] - r.before[o] }
	report := messages.DrainReport{
		Finished: since(messages.Succeeded) + since(messages.Failed) + since(messages.Panicked) +
			since(messages.TimedOut) + since(messages.Quarantined),
		Canceled: since(messages.Canceled),
		Dropped:  since(messages.Dropped),
	}
	for _, w := range r.workers {
		if c := w.inHandLocked(); c != nil {
			report.Abandoned = append(report.Abandoned, c.id())
		}
	}
	for c := range r.callers {
		report.Abandoned = append(report.Abandoned, c.id())
	}
	for wt := range r.abandoned {
		if w := wt.worker; w == nil || r.byID[w.id] != w { // else it has been seen above
			report.Abandoned = append(report.Abandoned, wt.id)
		}
	}
	return report
}
