package router

import (
	"fmt"
	"math"
	"time"

	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/messages"
)

// An alarm is something that is due at a time. All alarms of a pool are in one heap
// and share one timer. An implementation is a single pointer, so that it costs no
// allocation.
type alarm interface {
	// ringLocked does what is due, now that it is. It needs Router.mu.
	ringLocked(r *Router, now int64, then *after)
}

// timeUp is the alarm of a task's timeout.
type timeUp struct{ *Cell }

// ringLocked ends the task, wherever it is.
func (a timeUp) ringLocked(r *Router, _ int64, then *after) {
	c := a.Cell
	switch r.whereLocked(c) {
	case fresh:
		r.endWaitLocked(c.rare.waiter, fmt.Errorf("%w: %w", messages.ErrTaskTimeout, r.full()))
	case shared, own, delayed:
		r.unqueueLocked(c)
		r.settleQueuedLocked(c, messages.TimedOut, messages.ErrTaskTimeout, then)
	case running:
		r.interruptLocked(c, messages.TimedOut, messages.ErrTaskTimeout, messages.ErrTaskTimeout, then)
	}
}

// later is d after now, on the router's clock, or the end of all time.
func later(now int64, d time.Duration) int64 { return now + min(int64(d), math.MaxInt64-now) }

// startTimeLocked says when the task's time will be up, if it has a timeout.
func (r *Router) startTimeLocked(c *Cell) {
	if x := c.rare; x != nil && x.timeout > 0 {
		if due := later(r.readClockLocked(), x.timeout); due < math.MaxInt64 { // else it is never
			x.dueAt = due
		}
	}
}

// addDeadlineLocked has the task's time end, if it has a timeout.
func (r *Router) addDeadlineLocked(c *Cell) {
	x := c.rare
	if x == nil || x.dueAt == 0 || x.expiry.Set() {
		return
	}
	x.expiry.Value = timeUp{c}
	r.alarms.Add(&x.expiry, x.dueAt)
	r.setTimerLocked()
}

func (r *Router) endDeadlineLocked(c *Cell) {
	if x := c.rare; x != nil && x.expiry.Set() {
		r.endAlarmLocked(&x.expiry)
	}
}

// endAlarmLocked takes back an alarm that is set. Nothing of a pool is to outlive it, so
// the last one of a closed pool stops the timer.
func (r *Router) endAlarmLocked(e *deadline.Entry[alarm]) {
	r.alarms.Remove(e)
	r.stopIdleTimerLocked()
}

func (r *Router) stopIdleTimerLocked() {
	if r.phase == closed && r.alarms.Len() == 0 && r.timer != nil {
		r.timer.Stop()
		r.timerAt = 0
	}
}

// setTimerLocked sets the timer to the earliest alarm. A timer that is set too
// early is left alone: it costs less to let it fire in vain.
func (r *Router) setTimerLocked() {
	at, ok := r.alarms.Next()
	if !ok || r.timerAt != 0 && r.timerAt <= at {
		return
	}
	r.timerAt = at
	in := time.Duration(max(at-r.now(), 0))
	if r.timer == nil {
		r.timer = time.AfterFunc(in, r.ring)
	} else {
		r.timer.Reset(in)
	}
}

// ring does all that is due.
func (r *Router) ring() {
	var then after
	r.mu.Lock()
	r.timerAt = 0
	now := r.now()
	for a, due := r.alarms.PopDue(now); due; a, due = r.alarms.PopDue(now) {
		a.ringLocked(r, now, &then)
	}
	r.admitLocked(&then)
	r.quietLocked(&then)
	r.setTimerLocked()
	r.mu.Unlock()
	then.run()
}
