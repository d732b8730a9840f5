package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/internal/deadline"
)

// A timer serves all times at which something is due with one runtime timer: the deadlines
// of the queues, the retries in delays, and the alarms of the optional features.
type timer struct {
	clock
	ring func() // called when something is due

	mu      sync.Mutex
	timer   *time.Timer          // guarded by mu; nil until it is first set
	alarms  deadline.Heap[alarm] // guarded by mu
	closing bool                 // guarded by mu; close was called
	closed  bool                 // guarded by mu
	at      atomic.Int64         // when it fires, engine time; 0: not set; written under mu
}

// alarmEntry is one alarm of the timer.
type alarmEntry = deadline.Entry[alarm]

// An alarm is called when it is due, without a lock held.
type alarm interface {
	due(now int64)
}

// set makes the timer fire at the given time or earlier. If it is already set to an earlier
// time, it stays so: firing in vain costs less than a reset.
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

// addAlarm sets an alarm, which must not be set.
func (t *timer) addAlarm(entry *alarmEntry, due int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarms.Add(entry, due)
	t.setLocked(due)
}

// removeAlarm removes an alarm, and reports whether it was set.
func (t *timer) removeAlarm(entry *alarmEntry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !entry.Set() {
		return false
	}
	t.alarms.Remove(entry)
	t.closeLocked()
	return true
}

// isSet reports whether an alarm is set.
func (t *timer) isSet(entry *alarmEntry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return entry.Set()
}

// popDue removes and returns the earliest alarm if it is due, or returns nil.
func (t *timer) popDue(now int64) alarm {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, _ := t.alarms.PopDue(now)
	return a
}

// next returns when the earliest alarm is due, or 0.
func (t *timer) next() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, _ := t.alarms.Next()
	return at
}

// close stops the timer, so that nothing of a stopped pool stays alive. If alarms are left, it
// is stopped when the last one is removed.
func (t *timer) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closing = true
	t.closeLocked()
}

func (t *timer) closeLocked() {
	if !t.closing || t.alarms.Len() > 0 {
		return
	}
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.at.Store(0)
}
