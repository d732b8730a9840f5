package router

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deadline"
	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/messages"
)

// A place says where a cell is. A cell goes up, never down.
type place int8

const (
	fresh   place = iota // not accepted: just made, waiting for admission, or rejected
	queued               // in the shared queue, a worker's own, or a worker's batch
	running              // in a worker's hand, or in its caller's under CallerRuns; maybe settled
	gone                 // settled without having run
)

// A Body is what a cell carries: the work, and whoever waits for it.
type Body interface {
	// Message is what the worker's actor receives.
	Message() any
	// Run does the work and calls Cell.Finish, if the pool has a handler.
	Run()
	// Settled tells whoever waits. It is called once, when the outcome is known,
	// and must neither block nor panic.
	Settled()
	// Released is called when neither the pool nor a waiter uses the cell any
	// more, so that it may be recycled, and with it those that Cell.Link leads to.
	Released()
}

// Attrs are the attributes that few tasks have. They are never written to once
// the task has been submitted.
type Attrs struct {
	ID, Key string
	Headers map[string]string
}

// A Cell is a task on its way through the pool. Its maker fills it in with Init
// and the setters, hands it to [Router.Submit] and leaves it alone until
// Body.Settled has been called.
type Cell struct {
	router *Router
	body   Body

	// What the submitter asked for.
	caller   context.Context // its values reach the handler; nil stands for Background
	bound    bool            // the end of caller is also the end of the task
	priority int
	timeout  time.Duration // 0: none
	attrs    *Attrs        // nil: none
	sender   *actor.PID    // who gets a Result; nil: nobody

	settled atomic.Bool  // whoever sets it settles the task
	others  atomic.Int32 // users of the cell besides the last one, which releases it
	link    *Cell        // the next of a chain of released cells

	// Guarded by Router.mu.
	place  place // also written under hand.mu alone, from a batch to running
	node   queue.Node[*Cell]
	expiry deadline.Entry[*Cell]
	owner  *Worker  // whose own queue it is in or goes to; nil: the shared one
	pinned bool     // for owner alone: never handed to another worker
	waiter *waiter  // who waits for its admission; nil: nobody
	seq    int64    // its number in the order of acceptance
	ctx    *Context // while running

	// Nanoseconds on the router's clock. Written with the place.
	enqueued, started, dueAt int64

	// Written by whoever settles the task, before Body.Settled; read after it.
	worker  *Worker // who had it in hand; written when it starts
	outcome messages.Outcome
	err     error
	ended   int64
}

// Init makes c a new task of r with one user besides the pool if awaited is
// true, else with none.
func (c *Cell) Init(r *Router, body Body, awaited bool) {
	c.router, c.body = r, body
	c.caller, c.bound, c.priority, c.timeout, c.attrs, c.sender = nil, false, 0, r.cfg.TaskTimeout, nil, nil
	c.node.Value, c.expiry.Value = c, c
	c.owner, c.pinned, c.ctx, c.worker = nil, false, nil, nil
	c.outcome, c.err = 0, nil
	c.started, c.dueAt, c.seq = 0, 0, 0
	c.place = fresh
	if c.settled.Load() { // a store costs more
		c.settled.Store(false)
	}
	others := int32(0)
	if awaited {
		others = 1
	}
	if c.others.Load() != others {
		c.others.Store(others)
	}
}

// Link puts c ahead of a chain of released cells.
func (c *Cell) Link(chain *Cell) { c.link = chain }

// Unlink takes c off its chain and returns the body of the next cell, nil if there
// is none.
func (c *Cell) Unlink() Body {
	next := c.link
	c.link = nil
	if next == nil {
		return nil
	}
	return next.body
}

// SetCaller gives the handler the values of ctx. If bound is true, the end of
// ctx is also the end of the handler's context.
func (c *Cell) SetCaller(ctx context.Context, bound bool) { c.caller, c.bound = ctx, bound }

// SetPriority sets the priority: higher is served first.
func (c *Cell) SetPriority(priority int) { c.priority = priority }

// SetTimeout bounds the task's life; 0 lifts the pool's own bound.
func (c *Cell) SetTimeout(d time.Duration) { c.timeout = d }

// SetSender says who gets the [messages.Result].
func (c *Cell) SetSender(pid *actor.PID) { c.sender = pid }

// Attrs returns the task's rare attributes, making room for them.
func (c *Cell) Attrs() *Attrs {
	if c.attrs == nil {
		c.attrs = new(Attrs)
	}
	return c.attrs
}

// Outcome says how the task ended, and Err why if it did not succeed. They are
// for Body.Settled and those it tells.
func (c *Cell) Outcome() messages.Outcome { return c.outcome }

// Err is nil if and only if the outcome is Succeeded.
func (c *Cell) Err() error { return c.err }

// Context is what the handler gets. It is for the worker's actor, while it has
// the task in hand.
func (c *Cell) Context() context.Context { return c.ctx }

// Finish settles the task with what its handler returned. It is for the worker's
// actor, while it has the task in hand.
func (c *Cell) Finish(err error) { c.router.finish(c, err) }

// Release says that one user of the cell is done with it.
func (c *Cell) Release() {
	if c.released() {
		c.body.Released()
	}
}

// released says that one user of the cell is done with it, and reports whether
// that was the last.
func (c *Cell) released() bool { return c.others.Load() == 0 || c.others.Add(-1) < 0 }

// id is the task's ID or, if it has none, its number.
func (c *Cell) id() string {
	if c.attrs != nil && c.attrs.ID != "" {
		return c.attrs.ID
	}
	return strconv.FormatInt(c.seq, 10)
}

func (c *Cell) key() string {
	if c.attrs == nil {
		return ""
	}
	return c.attrs.Key
}

// Answer sends the sender, if there is one, the result of the settled task.
func (c *Cell) Answer(value any) {
	if c.sender == nil {
		return
	}
	result := &messages.Result{TaskID: c.id(), Value: value, Err: c.err, Outcome: c.outcome}
	result.Wait = time.Duration(c.ended - c.enqueued)
	if c.worker != nil {
		result.Worker = c.worker.id
	}
	if c.started > 0 {
		result.Attempts = 1
		result.Wait = time.Duration(c.started - c.enqueued)
		result.Run = time.Duration(c.ended - c.started)
	}
	c.router.deliver.Tell(c.sender, result)
}
