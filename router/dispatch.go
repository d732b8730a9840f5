package router

import (
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// Dispatch chooses the worker for a task. A value may serve any number of pools; each
// pool keeps its own state. The zero value is invalid.
type Dispatch struct {
	name string
	pick func(task TaskView, workers Workers) int // nil unless made by Custom

	within, interval time.Duration // 0 unless made by ScatterGather or TailChopping
}

// String returns the name that flags and logs show.
func (d Dispatch) String() string { return d.name }

// Valid reports whether d was made by one of the functions of this package.
func (d Dispatch) Valid() bool { return d.name != "" }

// Pick returns the function given to [Custom], or nil for every other dispatch.
func (d Dispatch) Pick() func(task TaskView, workers Workers) int { return d.pick }

// Within returns how long tasks may take, by [ScatterGather] or [TailChopping]; 0 for every other
// dispatch.
func (d Dispatch) Within() time.Duration { return d.within }

// Interval returns the interval given to [TailChopping], or 0 for every other dispatch.
func (d Dispatch) Interval() time.Duration { return d.interval }

// Validate returns an error that wraps [messages.ErrInvalidOption] if d was not made by one of the
// functions of this package, or from arguments that make no sense.
func (d Dispatch) Validate() error {
	switch {
	case !d.Valid():
		return invalid.Option("dispatch %+v", d)
	case d.name == scatterGather && d.within <= 0, d.name == tailChopping && d.within <= 0:
		return invalid.Option("%s within %v <= 0", d.name, d.within)
	case d.name == tailChopping && d.interval <= 0:
		return invalid.Option("%s with interval %v <= 0", d.name, d.interval)
	default:
		return nil
	}
}

const (
	scatterGather = "scatter-gather"
	tailChopping  = "tail-chopping"
)

// LeastBusy leaves tasks in the pool's shared queue, from which the first worker
// to become free takes the next. No worker idles while a task waits, and a slow
// task delays no task behind it. It is the default.
func LeastBusy() Dispatch { return Dispatch{name: "least-busy"} }

// RoundRobin gives workers tasks in turn. While no worker is full, each of w workers
// gets n/w of n accepted tasks, rounded up or down, however many goroutines send. A
// worker without room is passed over.
func RoundRobin() Dispatch { return Dispatch{name: "round-robin"} }

// Random picks a worker at random, each with the same probability. A worker without
// room is passed over.
func Random() Dispatch { return Dispatch{name: "random"} }

// ConsistentHash gives all tasks of one key to one worker, in order. When a worker
// joins, leaves or is sidelined, about 1/n of the keys move to another worker, and
// their queued tasks move along; a task that is running at that moment is not waited
// for. A retry goes behind the tasks of its key that were queued meanwhile. Tasks
// without a key are dispatched round-robin.
//
// The key of a plain message is the result of its method Hash() string, if it has
// one. Hashing is by J. Lamping and E. Veach, "A Fast, Minimal Memory, Consistent Hash
// Algorithm" (2014).
func ConsistentHash() Dispatch { return Dispatch{name: "consistent-hash"} }

// Broadcast gives every message to all workers, as messages.Broadcast does for one: each gets a
// task of its own. Either all of these tasks are admitted or, with messages.ErrQueueFull, none;
// the overflow policy does not apply. Each task has a place in the ledger and an answer of its
// own, so a sender gets as many answers as there are workers. A worker gets its tasks at once, as
// with RoundRobin.
//
// All tasks of a message have its ID, its timeout and its priority. A retry stays with its
// worker, and if that is gone, the task is not retried. A task in quarantine that is requeued
// goes to one worker.
//
// Use it for pools of actors. With a handler, it is an option error.
func Broadcast() Dispatch { return Dispatch{name: "broadcast"} }

// Custom asks pick for the index of a worker in workers, which has at least one. pick
// runs on the sender's goroutine and must be safe for concurrent use. If pick panics
// or returns an invalid index, the task is rejected with an error that wraps
// [messages.ErrInvalidOption].
//
// If the picked worker leaves or is sidelined before it starts the task, the next free
// worker takes it. A retry stays with the picked worker.
func Custom(pick func(task TaskView, workers Workers) int) Dispatch {
	if pick == nil {
		return Dispatch{}
	}
	return Dispatch{name: "custom", pick: pick}
}

// ScatterGather gives each task to all workers. The first success settles the task, and the others
// are canceled: copies that have begun have their contexts ended, and answers of users' actors
// that come later are Proto.Actor dead letters. If all fail, the attempt fails with the first
// failure. The ledger counts one task and one attempt, however many copies run.
//
// A free worker takes the task from the shared queue, as with [LeastBusy]; from then on each other
// worker runs a copy before its next task. within bounds the whole life of each task, as its
// timeout does: the shorter one counts. The handler must be idempotent.
func ScatterGather(within time.Duration) Dispatch {
	return Dispatch{name: scatterGather, within: within}
}

// TailChopping gives a task to one worker and, each time the interval has passed without a success,
// to one more. After a failure it does not wait. In all other respects it behaves like
// [ScatterGather]. It shortens tail latency at the cost of a few copies.
func TailChopping(interval, within time.Duration) Dispatch {
	return Dispatch{name: tailChopping, interval: interval, within: within}
}

// TaskView is the part of a task that a custom dispatch sees.
type TaskView struct {
	ID, Key  string
	Priority int
	Headers  map[string]string // must not be changed
}

// Workers is a read-only view of the workers that take tasks. It is safe for
// concurrent use.
type Workers interface {
	// Len returns the number of workers.
	Len() int
	// ID returns the ID of the i-th worker's PID.
	ID(i int) string
	// Load returns the number of tasks that the i-th worker is running or has queued.
	// It may be outdated by the time it is returned.
	Load(i int) int
}
