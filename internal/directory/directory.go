// Package directory lists the pools of an actor system, for whoever shows them all. An
// actor system has its own, as one of its processes: it is there while there is
// something in it.
package directory

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/messages"
)

// A Pool is what the directory lists. Its methods are safe for concurrent use, also
// after it has stopped.
type Pool interface {
	PID() *actor.PID
	Stats() messages.Stats
	// Histograms are those of the attempts' waiting and running times.
	Histograms() (wait, run meter.Histogram)
	// Attach has the pool's tasks recorded in a journal, Detach no longer.
	Attach(j *journal.Journal)
	Detach(j *journal.Journal)

	Pause()
	Resume()
	Resize(ctx context.Context, size int) error

	// Quarantines reports whether the pool has a quarantine.
	Quarantines() bool
	Quarantine() []messages.QuarantinedTask
	Requeue(numbers ...int64) (int, error)
	DeleteQuarantined(numbers ...int64) int
}

// An Entry is one pool of the directory.
type Entry struct {
	Pool
	// Label tells the pool from all others that are there: it is the pool's name, save
	// where another has that already. It is in UTF-8, as those want it who show it.
	Label string
	// Since is when the pool joined, before it did anything.
	Since time.Time

	snapshots snapshots
}

// A Watcher is told of the pools that come and go, one at a time. Joined is called for
// those that are there as well. Neither may call the directory.
type Watcher struct{ Joined, Left func(*Entry) }

// name is that of the directory's process. No actor has it by chance, for a child of
// "troupe" is no pool's business, and no user's name has a slash.
const name = "troupe/directory"

type directory struct {
	system *actor.ActorSystem

	mu       sync.Mutex
	pools    []*Entry   // guarded by mu; in the order they came
	watchers []*Watcher // guarded by mu
	closed   bool       // guarded by mu; it is empty, and its name is free
}

// Pools lists the pools of the system, in the order they were spawned.
func Pools(system *actor.ActorSystem) []*Entry {
	d, _ := system.ProcessRegistry.GetLocal(name)
	if d, ok := d.(*directory); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		return slices.Clone(d.pools)
	}
	return nil
}

// Join adds a pool, until leave is called, which must be called once.
func Join(system *actor.ActorSystem, pool Pool, called string) (leave func()) {
	entry := &Entry{Pool: pool, Since: time.Now()}
	d := change(system, func(d *directory) {
		entry.Label = d.labelLocked(called, pool.PID().Id)
		d.pools = append(d.pools, entry)
		for _, w := range d.watchers {
			w.Joined(entry)
		}
	})
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.pools = without(d.pools, entry)
		for _, w := range d.watchers {
			w.Left(entry)
		}
		d.closeIfEmptyLocked()
	}
}

// Watch has the watcher told of pools, until stop is called, which must be called once.
func Watch(system *actor.ActorSystem, w Watcher) (stop func()) {
	d := change(system, func(d *directory) {
		d.watchers = append(d.watchers, &w)
		for _, entry := range d.pools {
			w.Joined(entry)
		}
	})
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.watchers = without(d.watchers, &w)
		d.closeIfEmptyLocked()
	}
}

// change changes the system's directory, under its lock, and returns it.
func change(system *actor.ActorSystem, how func(*directory)) *directory {
	for {
		// A new one each time, for others may close what has just been registered. What is
		// not, since another process has the name, lists for nobody.
		d := &directory{system: system}
		if _, added := system.ProcessRegistry.Add(d, name); !added {
			there, ok := system.ProcessRegistry.GetLocal(name)
			if !ok {
				continue // it has just been closed
			}
			if known, ok := there.(*directory); ok {
				d = known
			}
		}
		if d.changed(how) {
			return d
		}
		runtime.Gosched() // it has just been closed
	}
}

// changed reports false for a directory that is closed.
func (d *directory) changed(how func(*directory)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	how(d)
	return true
}

func (d *directory) closeIfEmptyLocked() {
	if len(d.pools) == 0 && len(d.watchers) == 0 {
		d.closed = true
		if there, _ := d.system.ProcessRegistry.GetLocal(name); there == actor.Process(d) { // else the name is another's
			d.system.ProcessRegistry.Remove(d.system.NewLocalPID(name))
		}
	}
}

// labelLocked returns a label for a pool that no other has.
func (d *directory) labelLocked(called, id string) string {
	label, id := strings.ToValidUTF8(called, "\ufffd"), strings.ToValidUTF8(id, "\ufffd")
	for n := 1; slices.ContainsFunc(d.pools, func(e *Entry) bool { return e.Label == label }); n++ {
		label = id
		if n > 1 {
			label = fmt.Sprintf("%s#%d", id, n)
		}
	}
	return label
}

// without leaves the list that others may be reading as it is.
func without[T any](list []*T, unwanted *T) []*T {
	return slices.DeleteFunc(slices.Clone(list), func(x *T) bool { return x == unwanted })
}

var _ actor.Process = (*directory)(nil)

// SendUserMessage implements [actor.Process]: nobody has anything to tell a directory.
func (d *directory) SendUserMessage(pid *actor.PID, message any) {
	d.system.DeadLetter.SendUserMessage(pid, message)
}

// SendSystemMessage implements [actor.Process].
func (d *directory) SendSystemMessage(pid *actor.PID, message any) {
	d.system.DeadLetter.SendSystemMessage(pid, message)
}

// Stop implements [actor.Process]: a directory ends by itself.
func (d *directory) Stop(*actor.PID) {}
