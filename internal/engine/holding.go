package engine

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/messages"
)

// A Holding keeps a task of a user's actor in hand after Receive has returned, until Done is
// called or the task is settled in another way. For the ledger the task is running. The
// worker goes on with messages to itself and, below its limit, with other tasks.
//
// In a race, a task that has failed at home is held by no worker until its copies have ended.
//
// The zero value, with an Outer, is the Holding of a task that was settled long ago.
type Holding struct {
	Outer   any            // what the user has of it
	engine  *Engine        // nil: there never was a task
	worker  *workerMailbox // nil: no worker has the task
	home    string         // the ID of the worker that has made the attempt
	task    *Task
	word    word // of the task while it is held
	started int64
	due     int64                // when the task's timeout is over, engine time; 0: never
	trace   *Context             // of the attempt, for the tracer; nil: there is none
	link    chain.Link[*Holding] // in holdings.tasks
	copy    *copyRun             // the task is this copy; nil: it is in the ledger
	race    *race                // ends with the task; nil: there is none

	forwarding *forwarding // a foreign actor has the task; nil: the worker's own does

	// Guarded by the lock of the queue.
	state holdState
	done  bool  // somebody ends the attempt: by Done, an answer, a panic or a restart
	err   error // what Done was given during Receive
	reply reply

	mu     sync.Mutex
	std    context.Context // guarded by mu; what Context returns; nil until needed
	cancel func(error)     // guarded by mu; set with std
	ended  error           // guarded by mu; why the attempt is over; nil while it is not
}

// A holdState says where the task of a Holding is.
type holdState int8

const (
	receiving holdState = iota // Receive has not returned yet
	kept                       // it is held
	over                       // it is settled or waits for its next attempt
)

// Done ends the attempt: the task has succeeded if err is nil, and otherwise it has failed
// and may be retried. While Receive has not returned, this takes effect when it does. Only
// the first call counts, unless the attempt is over already. Done may be called from any
// goroutine.
func (x *Holding) Done(err error) {
	switch {
	case x.engine == nil:
	case err == nil:
		x.engine.succeed(x, func() {})
	case x.claim(err):
		x.engine.failHeld(x, err)
	}
}

// claim reports whether the caller must end the attempt: nobody has called Done before, the
// attempt is not over, and Receive has returned.
func (x *Holding) claim(err error) bool {
	q := x.worker.q
	q.mu.Lock()
	defer q.mu.Unlock()
	return x.claimLocked(err)
}

func (x *Holding) claimLocked(err error) bool {
	if x.done || x.state == over {
		return false
	}
	x.done = true
	if x.state == receiving {
		x.err = err
		return false
	}
	return true
}

// Context returns a context that ends with the attempt. Its cause says why.
func (x *Holding) Context() context.Context {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.std != nil {
		return x.std
	}
	parent, stop := context.Background(), func() {}
	if x.engine != nil {
		parent = context.WithValue(parent, workerKey{}, x.home)
		if x.due > 0 {
			parent, stop = context.WithDeadlineCause(parent, x.engine.timeOf(x.due), messages.ErrTaskTimeout)
		}
	}
	std, cancel := context.WithCancelCause(parent)
	x.std, x.cancel = std, func(cause error) {
		cancel(cause)
		stop()
	}
	switch {
	case x.ended != nil:
		x.cancel(x.ended)
	case x.engine == nil:
		x.cancel(context.Canceled)
	}
	return std
}

// queue returns the queue whose lock guards the Holding.
func (x *Holding) queue() *taskQueue {
	if x.worker == nil {
		return x.engine.shared
	}
	return x.worker.q
}

// outcomes returns where the outcome of the task is counted. The lock of the queue guards it.
func (x *Holding) outcomes() *tally {
	if x.worker == nil {
		return &x.engine.shared.unstarted
	}
	return &x.worker.outcomes
}

// end ends the context of an attempt that is over, and its race.
func (x *Holding) end(cause error) {
	if x.race != nil {
		x.race.stop()
	}
	x.mu.Lock()
	if x.ended != nil {
		x.mu.Unlock()
		return
	}
	x.ended = cause
	std, cancel := x.std, x.cancel
	x.mu.Unlock()
	if cancel == nil {
		return
	}
	if cause == messages.ErrTaskTimeout { //nolint:errorlint // it is the engine's own
		awaitTimer(std)
	}
	cancel(cause)
}
