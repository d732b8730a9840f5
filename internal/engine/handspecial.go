package engine

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/ctxext"

	"github.com/troupe-go/troupe/guard"
)

// A handSpecial has what concerns the task in hand only in some pools: what a user's actor has done about
// it, and its copies. Only the goroutine that runs the worker uses it, except where noted.
type handSpecial struct {
	worker   *workerMailbox
	holding  *Holding  // written under hand.mu; nil: the task ends when Receive returns
	holdings *holdings // of the worker; nil: it has never held a task
	failure  error     // the task fails with it when Receive returns; nil: it does not
	reply    reply
	keeps    bool // the task is held from now on

	copy   *copyRun // the task is this copy; nil: it is in the ledger
	race   *race    // of the task; written under hand.mu; nil: it has no copies
	parted bool     // the task has left the hand, to wait for its copies
}

// A reply says how a worker has answered a task.
type reply struct {
	given    bool                   // the sender has its answer
	withheld *actor.MessageEnvelope // an answer that stands for a failure: sent if the task fails for good
}

// specialID is the identity of a handSpecial among the extensions of an actor's context. Proto.Actor gives
// out one for the whole program.
var specialID = ctxext.NextContextExtensionID() //nolint:gochecknoglobals // see above: it is a constant

// ExtensionID implements ctxext.ContextExtension.
func (*handSpecial) ExtensionID() ctxext.ContextExtensionID { return specialID }

// furnish gives the worker its handSpecial, before it reads its first message.
func (w *workerMailbox) furnish() {
	if w.hand.special == nil && (!w.engine.cfg.Handled || w.engine.races.plan != nil) {
		w.hand.special = &handSpecial{worker: w}
	}
	if !w.engine.cfg.Handled {
		w.invoker.(actor.Context).Set(w.hand.special)
	}
}

// specialOf returns the handSpecial of the actor that ctx belongs to; nil: it is no worker.
func specialOf(ctx actor.Context) *handSpecial {
	if specialID < shortest {
		d, _ := ctx.Get(specialID).(*handSpecial)
		return d
	}
	var extension ctxext.ContextExtension
	_ = guard.Call(func() { extension = ctx.Get(specialID) }) // it panics if the list is too short for the ID
	d, _ := extension.(*handSpecial)
	return d
}

// shortest is the least length of Proto.Actor's list of extensions, which an ID is an index of.
const shortest = 3

// Hold keeps the task that the actor of ctx receives in hand after Receive has returned. If
// that was done before, it returns the same Holding; otherwise the one that fresh returns.
// Outside of a task, that one is settled.
func Hold(ctx actor.Context, fresh func() *Holding) *Holding {
	d := specialOf(ctx)
	if d == nil || d.worker.hand.task == nil {
		return fresh()
	}
	if d.holding != nil {
		return d.holding
	}
	w, h := d.worker, &d.worker.hand
	x := fresh()
	x.engine, x.worker, x.home, x.task = w.engine, w, h.worker, h.task
	x.started, x.due, x.trace = h.startOf(h.task), h.task.due, h.ctx
	h.mu.Lock()
	defer h.mu.Unlock()
	d.holding = x
	if h.interrupted {
		d.overLocked()
		x.ended = h.cause
	}
	return x
}

// Fail makes the task that the actor of ctx receives fail with err when Receive returns. It
// does nothing outside of a task, or if err is nil.
func Fail(ctx actor.Context, err error) {
	if d := specialOf(ctx); d != nil && d.worker.hand.task != nil && err != nil && d.failure == nil {
		d.failure = err
	}
}

// overLocked ends the holding of a task that was settled from outside, and returns it. It
// returns nil if there is none. hand.mu and the lock of the worker's queue are held, or hand.mu
// on the goroutine that runs the worker.
func (d *handSpecial) overLocked() *Holding {
	if d == nil || d.holding == nil {
		return nil
	}
	d.holding.state = over
	return d.holding
}

// holdingInHand returns the Holding of the task in hand; nil: there is none.
func (h *hand) holdingInHand() *Holding {
	if h.special == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.special.holding
}

// clear makes d ready for the next task.
func (d *handSpecial) clear(h *hand) {
	if d.holding != nil {
		h.mu.Lock()
		d.holding = nil
		h.mu.Unlock()
	}
	d.failure, d.reply, d.keeps, d.parted = nil, reply{}, false, false
}

// used reports whether the actor has done anything about its task that matters when Receive
// returns.
func (d *handSpecial) used() bool { return d != nil && (d.holding != nil || d.failure != nil) }
