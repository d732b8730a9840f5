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
	clock
	ring func() // called when something is due

	mu     sync.Mutex
	timer  *time.Timer          // guarded by mu; nil until it is set first
	alarms deadline.Heap[alarm] // guarded by mu
	closed bool                 // guarded by mu
	at     atomic.Int64         // when it fires, engine time; 0: it is not set; written under mu
}

// alarmEntry is one alarm of the timer.
type alarmEntry = deadline.Entry[alarm]

// An alarm does what is due, when it is due. It is called without a lock.
type alarm interface {
	due(now int64)
}

// set has the timer fire at the given time at the latest. A timer that is set too early
// is left alone: it costs less to let it fire in vain.
func (t *timer) set(due int64) {
	if at := t.at.Load(); at != 0 && at <= due {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setLocked(due)
}

func (t *timer) setLocked(due int64) {
	if at := t.at.Load(); t.closed || at != 0 && at <= due {
		return
	}
	t.at.Store(due)
	in := time.Duration(max(due-t.now(), 0))
	if t.timer == nil {
		t.timer = time.AfterFunc(in, t.ring)
	} else {
		t.timer.Reset(in)
	}
}

// addAlarm sets an alarm.
func (t *timer) addAlarm(entry *alarmEntry, due int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarms.Add(entry, due)
	t.setLocked(due)
}

// removeAlarm takes back an alarm, and reports whether it was set.
func (t *timer) removeAlarm(entry *alarmEntry) bool {
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
