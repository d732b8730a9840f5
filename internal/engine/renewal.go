package engine

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Recycling says when workers are recycled: a worker gets a new state or, in a pool of user
// actors, a successor. The zero value turns recycling off.
type Recycling struct {
	MaxTasks    int           // attempts; 0: any number
	MaxAge      time.Duration // 0: any age
	IdleTimeout time.Duration // 0: a worker may be idle forever
}

// recycling counts the recycled workers of a pool.
type recycling struct {
	count atomic.Int64
	// away is the worker that is being recycled for its age; nil: none is. Workers that
	// started together must not all be away at the same time.
	away atomic.Pointer[Worker]
}

// A renewal says when a worker is to be recycled. The lock of the worker's queue guards it.
type renewal struct {
	limits *Recycling
	worker *workerMailbox
	age    alarmEntry
	idle   alarmEntry
	since  int64 // when the worker got its state, or became idle, whichever is later; engine time
	born   int64 // when the worker got its state, or the actor started; 0: there is none
	old    bool  // it has reached its age
	rested bool  // it has been idle for the timeout
}

// The alarms of a renewal.
type (
	ageAlarm  struct{ *renewal }
	idleAlarm struct{ *renewal }
)

func newRenewal(w *workerMailbox) *renewal {
	x := &renewal{limits: &w.engine.cfg.Recycling, worker: w}
	x.age.Value, x.idle.Value = ageAlarm{x}, idleAlarm{x}
	return x
}

// startLocked begins the life of a state or of an actor.
func (x *renewal) startLocked(now int64) {
	x.stopLocked()
	if x.worker.leaving.Load() {
		return
	}
	x.born, x.since = now, now
	timer := &x.worker.engine.timer
	if x.limits.MaxAge > 0 {
		timer.addAlarm(&x.age, later(now, x.limits.MaxAge))
	}
	if x.limits.IdleTimeout > 0 {
		timer.addAlarm(&x.idle, later(now, x.limits.IdleTimeout))
	}
}

// stopLocked ends the life of a state or of an actor.
func (x *renewal) stopLocked() {
	timer := &x.worker.engine.timer
	timer.removeAlarm(&x.age)
	timer.removeAlarm(&x.idle)
	x.born, x.old, x.rested = 0, false, false
}

// usedLocked records that the worker has had a task.
func (x *renewal) usedLocked(now int64) {
	x.since = max(x.since, now)
	if x.rested { // the task came before the worker had found that
		x.rested = false
		x.worker.engine.timer.addAlarm(&x.idle, later(x.since, x.limits.IdleTimeout))
	}
}

// due implements alarm.
func (a ageAlarm) due(now int64) {
	w := a.worker
	w.q.mu.Lock()
	wake := false
	if a.born > 0 && now >= later(a.born, a.limits.MaxAge) { // else the worker has been renewed meanwhile
		a.old = true
		wake = w.summonLocked()
	}
	w.q.mu.Unlock()
	if wake {
		w.engine.sched.schedule(&w.Worker)
	}
}

// due implements alarm. If the worker has not been idle for long enough, the alarm is set
// again.
func (a idleAlarm) due(now int64) {
	w := a.worker
	w.q.mu.Lock()
	wake := false
	// If the alarm is set, the worker has been renewed meanwhile.
	if a.born > 0 && !w.engine.timer.isSet(&a.idle) {
		again := later(a.since, a.limits.IdleTimeout)
		// An unused actor is as good as its successor.
		if w.busyLocked() || w.hand.state == nil && w.handled.Load() == 0 {
			again = later(now, a.limits.IdleTimeout)
		}
		if again > now {
			w.engine.timer.addAlarm(&a.idle, again)
		} else {
			a.rested = true
			wake = w.summonLocked()
		}
	}
	w.q.mu.Unlock()
	if wake {
		w.engine.sched.schedule(&w.Worker)
	}
}

// summonLocked makes the worker visit its queue. If it returns true, the caller must
// schedule the worker.
func (w *Worker) summonLocked() bool {
	w.poke.Store(true)
	return w.unparkLocked(w.q)
}

// renewal returns when the worker is to be recycled; nil: never.
func (w *Worker) renewal() *renewal {
	if w.rare == nil {
		return nil
	}
	return w.rare.renewal
}

// wornOutLocked reports whether a worker with a renewal is to be recycled before its next task.
func (w *workerMailbox) wornOutLocked() bool {
	x := w.rare.renewal
	if x.born == 0 {
		return false
	}
	if limit := x.limits.MaxTasks; limit > 0 && int(w.handled.Load()) >= limit {
		return true
	}
	away := &w.engine.recycling.away
	return x.old && (away.Load() == &w.Worker || away.CompareAndSwap(nil, &w.Worker))
}

// restedLocked reports whether the worker, which has found no task, has been idle for too
// long.
func (w *workerMailbox) restedLocked() bool {
	x := w.renewal()
	return x != nil && x.rested
}

// startLife makes the worker's state, if it needs one, and begins the life of the state or
// of the actor. It returns false if the state could not be made: the supervisor knows.
func (w *workerMailbox) startLife() bool {
	if !w.openState() {
		return false
	}
	w.q.mu.Lock()
	w.failedStarts = 0
	w.handled.Store(0)
	if w.engine.recycles && w.foreign == nil {
		x := w.rareLocked()
		if x.renewal == nil {
			x.renewal = newRenewal(w)
		}
		x.renewal.startLocked(w.engine.now())
	}
	w.q.mu.Unlock()
	w.engine.startFailure.Store(nil)
	w.engine.isBack(&w.Worker)
	return true
}

// recycle gives the worker a new state. A user's actor stops, and the supervisor replaces
// it.
func (w *workerMailbox) recycle() {
	w.engine.recycling.count.Add(1)
	if w.hand.state == nil {
		w.recycled.Store(true)
		w.post(&w.system, new(actor.Stop))
		return
	}
	w.closeState()
	w.startLife()
}

// rest recycles a worker that has been idle for too long. A state is closed, and the next
// one is made before the next task.
func (w *workerMailbox) rest() {
	if w.hand.state == nil {
		w.recycle()
		return
	}
	w.engine.recycling.count.Add(1)
	w.closeState()
}

// isBack ends the absence of a worker that was recycled for its age: it has a new state, or
// is gone. The next old worker may be recycled.
func (e *core) isBack(w *Worker) {
	if !e.recycles || !e.recycling.away.CompareAndSwap(w, nil) {
		return
	}
	for old := range e.roster.everyWorker {
		old.q.mu.Lock()
		x := old.renewal()
		wake := x != nil && x.old && old.summonLocked()
		old.q.mu.Unlock()
		if wake {
			e.sched.schedule(old)
		}
	}
}

// claimable returns how many of n tasks the worker may claim at once.
func (w *Worker) claimable(n int) int {
	x := w.rare
	switch {
	case x == nil:
		return n
	case x.holdings != nil && x.holdings.limit < math.MaxInt: // a task that it holds ends the batch
		return 1
	case x.breaker != breakerClosed:
		return 1
	case x.renewal != nil && x.renewal.limits.MaxTasks > 0:
		return max(min(n, x.renewal.limits.MaxTasks-int(w.handled.Load())), 1)
	default:
		return n
	}
}
