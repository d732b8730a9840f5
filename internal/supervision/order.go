package supervision

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
)

// startLimit is how long the constructor of a worker may take before others go on without it.
const startLimit = time.Second

var errHung = fmt.Errorf("worker not started: its constructor has not returned for %v: %w", startLimit, context.DeadlineExceeded)

// An order is for workers that are made one after another, on a goroutine of its own: their
// constructors, and the options of their props, are user code. The order ends with the first
// worker that cannot be made. It is safe for concurrent use.
type order struct {
	spawn func(*actor.Props) (*actor.PID, error)
	props func() *actor.Props
	hung  func()      // called when a constructor has not returned in time
	late  func()      // called for each worker after that
	done  func(error) // called when the order is over

	// Only the supervisor's goroutine uses these.
	counted  bool // in nursery.hung
	canceled bool

	mu    sync.Mutex
	timer *time.Timer  // guarded by mu
	left  int          // guarded by mu; workers that have not been made
	made  []*actor.PID // guarded by mu; those that have not been taken
	began time.Time    // guarded by mu; when the worker that is being made was begun
	slow  bool         // guarded by mu; hung has been called
	over  bool         // guarded by mu
}

// start begins to make the workers.
func (o *order) start() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.began = time.Now()
	o.timer = time.AfterFunc(startLimit, o.watch)
	go guard.Report(func() { o.end(o.makeAll()) }, func(err error) { o.end(notStarted(err)) })
}

func notStarted(err error) error { return fmt.Errorf("worker not started: %w", err) }

func (o *order) makeAll() error {
	for o.begin() {
		pid, err := o.spawn(o.props())
		if err != nil {
			return notStarted(err)
		}
		if o.add(pid) {
			o.late()
		}
	}
	return nil
}

// begin notes the time. It returns false if no further worker is wanted.
func (o *order) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.began = time.Now()
	return o.left > 0
}

// add adds a worker that has been made. It reports whether a constructor has been slow.
func (o *order) add(worker *actor.PID) (slow bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left--
	o.made = append(o.made, worker)
	return o.slow
}

func (o *order) end(err error) {
	o.mu.Lock()
	o.over = true
	o.timer.Stop()
	o.mu.Unlock()
	o.done(err)
}

// watch calls hung if the constructor that runs has not returned in time.
func (o *order) watch() {
	if o.isSlow() {
		o.hung()
	}
}

func (o *order) isSlow() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	if rest := startLimit - time.Since(o.began); rest > 0 {
		o.timer.Reset(rest)
		return false
	}
	o.slow = true
	return true
}

// take returns the workers that have been made since the last call.
func (o *order) take() []*actor.PID {
	o.mu.Lock()
	defer o.mu.Unlock()
	made := o.made
	o.made = nil
	return made
}

// cancel ends the order with the worker that is being made.
func (o *order) cancel() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left = 0
}
