package router

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"

	"github.com/troupe-go/troupe/messages"
)

// Dispatch says which worker gets a task. A value may serve any number of
// pools; each pool keeps its own state. The zero value is invalid.
type Dispatch struct {
	name  string
	build func() picker
}

// String is the strategy's name, as flags and logs show it.
func (d Dispatch) String() string { return d.name }

// Valid reports whether d was made by one of the functions of this package.
func (d Dispatch) Valid() bool { return d.name != "" }

// LeastBusy leaves tasks in the pool's shared queue, from which the first worker
// to become free takes the next. No worker idles while a task waits and a slow
// task delays nobody behind it. It is the default.
func LeastBusy() Dispatch { return Dispatch{name: "least-busy", build: func() picker { return nil }} }

// RoundRobin gives each worker its turn, exactly: of n accepted tasks each of w
// workers gets n/w, rounded up or down, however many goroutines send.
func RoundRobin() Dispatch {
	return Dispatch{name: "round-robin", build: func() picker { return new(roundRobin) }}
}

// Random picks a worker at random, each with the same probability.
func Random() Dispatch {
	return Dispatch{name: "random", build: func() picker { return &random{next: rand.Float64()} }}
}

// ConsistentHash gives tasks of one key to one worker, in order. When a worker
// joins or leaves, about 1/n of the keys move to another, and those of their
// tasks that are still queued move along; a task that runs at that moment is
// not waited for. The same holds for the keys of a worker that is left out of the
// choice for a while. A task that is tried again goes behind those of its key that
// have been queued meanwhile. A task without a key has its round-robin turn.
//
// The key of a plain message is what its method Hash() string returns, if it
// has one. Hashing is by J. Lamping and E. Veach, "A Fast, Minimal Memory,
// Consistent Hash Algorithm" (2014).
func ConsistentHash() Dispatch {
	return Dispatch{name: "consistent-hash", build: func() picker { return &consistentHash{seed: maphash.MakeSeed()} }}
}

// Custom asks pick for the index of a worker in workers, which has at least one.
// pick runs on the sender's goroutine and must be safe for concurrent use. A
// task is rejected with an error that says so if pick panics or returns no
// valid index.
//
// If the picked worker leaves before it begins the task, or is left out of the
// choice, the next free worker takes it. A task that is tried again stays with the worker that was picked.
func Custom(pick func(task TaskView, workers Workers) int) Dispatch {
	if pick == nil {
		return Dispatch{}
	}
	return Dispatch{name: "custom", build: func() picker { return custom(pick) }}
}

// TaskView is what a custom dispatch sees of a task.
type TaskView struct {
	ID, Key  string
	Priority int
	Headers  map[string]string // must not be changed
}

// Workers is a read-only view of the workers that take tasks.
type Workers struct{ list []*Worker }

// Len is the number of workers.
func (w Workers) Len() int { return len(w.list) }

// ID is the ID of the i-th worker's PID.
func (w Workers) ID(i int) string { return w.list[i].id }

// Load is the number of tasks that the i-th worker has: in hand and in its own
// queue. It may be outdated by the time it is returned.
func (w Workers) Load(i int) int { return int(w.list[i].load.Load()) }

// A picker is the state of one pool's dispatch. Its methods are called under
// Router.mu, custom's excepted. A nil picker binds late.
type picker interface {
	// pick returns the worker for the cell: one of choice, which are those of routees
	// that are not sidelined. Both have at least one.
	pick(c *Cell, routees, choice []*Worker) *Worker
	// accepted is told when a task has been given to the worker that was picked
	// last. Until then, pick must give the same turn again.
	accepted(c *Cell)
}

type roundRobin struct{ turn uint64 }

func (p *roundRobin) pick(_ *Cell, _, choice []*Worker) *Worker {
	return choice[p.turn%uint64(len(choice))]
}

func (p *roundRobin) accepted(*Cell) { p.turn++ }

// random has the fraction of the workers that precedes the next to be picked.
type random struct{ next float64 }

func (p *random) pick(_ *Cell, _, choice []*Worker) *Worker {
	return choice[int(p.next*float64(len(choice)))]
}
func (p *random) accepted(*Cell) { p.next = rand.Float64() }

type consistentHash struct {
	seed    maphash.Seed
	keyless roundRobin
}

// pick goes by the routees, so that only the keys of a worker that is sidelined go
// to others, and come back.
func (p *consistentHash) pick(c *Cell, routees, choice []*Worker) *Worker {
	if c.key() == "" {
		return p.keyless.pick(c, routees, choice)
	}
	hash := maphash.String(p.seed, c.key())
	if w := routees[jump(hash, len(routees))]; !w.sidelined {
		return w
	}
	return choice[jump(hash, len(choice))]
}

func (p *consistentHash) accepted(c *Cell) {
	if c.key() == "" {
		p.keyless.accepted(c)
	}
}

// jump maps a key to one of n buckets so that, when n grows by one, 1/(n+1) of
// the keys move, all to the new bucket.
func jump(key uint64, n int) int {
	bucket, next := int64(-1), int64(0)
	for next < int64(n) {
		bucket = next
		key = key*2862933555777941757 + 1
		next = int64(float64(bucket+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(bucket)
}

type custom func(TaskView, Workers) int

// pick is not used: the user's function must not run under the lock, so
// choose is called before it is taken.
func (custom) pick(*Cell, []*Worker, []*Worker) *Worker { return nil }
func (custom) accepted(*Cell)                           {}

// choose asks the user's function. The error says what is wrong with its answer.
func (p custom) choose(c *Cell, workers []*Worker) (w *Worker, err error) {
	defer func() {
		if value := recover(); value != nil {
			w, err = nil, fmt.Errorf("%w: custom dispatch panicked: %v", messages.ErrInvalidOption, value)
		}
	}()
	view := TaskView{Priority: c.priority()}
	if attrs := c.attrs(); attrs != nil {
		view.ID, view.Key, view.Headers = attrs.ID, attrs.Key, attrs.Headers
	}
	i := p(view, Workers{list: workers})
	if i < 0 || i >= len(workers) {
		return nil, fmt.Errorf("%w: custom dispatch picked worker %d of %d", messages.ErrInvalidOption, i, len(workers))
	}
	return workers[i], nil
}
