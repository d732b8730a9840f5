// Package runners keeps the goroutines of a pool's workers warm: a goroutine that
// has run a worker waits for the next one instead of ending, and with it the stack
// that it has grown.
package runners

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// A Dispatcher runs functions on goroutines of its own, as many as there are
// functions at a time. It is safe for concurrent use. It must be closed.
type Dispatcher struct {
	keep int // how many idle goroutines are kept

	mu     sync.Mutex
	idle   []*runner // guarded by mu; the last one to become idle is the first to be used
	closed bool      // guarded by mu
}

var _ actor.Dispatcher = (*Dispatcher)(nil)

// runner is a goroutine. It is either in Dispatcher.idle or has a function to run.
type runner struct {
	next chan func() // holds one; closed to end the goroutine
}

// New returns a dispatcher that keeps up to the given number of idle goroutines.
func New(keep int) *Dispatcher { return &Dispatcher{keep: keep} }

// Schedule runs f on another goroutine. It may be called after Close.
func (d *Dispatcher) Schedule(f func()) {
	d.mu.Lock()
	last := len(d.idle) - 1
	if last < 0 {
		d.mu.Unlock()
		go d.run(f)
		return
	}
	r := d.idle[last]
	d.idle[last] = nil
	d.idle = d.idle[:last]
	d.mu.Unlock()
	r.next <- f
}

// Throughput is Proto.Actor's own default. A pool's workers do not ask for it.
func (d *Dispatcher) Throughput() int { return 300 }

// Close ends the idle goroutines, and those that are not as soon as they are.
func (d *Dispatcher) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, r := range d.idle {
		close(r.next)
	}
	d.idle = nil
}

// run runs f and what comes after it. If a function ends the goroutine by
// runtime.Goexit, no runner is lost but this one, which is in nobody's list.
func (d *Dispatcher) run(f func()) {
	r := &runner{next: make(chan func(), 1)}
	for ok := true; ok; f, ok = <-r.next {
		f()
		d.mu.Lock()
		if d.closed || len(d.idle) >= d.keep {
			d.mu.Unlock()
			return
		}
		d.idle = append(d.idle, r)
		d.mu.Unlock()
	}
}
