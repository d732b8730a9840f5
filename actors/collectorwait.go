package actors

import (
	"context"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// This file has the waits for a collector: for an answer, for a place, and until no place is
// taken.

// take takes the next answer. It returns nil if there is none; more reports that there will be
// one, for which the waiter, if it is not nil, is listed.
func (c *collector[In, Out]) take(w *waiter) (t *cell[In, Out], more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w != nil {
		c.takers.remove(w)
	}
	if first := c.settled.First(); first != nil {
		c.settled.Remove(first)
		return first.Of, true
	}
	if c.places == 0 {
		return nil, false
	}
	if w != nil {
		c.takers.add(w)
	}
	return nil, true
}

// takeAll is take for an only taker. It takes all answers that are there and puts them into
// taken, which is empty.
func (c *collector[In, Out]) takeAll(taken *chain.Chain[*cell[In, Out]], w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*taken, c.settled = c.settled, *taken
	if w != nil && taken.Len() == 0 {
		c.takers.add(w)
	}
}

// retire takes a waiter off the list of those that wait for an answer. If it was woken for an
// answer that it has not taken, the next one is woken.
func (c *collector[In, Out]) retire(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.takers.remove(w) && c.settled.Len() > 0 {
		c.takers.wakeFirst()
	}
}

// idle reports whether no place is taken. Otherwise it lists the waiter.
func (c *collector[In, Out]) idle(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idlers.remove(w)
	if c.places == 0 {
		return true
	}
	c.idlers.add(w)
	return false
}

// apply takes a place for a cell if there is one. Otherwise it lists the waiter, which has a
// place when it is woken.
func (c *collector[In, Out]) apply(t *cell[In, Out], w *waiter) (entered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.enterLocked(t) {
		return true
	}
	c.submitters.add(w)
	return false
}

// occupy takes a place for a cell if its waiter has one.
func (c *collector[In, Out]) occupy(t *cell[In, Out], w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.listed {
		return false
	}
	c.unsettled.Push(&t.link)
	return true
}

// withdraw ends the wait for a place. It gives up a place that the waiter has.
func (c *collector[In, Out]) withdraw(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.submitters.remove(w) {
		c.vacateLocked()
	}
}

// lookAgain makes the handlers that wait look for deadlocks.
func (c *collector[In, Out]) lookAgain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked.signalAll()
}

// pause returns when one of the channels is ready, or when the caller should look again. If
// the caller is a handler of the pool and waits in vain, pause cancels a task. With any, the
// caller goes on when any task settles; otherwise it waits for all of them, one after
// another.
func (c *collector[In, Out]) pause(anyTask bool, a, b, d <-chan struct{}) {
	if c.ctx != context.Background() && c.engine.OfHandler(c.ctx) {
		c.pauseInHandler(anyTask, a, b, d)
		return
	}
	select {
	case <-a:
	case <-b:
	case <-d:
	}
}

func (c *collector[In, Out]) pauseInHandler(anyTask bool, a, b, d <-chan struct{}) {
	self := newWaiter()
	c.block(self)
	defer c.unblock(self)
	n := 1
	if anyTask {
		n = 0
	}
	cells := c.use(n)
	defer func() {
		for _, t := range cells {
			t.Unlinked()
		}
	}()
	stuck, unblock, vain := c.blockOn(cells)
	if vain {
		c.engine.Cancel(&cells[0].task, errVain)
		return
	}
	defer unblock()
	select {
	case <-a:
	case <-b:
	case <-d:
	case <-self.ready:
	case <-stuck:
		if !anyTask {
			c.engine.Cancel(&cells[0].task, errVain)
		}
	}
}

var errVain = engine.Because(messages.ErrCanceled, messages.ErrDeadlock)

// blockOn records a wait of the handler that ctx belongs to, for the first of the cells that
// it does not wait for in vain. vain reports that it waits for each in vain. Otherwise stuck
// is closed when the wait becomes vain, and unblock must be called after the wait.
func (c *collector[In, Out]) blockOn(cells []*cell[In, Out]) (stuck <-chan struct{}, unblock func(), vain bool) {
	for _, t := range cells {
		stuck, unblock, err := c.engine.Blocking(c.ctx, &t.task)
		if err == nil {
			return stuck, unblock, false
		}
	}
	return nil, func() {}, len(cells) > 0
}

func (c *collector[In, Out]) block(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked.add(w)
	c.handlers.Add(1)
}

func (c *collector[In, Out]) unblock(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked.remove(w)
	c.handlers.Add(-1)
}
