package engine

import (
	"context"
	"math"

	"github.com/troupe-go/troupe/messages"
)

// This file begins to hold tasks.

// received ends the attempt of a user's actor whose Receive has returned, or keeps the task.
func (w *workerMailbox) received(t *Task) {
	d := w.hand.special
	if !d.used() {
		w.settle(t, messages.Succeeded, nil)
		return
	}
	err := d.failure
	if x := d.holding; x != nil {
		if err == nil && w.keep(t, x) {
			return
		}
		if done := w.let(x); err == nil {
			err = done
		}
	}
	w.engine.finish(w, &w.hand, t, err)
}

// keep holds the task in hand from now on. It returns false if the attempt is over already.
func (w *workerMailbox) keep(t *Task, x *Holding) bool {
	r, q, h := w.runner, w.q, &w.hand
	q.mu.Lock()
	defer q.mu.Unlock()
	x.word = h.word.with(held)
	if x.done || h.special.copy != nil && h.special.copy.canceled || !t.swap(h.word, x.word) {
		return false
	}
	w.batch[w.at-1] = nil
	x.state, x.reply, x.race, x.copy = kept, h.special.reply, h.special.race, h.special.copy
	if x.copy != nil {
		x.copy.held = x
	}
	if h.ctx != nil {
		h.forgetContext(h.ctx)
	}
	x.link.Of = x
	hs := w.holdingsLocked()
	h.special.holdings = hs
	hs.tasks.Push(&x.link)
	if x.forwarding != nil {
		w.limitLocked(hs, x.forwarding, r.now)
	}
	if began := r.setAside(&w.engine.base, &w.pace); hs.since == 0 {
		hs.since = began
	}
	w.refreshLocked(q)
	if w.at < len(w.batch) && hs.limit < math.MaxInt { // else the worker may go on with its batch
		w.poke.Store(true)
	}
	h.special.keeps, r.holds = true, true
	r.cut = true
	return true
}

// holdingsLocked returns the holdings, and makes them first if there are none.
func (w *workerMailbox) holdingsLocked() *holdings {
	x := w.rareLocked()
	if x.holdings == nil {
		x.holdings = &holdings{limit: max(w.engine.cfg.MaxHeld, 1)}
		if w.foreign != nil && w.q.late == nil {
			x.holdings.limit = math.MaxInt
		}
	}
	return x.holdings
}

// let ends the holding of a task whose attempt ends with Receive. It returns what Done was given
// before.
func (w *workerMailbox) let(x *Holding) error {
	w.q.mu.Lock()
	x.state = over
	err := x.err
	w.q.mu.Unlock()
	x.end(context.Canceled)
	return err
}
