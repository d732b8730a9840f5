// Package lanes runs user code that nobody waits for, in order for each recipient.
package lanes

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/guard"
)

// Lanes run user code that nobody waits for. Calls for one recipient run one after another,
// in order. A call that blocks holds up the calls for its own recipient and no others. A
// goroutine exists for a recipient only while there are calls for it. Lanes are safe for
// concurrent use. The zero value has no limit.
type Lanes struct {
	// Limit is how many calls may wait for one recipient; 0: any number.
	Limit int
	// Failed is called after a call has panicked or has ended its goroutine; nil: that is
	// ignored.
	Failed func(recipient any, err error)
	// Missed is called with the number of calls beyond Limit that were not made, when calls
	// are made again; nil: they are ignored.
	Missed func(recipient any, calls int)

	busy atomic.Int64 // the number of lanes

	mu    sync.Mutex
	lanes map[any]*lane // guarded by mu; those that have calls
}

// A lane has the calls for one recipient.
type lane struct {
	calls   []func() // guarded by Lanes.mu; waiting, oldest first
	missed  int      // guarded by Lanes.mu
	blocked bool     // guarded by Lanes.mu; a call did not return in time; cleared when the next calls are taken
}

// Do makes a call, after those that wait for the same recipient. It returns false if too many
// wait: the call is not made. recipient must be comparable.
func (l *Lanes) Do(recipient any, call func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if waiting := l.lanes[recipient]; waiting != nil {
		return l.addLocked(waiting, call)
	}
	if l.lanes == nil {
		l.lanes = make(map[any]*lane)
	}
	opened := &lane{calls: []func(){call}}
	l.lanes[recipient] = opened
	l.busy.Add(1)
	go guard.GoOn(func() { l.run(recipient, opened) })
	return true
}

// DoAndWait is Do, and waits up to [guard.Limit] until the call has been made. While calls for
// the recipient block, it does not wait, unless manyCalls are waiting: then waiting slows
// down a caller that would fill the memory.
func (l *Lanes) DoAndWait(recipient any, call func()) {
	made := make(chan struct{})
	queued := l.Do(recipient, func() {
		defer close(made)
		call()
	})
	if !queued || l.blocked(recipient) {
		return
	}
	timer := time.NewTimer(guard.Limit)
	defer timer.Stop()
	select {
	case <-made:
	case <-timer.C:
		l.setBlocked(recipient)
	}
}

// manyCalls is how many calls may wait for a recipient that blocks before DoAndWait waits
// again.
const manyCalls = 1 << 14

func (l *Lanes) blocked(recipient any) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.lanes[recipient]
	return of != nil && of.blocked && len(of.calls) < manyCalls
}

func (l *Lanes) setBlocked(recipient any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.lanes[recipient]; of != nil {
		of.blocked = true
	}
}

// Behind makes a call if others for the same recipient are running or waiting. Otherwise it
// returns false: the caller may make the call itself without changing the order.
func (l *Lanes) Behind(recipient any, call func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.lanes[recipient]
	if waiting == nil {
		return false
	}
	l.addLocked(waiting, call)
	return true
}

// Idle reports whether no call is running or waiting. It takes no lock.
func (l *Lanes) Idle() bool { return l.busy.Load() == 0 }

// addLocked returns false if too many calls wait.
func (l *Lanes) addLocked(to *lane, call func()) bool {
	if l.Limit > 0 && len(to.calls) >= l.Limit {
		to.missed++
		return false
	}
	to.calls = append(to.calls, call)
	return true
}

// run makes the calls of a lane until there are none.
func (l *Lanes) run(recipient any, of *lane) {
	for {
		calls, missed := l.take(recipient, of)
		if len(calls) == 0 {
			return
		}
		if missed > 0 && l.Missed != nil {
			l.Missed(recipient, missed)
		}
		l.make(recipient, of, calls)
	}
}

// make makes calls. If one ends the goroutine, those that are left go back into the lane.
func (l *Lanes) make(recipient any, of *lane, calls []func()) {
	made := 0
	guard.Report(func() {
		for made < len(calls) {
			call := calls[made]
			calls[made] = nil
			made++
			l.report(recipient, guard.Call(call))
		}
	}, func(err error) {
		l.report(recipient, err)
		l.putBack(of, calls[made:])
	})
}

// report reports a call that has failed, unless err is nil.
func (l *Lanes) report(recipient any, err error) {
	if err != nil && l.Failed != nil {
		l.Failed(recipient, err)
	}
}

// take returns all calls that wait in a lane. It closes a lane that has none.
func (l *Lanes) take(recipient any, of *lane) (calls []func(), missed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls, missed = of.calls, of.missed
	of.calls, of.missed, of.blocked = nil, 0, false
	if len(calls) == 0 {
		delete(l.lanes, recipient)
		l.busy.Add(-1)
	}
	return calls, missed
}

func (l *Lanes) putBack(of *lane, calls []func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of.calls = append(calls, of.calls...)
}
