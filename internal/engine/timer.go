package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/internal/deadline"
)

// A timer has all that is due at a time behind one runtime timer: the deadlines of the
// queues, the retries of delays, and the alarms of the optional features.
type timer struct {
	ring func() // called when something is due

	mu     sync.Mutex
	timer  *time.Timer          // guarded by mu; nil until it is set first
	alarms deadline.Heap[alarm] // guarded by mu
	closed bool                 // guarded by mu
	at     atomic.Int64         // when it fires, engine time; 0: it is not set; written under mu
}

// An alarm does what is due, when it is due. It is called without a lock.
type alarm interface {
	due(e *Engine, now int64, then *after)
}

// set has the timer fire at the given time at the latest. A timer that is set too early
// is left alone: it costs less to let it fire in vain.
func (t *timer) set(e *Engine, due int64) {
	if at := t.at.Load(); at != 0 && at <= due {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setLocked(e, due)
}

func (t *timer) setLocked(e *Engine, due int64) {
	if at := t.at.Load(); t.closed || at != 0 && at <= due {
		return
	}
	t.at.Store(due)
	in := time.Duration(max(due-e.now(), 0))
	if t.timer == nil {
		t.timer = time.AfterFunc(in, t.ring)
	} else {
		t.timer.Reset(in)
	}
}

// addAlarm sets an alarm.
func (t *timer) addAlarm(e *Engine, entry *deadline.Entry[alarm], due int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarms.Add(entry, due)
	t.setLocked(e, due)
}

// removeAlarm takes back an alarm, and reports whether it was set.
func (t *timer) removeAlarm(entry *deadline.Entry[alarm]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !entry.Set() {
		return false
	}
	t.alarms.Remove(entry)
	return true
}

// popDue returns the earliest alarm that is due, or nil.
func (t *timer) popDue(now int64) alarm {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, _ := t.alarms.PopDue(now)
	return a
}

// next is when the earliest alarm is due, or 0.
func (t *timer) next() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, _ := t.alarms.Next()
	return at
}

// close stops the timer, if no alarm is left, since nothing of a pool may outlive it.
func (t *timer) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.alarms.Len() > 0 {
		return
	}
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.at.Store(0)
}

// ring does all that is due, the earliest first as far as it is of one kind.
func (e *Engine) ring() {
	e.timer.mu.Lock()
	e.timer.at.Store(0)
	e.timer.mu.Unlock()
	now, next := e.now(), int64(0)
	soonest := func(at int64) {
		if at > 0 && (next == 0 || at < next) {
			next = at
		}
	}
	var then after
	for _, q := range e.queues() {
		due, at := q.popAllDue(now)
		for _, d := range due {
			e.timeUp(d, &then)
		}
		soonest(at)
	}
	soonest(e.releaseDue(now, &then))
	for a := e.timer.popDue(now); a != nil; a = e.timer.popDue(now) {
		a.due(e, now, &then)
	}
	soonest(e.timer.next())
	if next > 0 {
		e.timer.set(e, next)
	}
	then.run(e)
	e.progressed()
}

// popAllDue removes the deadlines that are over, and says when the next one is.
func (q *taskQueue) popAllDue(now int64) (due []taskDeadline, next int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deadlines == nil {
		return nil, 0
	}
	for d, ok := q.deadlines.popDueLocked(now); ok; d, ok = q.deadlines.popDueLocked(now) {
		due = append(due, d)
	}
	return due, q.deadlines.nextLocked()
}

// queues returns all queues, for what need not see them at one moment.
func (e *Engine) queues() []*taskQueue {
	queues := []*taskQueue{&e.shared}
	if e.late() {
		return queues
	}
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	for _, w := range e.roster.workers {
		queues = append(queues, w.q)
	}
	return queues
}
