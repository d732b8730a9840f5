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
	shared               // in the shared queue, or in a worker's batch
	own                  // in its worker's own queue
	delayed              // waiting for the time of its next attempt
	running              // in its worker's hand, or in its caller's under CallerRuns; maybe settled
	gone                 // settled while it was in no hand
)

// A Body is what a cell carries: the work, and whoever waits for it.
type Body interface {
	// Message is what the worker's actor receives.
	Message() any
	// Run does the work and calls [Context.Finish], if the pool has a handler.
	Run(ctx *Context)
	// Payload is what the handler is given.
	Payload() any
	// Again makes a cell of r with the same work, which nobody waits for.
	Again(r *Router) *Cell
	// Settled tells whoever waits. It is called once, when the outcome is known, with
	// the reason if that is not success. It must neither block nor panic.
	Settled(err error)
	// Released is called at most once, when the pool does not use the cell any more,
	// maybe under the router's lock. It must neither block nor call the router. A cell
	// that the router made is to forget its task; it is used again.
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
// Body.Settled has been called. [Router.Tell] makes and recycles its own.
//
// A cell is kept small, for a short task costs mostly what its cell costs to bring
// into the cache: what is known of it only while it is in a hand is in the [hold].
type Cell struct {
	body   Body
	caller context.Context // its values reach the handler; nil stands for Background
	rare   *rare           // nil: nothing in it; written by the maker or under Router.mu, in no queue

	worker   *Worker     // guarded as place is; whose queue or hand it is in; nil: nobody's
	at       queue.Place // guarded by Router.mu; where in a queue it is, or was last
	seq      int64       // its number in the order of acceptance; written then, under Router.mu
	enqueued int64       // on the router's clock; likewise

	settled uint32 // 1 once the task is settled; atomic, but for Init
	place   place  // guarded by Router.mu and, while its worker has a batch, by that worker's hand.mu too
	outcome int8   // a messages.Outcome; written by whoever settles the task, read after Body.Settled
	pooled  bool   // the router made it and recycles it
	bound   bool   // the end of caller is also the end of the task
}

// rare is what few tasks need.
type rare struct {
	attrs     *Attrs                // nil: none
	sender    *actor.PID            // who gets a Result; nil: nobody
	priority  int                   // higher is served first
	pinned    bool                  // for its worker alone, never handed to another
	timeout   time.Duration         // 0: none
	dueAt     int64                 // on the router's clock; 0: never
	callerDue int64                 // when its caller's deadline ends it, likewise; kept for Config.DeadlineCheck
	expiry    deadline.Entry[alarm] // guarded by Router.mu
	waiter    *waiter               // guarded by Router.mu; who waits for its admission, if it has a timeout
	past      *history              // nil: it has not been tried before

	// Of a settled task that has a sender.
	started, ended int64 // on the router's clock; started is 0 if it was in no hand then
}

// Init makes c, which is new or has been cleared, a task of r.
func (c *Cell) Init(r *Router, body Body) {
	c.body, c.settled = body, 0
	if r.cfg.TaskTimeout > 0 {
		c.SetTimeout(r.cfg.TaskTimeout)
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
func (c *Cell) SetPriority(priority int) {
	if priority != 0 || c.rare != nil {
		c.makeRare().priority = priority
	}
}

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

func (c *Cell) priority() int {
	if c.rare == nil {
		return 0
	}
	return c.rare.priority
}

func (c *Cell) pinned() bool { return c.rare != nil && c.rare.pinned }

// answered reports whether somebody gets a Result.
func (c *Cell) answered() bool { return c.rare != nil && c.rare.sender != nil }

// dueAt is when the task's time is up; 0: never.
func (c *Cell) dueAt() int64 {
	if c.rare == nil {
		return 0
	}
	return c.rare.dueAt
}

// Outcome says how the task ended. It is for Body.Settled and those it tells.
func (c *Cell) Outcome() messages.Outcome { return messages.Outcome(c.outcome) }

// Context is what the handler gets. It is for the worker's actor, while it has
// the task in hand.
func (c *Cell) Context() *Context { return c.worker.hold.ctx }

// Clear makes a cell that nobody uses any more as good as new, so that it keeps
// nothing of its task alive.
func (c *Cell) Clear() {
	c.caller, c.worker = nil, nil
	c.place, c.outcome, c.bound = fresh, 0, false
	if c.rare != nil {
		*c.rare = rare{}
	}
}

// settleOnce reports whether the caller is the one to settle the task.
func (c *Cell) settleOnce() bool { return atomic.CompareAndSwapUint32(&c.settled, 0, 1) }

func (c *Cell) isSettled() bool { return atomic.LoadUint32(&c.settled) == 1 }

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

// Answer sends the sender of the settled task, if there is one, the result.
func (c *Cell) Answer(r *Router, value any, err error) {
	if !c.answered() {
		return
	}
	result := &messages.Result{TaskID: c.id(), Value: value, Err: err, Outcome: c.Outcome()}
	accepted, ran := c.enqueued, int64(0)
	if past := c.past(); past != nil {
		result.Worker, result.Attempts = past.worker, past.attempts
		accepted, ran = past.accepted, past.ran
	}
	started, ended := c.rare.started, c.rare.ended
	if started > 0 {
		result.Worker = ""
		if c.worker != nil {
			result.Worker = c.worker.id
		}
		result.Attempts++
		ran += ended - started
	}
	result.Run = time.Duration(ran)
	result.Wait = time.Duration(ended - accepted - ran)
	r.deliver.Tell(c.rare.sender, result)
}

// conclude writes how the task ended, at the time now. It is for whoever settles it.
// h is nil if the task is in no hand. A task that is given up for good is in
// quarantine before anybody hears of it.
func (r *Router) conclude(c *Cell, h *hold, outcome messages.Outcome, now int64) {
	if outcome == messages.Quarantined {
		r.addQuarantined(h.attempt.entry)
	}
	c.outcome = int8(outcome)
	if c.answered() {
		c.rare.started, c.rare.ended = 0, now
		if h != nil {
			c.rare.started = h.started
		}
	}
}
