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

// A place says where a cell is.
type place int8

const (
	fresh   place = iota // not accepted: just made, waiting for admission, or rejected
	shared               // in the shared queue
	own                  // in its worker's own queue
	delayed              // waiting for the time of its next attempt
	batched              // in its worker's batch
	running              // in its worker's hand, or in its caller's under CallerRuns; maybe settled
	gone                 // settled while it was in no hand
)

// A Body is what a cell carries: the work, and whoever waits for it.
type Body interface {
	// Message is what the worker's actor receives.
	Message() any
	// Run does the work and calls Cell.Finish, if the pool has a handler.
	Run()
	// Payload is what the handler is given.
	Payload() any
	// Again makes a cell with the same work, which nobody waits for.
	Again() *Cell
	// Settled tells whoever waits. It is called once, when the outcome is known,
	// and must neither block nor panic.
	Settled()
	// Released is called when neither the pool nor a waiter uses the cell any
	// more, maybe under the router's lock. It is to forget the task, and may recycle
	// a cell that the router did not make. It must neither block nor call the router.
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
// Body.Settled has been called. [Router.Tell] makes and recycles its own. A cell is
// kept small: a short task costs mostly what its cell costs to bring into the cache.
type Cell struct {
	router *Router
	body   Body

	// What the submitter asked for.
	caller   context.Context // its values reach the handler; nil stands for Background
	priority int
	rare     *rare // nil: nothing in it

	settlements atomic.Uint32 // of this task and those before it in the cell
	turn        uint32        // what settlements is once the task is settled; not written while it is the pool's
	others      atomic.Int32  // users of the cell besides the last one, which releases it
	link        *Cell         // the next spare cell

	pooled  bool  // the router made it and recycles it
	bound   bool  // the end of caller is also the end of the task
	outcome int8  // a messages.Outcome; with err, written by whoever settles the task, read after Body.Settled
	pinned  bool  // guarded by Router.mu; for its worker alone, never handed to another
	place   place // guarded by Router.mu; from batched to running by hand.mu alone

	node   queue.Node[*Cell] // guarded as place is
	worker *Worker           // guarded by Router.mu; whose queue, batch or hand it is in; nil: nobody's
	ctx    *Context          // while running; written with that place
	seq    int64             // its number in the order of acceptance; written then, under Router.mu

	enqueued, started int64 // on the router's clock; started is 0 until the task is running
	err               error
}

// rare is what few tasks need.
type rare struct {
	attrs     *Attrs                // nil: none
	sender    *actor.PID            // who gets a Result; nil: nobody
	timeout   time.Duration         // 0: none
	dueAt     int64                 // on the router's clock; 0: never
	callerDue int64                 // when its caller's deadline ends it, likewise; kept for Config.DeadlineCheck
	expiry    deadline.Entry[alarm] // guarded by Router.mu
	waiter    *waiter               // guarded by Router.mu; who waits for its admission, if it has a timeout
	ended     int64                 // when it was settled, if it has a sender
	past      *history              // nil: it has not been tried before
}

// Init makes c, which is new or has been released, a task of r with one user
// besides the pool if awaited is true, else with none.
func (c *Cell) Init(r *Router, body Body, awaited bool) {
	c.router, c.body, c.node.Value = r, body, c
	if r.cfg.TaskTimeout > 0 {
		c.SetTimeout(r.cfg.TaskTimeout)
	}
	c.turn = c.settlements.Load() + 1
	others := int32(0)
	if awaited {
		others = 1
	}
	if c.others.Load() != others {
		c.others.Store(others)
	}
}

func (c *Cell) makeRare() *rare {
	if c.rare == nil {
		c.rare = new(rare)
	}
	return c.rare
}

// SetCaller gives the handler the values of ctx. If bound is true, the end of
// ctx is also the end of the handler's context.
func (c *Cell) SetCaller(ctx context.Context, bound bool) { c.caller, c.bound = ctx, bound }

// SetPriority sets the priority: higher is served first.
func (c *Cell) SetPriority(priority int) { c.priority = priority }

// SetTimeout bounds the task's life; 0 lifts the pool's own bound.
func (c *Cell) SetTimeout(d time.Duration) { c.makeRare().timeout = d }

// SetSender says who gets the [messages.Result].
func (c *Cell) SetSender(pid *actor.PID) { c.makeRare().sender = pid }

// Attrs returns the task's rare attributes, making room for them.
func (c *Cell) Attrs() *Attrs {
	x := c.makeRare()
	if x.attrs == nil {
		x.attrs = new(Attrs)
	}
	return x.attrs
}

// attrs is nil if there are none.
func (c *Cell) attrs() *Attrs {
	if c.rare == nil {
		return nil
	}
	return c.rare.attrs
}

// dueAt is when the task's time is up; 0: never.
func (c *Cell) dueAt() int64 {
	if c.rare == nil {
		return 0
	}
	return c.rare.dueAt
}

// Outcome says how the task ended, and Err why if it did not succeed. They are
// for Body.Settled and those it tells.
func (c *Cell) Outcome() messages.Outcome { return messages.Outcome(c.outcome) }

// Err is nil if and only if the outcome is Succeeded.
func (c *Cell) Err() error { return c.err }

// Router is the router that the cell was made for.
func (c *Cell) Router() *Router { return c.router }

// Context is what the handler gets. It is for the worker's actor, while it has
// the task in hand.
func (c *Cell) Context() context.Context { return c.ctx }

// Finish settles the task with what its handler returned. It is for the worker's
// actor, while it has the task in hand.
func (c *Cell) Finish(err error) { c.router.finish(c, err) }

// Release says that one user of the cell is done with it.
func (c *Cell) Release() {
	if c.released() {
		c.forget()
	}
}

// forget clears a released cell, so that it keeps nothing of its task alive.
func (c *Cell) forget() {
	c.caller, c.priority = nil, 0
	c.bound, c.outcome, c.pinned, c.place = false, 0, false, fresh
	c.worker, c.ctx, c.started, c.err = nil, nil, 0, nil
	if c.rare != nil {
		*c.rare = rare{}
	}
	c.body.Released()
}

// settleOnce reports whether the caller is the one to settle the task.
func (c *Cell) settleOnce() bool { return c.settlements.CompareAndSwap(c.turn-1, c.turn) }

func (c *Cell) isSettled() bool { return c.settlements.Load() == c.turn }

// Discard gives up a cell whose task was not submitted, or rejected.
func (c *Cell) Discard() {
	c.others.Store(0)
	c.Release()
}

// released says that one user of the cell is done with it, and reports whether
// that was the last.
func (c *Cell) released() bool { return c.others.Load() == 0 || c.others.Add(-1) < 0 }

// id is the task's ID or, if it has none, its number.
func (c *Cell) id() string {
	if attrs := c.attrs(); attrs != nil && attrs.ID != "" {
		return attrs.ID
	}
	return strconv.FormatInt(c.seq, 10)
}

func (c *Cell) key() string {
	if attrs := c.attrs(); attrs != nil {
		return attrs.Key
	}
	return ""
}

// Answer sends the sender, if there is one, the result of the settled task.
func (c *Cell) Answer(value any) {
	if c.rare == nil || c.rare.sender == nil {
		return
	}
	result := &messages.Result{TaskID: c.id(), Value: value, Err: c.err, Outcome: c.Outcome(), Attempts: c.attempts()}
	accepted, ran := c.enqueued, int64(0)
	if past := c.past(); past != nil {
		result.Worker = past.worker
		accepted, ran = past.accepted, past.ran
	}
	ended := c.rare.ended
	if c.started > 0 {
		result.Worker = ""
		if c.worker != nil {
			result.Worker = c.worker.id
		}
		ran += ended - c.started
	}
	result.Run = time.Duration(ran)
	result.Wait = time.Duration(ended - accepted - ran)
	c.router.deliver.Tell(c.rare.sender, result)
}

// conclude writes how the task ended. It is for whoever settles it. A task that is
// given up for good is in quarantine before anybody hears of it.
func (c *Cell) conclude(outcome messages.Outcome, err error, now int64) {
	if outcome == messages.Quarantined {
		c.router.addQuarantined(c.attempt().entry)
	}
	c.outcome, c.err = int8(outcome), err
	if c.rare != nil {
		c.rare.ended = now
	}
}
