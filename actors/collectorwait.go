package actors

import (
	"context"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// This file has the waits for a collector: for an answer, for a place, and until no place is
// taken.

// take takes the next answer. ok is false if there is none; more reports that there will be
// one, for which the waiter is listed.
func (c *collector[In, Out]) take(w *waiter) (r reply[In, Out], ok, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takers.remove(w)
	if !c.replies.empty() {
		return c.replies.pop(), true, true
	}
	c.takers.add(w)
	if c.vacantLocked() {
		c.takers.remove(w)
		return r, false, false
	}
	return r, false, true
}

// vacantLocked reports whether no place is taken. Otherwise those that are listed are woken
// when that is so: whoever leaves the last place looks at awaited afterwards.
func (c *collector[In, Out]) vacantLocked() bool {
	c.awaited.Store(true)
	return c.places.Load() == 0
}

// takeAll is take for an only taker. It takes all answers that are there and puts them into
// taken, which is empty. If there are none, it lists the waiter, unless that is nil.
func (c *collector[In, Out]) takeAll(taken *replies[In, Out], w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*taken, c.replies = c.replies, *taken
	if w != nil && taken.empty() {
		c.takers.add(w)
	}
}

// retire takes a waiter off the list of those that wait for an answer. If it was woken for an
// answer that it has not taken, the next one is woken.
func (c *collector[In, Out]) retire(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.takers.remove(w) && !c.replies.empty() {
		c.takers.wakeFirst()
	}
}

// idle reports whether no place is taken. Otherwise it lists the waiter.
func (c *collector[In, Out]) idle(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idlers.remove(w)
	c.idlers.add(w)
	if c.vacantLocked() {
		c.idlers.remove(w)
		return true
	}
	return false
}

// apply takes a place if there is one. Otherwise it lists the waiter, which has a place when
// it is woken.
func (c *collector[In, Out]) apply(w *waiter) (entered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.enterLocked() {
		return true
	}
	c.submitters.add(w)
	return false
}

// placed reports whether a waiter has a place.
func (c *collector[In, Out]) placed(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !w.listed
}

// withdraw ends the wait for a place. It gives up a place that the waiter has.
func (c *collector[In, Out]) withdraw(w *waiter) {
	if !c.unlist(w) {
		c.leave()
	}
}

func (c *collector[In, Out]) unlist(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.submitters.remove(w)
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
	if c.Context != context.Background() && c.engine.OfHandler(c.Context) {
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
	tasks := c.engine.TasksOf(c)
	if !anyTask && len(tasks) > 1 {
		tasks = tasks[:1]
	}
	stuck, unblock, vain := c.blockOn(tasks)
	if vain {
		c.engine.CancelAll(tasks[:1], errVain)
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
			c.engine.CancelAll(tasks[:1], errVain)
		}
	}
}

var errVain = engine.Because(messages.ErrCanceled, messages.ErrDeadlock)

// blockOn records a wait of the handler that the context belongs to, for the first of the
// tasks that it does not wait for in vain. vain reports that it waits for each in vain.
// Otherwise stuck is closed when the wait becomes vain, and unblock must be called after the
// wait.
func (c *collector[In, Out]) blockOn(tasks []engine.Ref) (stuck <-chan struct{}, unblock func(), vain bool) {
	for _, t := range tasks {
		stuck, unblock, err := c.engine.BlockingOn(c.Context, t)
		if err == nil {
			return stuck, unblock, false
		}
	}
	return nil, func() {}, len(tasks) > 0
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
