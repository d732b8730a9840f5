package troupetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

const (
	// stopLimit is how long a pool may take to stop when its test ends.
	stopLimit = 10 * time.Second
	// settleLimit is how long the record of a stopped pool may take to be complete.
	settleLimit = 5 * time.Second
)

// A follower follows one pool of a system, from its spawn or from now on.
type follower struct {
	system  *actor.ActorSystem
	record  *record
	calls   *calls  // nil: those of actors, which the kit does not see
	states  *states // nil: the workers have none that the kit sees
	isIt    func(*directory.Entry) bool
	unwatch func()
	left    chan struct{} // closed when the pool has stopped

	mu       sync.Mutex
	entry    *directory.Entry // guarded by mu; nil: the pool has not been spawned
	watching bool             // guarded by mu; pools that join from now on are new
	before   span             // guarded by mu
}

// A span bounds the number of tasks that were accepted before a pool was followed.
type span struct{ least, most int64 }

// pidOf selects the pool with a PID.
func pidOf(pid *actor.PID) func(*directory.Entry) bool {
	return func(e *directory.Entry) bool {
		return pid != nil && e.PID().Id == pid.Id && e.PID().Address == pid.Address
	}
}

// named selects a pool by its name.
func named(name string) func(*directory.Entry) bool {
	return func(e *directory.Entry) bool { return e.Label == name || e.PID().Id == name }
}

// follow follows the pool that isIt selects. unwatch must be called once; finish does.
func follow(t testing.TB, system *actor.ActorSystem, c *calls, isIt func(*directory.Entry) bool) *follower {
	t.Helper()
	if system == nil {
		t.Fatal("troupetest: the actor system is nil. Give the system in which the pool is spawned.")
	}
	f := &follower{system: system, record: newRecord(), calls: c, isIt: isIt, left: make(chan struct{})}
	f.unwatch = directory.Watch(system, directory.Watcher{Joined: f.joined, Left: f.leave})
	if entry := f.watched(); entry != nil {
		least := entry.Stats().Submitted
		entry.Attach(f.journal())
		f.startAt(span{least, entry.Stats().Submitted})
	}
	return f
}

func (f *follower) journal() *journal.Journal {
	return journal.New(journal.Options{Follower: f.record})
}

// joined follows the pool if it is the one, and if it is new.
func (f *follower) joined(e *directory.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entry != nil || !f.isIt(e) {
		return
	}
	f.entry = e
	if f.watching { // it has no task yet
		f.record.noticeComplete()
		e.Attach(f.journal())
	}
}

// watched returns the pool that was there before, or nil. From now on, pools that join are
// new.
func (f *follower) watched() *directory.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watching = true
	return f.entry
}

// startAt says how many tasks had been accepted when the pool was followed.
func (f *follower) startAt(before span) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
	if before.most == 0 {
		f.record.noticeComplete()
	}
}

func (f *follower) leave(e *directory.Entry) {
	if f.pool() == e {
		close(f.left)
	}
}

// pool returns the pool, or nil if it has not been spawned.
func (f *follower) pool() *directory.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entry
}

// stopped reports whether the pool has stopped and its calls of the test's code have returned.
func (f *follower) stopped() bool {
	select {
	case <-f.left:
		return f.pool().Stats().Abandoned == 0 && f.calls.count() == 0
	default:
		return false
	}
}

// finish stops the pool and checks it.
func (f *follower) finish(t testing.TB) {
	t.Helper()
	pool := f.pool()
	defer f.unwatch()
	if !f.hasLeft() {
		f.system.Root.Stop(pool.PID())
	}
	if !within(stopLimit, f.stopped) {
		t.Error(f.stuck())
		scopes.hung(t)
	} else if !within(settleLimit, func() bool { return len(f.states.audit()) == 0 }) {
		t.Errorf("troupetest: the Workers of pool %q were not closed exactly once each.\n  %s",
			pool.Label, strings.Join(f.states.audit(), "\n  "))
	}
	var faults []string
	within(settleLimit, func() bool {
		faults = f.audit(pool.Stats())
		return len(faults) == 0
	})
	if len(faults) > 0 {
		t.Errorf("troupetest: the record of pool %q has faults. Unless you find the reason in the test, please report them as a fault of Troupe.\n  %s",
			pool.Label, strings.Join(faults, "\n  "))
	}
}

func (f *follower) hasLeft() bool {
	select {
	case <-f.left:
		return true
	default:
		return false
	}
}

// audit compares the record with the statistics of the stopped pool.
func (f *follower) audit(stats messages.Stats) []string {
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	return f.record.audit(stats, before)
}

// within waits until ok returns true, and reports whether it has within the limit. In a
// bubble of testing/synctest the limit is in virtual time.
func within(limit time.Duration, ok func() bool) bool {
	const longest = 50 * time.Millisecond
	until := time.Now().Add(limit)
	for pause := time.Millisecond; !ok(); pause = min(2*pause, longest) {
		if !time.Now().Before(until) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// poolsOf lists the pools of a system for a message.
func poolsOf(system *actor.ActorSystem) string {
	var names []string
	for _, entry := range directory.Pools(system) {
		names = append(names, entry.Label+" (PID "+entry.PID().Id+")")
	}
	return "Pools of the system: " + listed(names)
}
