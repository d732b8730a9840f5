package actors

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// A collector submits the tasks of an Each or a group and gathers their answers in the order
// in which they settle. It is safe for concurrent use.
//
// No lock of the engine is held when a collector is called, and a collector calls neither
// the engine nor user code while it holds its own.
type collector[In, Out any] struct {
	work     *handlerWork[In, Out]
	engine   *engine.Engine
	ctx      context.Context // of the tasks; its end cancels them
	max      int             // places; 0: any number
	failFast bool            // the first error cancels the tasks

	end      atomic.Pointer[collectorEnd] // why the tasks are canceled; nil: they are not
	handlers atomic.Int32                 // length of blocked; written under mu
	watched  atomic.Bool                  // the end of ctx is awaited, or about to be; written under mu, set while a place is taken

	mu        sync.Mutex
	unsettled chain.Chain[*cell[In, Out]] // guarded by mu; oldest first, also those being submitted
	settled   chain.Chain[*cell[In, Out]] // guarded by mu; not taken yet, in the order in which they settled
	places    int                         // guarded by mu; taken by the unsettled, and by submissions that have been let in
	failure   error                       // guarded by mu; the first error
	discards  bool                        // guarded by mu; nobody takes answers
	stop      func()                      // guarded by mu; ends that

	takers     waiters // guarded by mu; wait for an answer
	idlers     waiters // guarded by mu; wait until no place is taken
	submitters waiters // guarded by mu; wait for a place, and have one when they are woken
	blocked    waiters // guarded by mu; handlers of the pool that wait; they look for deadlocks
}

// A collectorEnd says why the tasks of a collector are canceled.
type collectorEnd struct {
	canceled error // the error of a task
	refused  error // the error of a later submission
}

// submit submits a task in a place that its cell has taken. If the task is rejected, the cell
// has left its place, and only the collector uses it.
func (c *collector[In, Out]) submit(t *cell[In, Out], s *engine.Spec) error {
	accepted := false
	defer func() {
		if !accepted { // also if user code has failed: ctx, or a custom dispatch
			c.leave(t)
			t.Unlinked()
		}
	}()
	c.watch()
	if end := c.end.Load(); end != nil {
		c.engine.RejectedUnder(c.ctx, end.refused)
		return end.refused
	}
	t.caller, t.in = c.ctx, t.input
	s.Bound, s.Timed = true, true
	if err := c.engine.Submit(c.ctx, &t.task, s); err != nil {
		return err
	}
	accepted = true
	if end := c.end.Load(); end != nil { // the task may have been accepted after the others were canceled
		c.cancelAll(end.canceled)
	}
	if c.handlers.Load() > 0 { // one may wait for this task, and in vain now that it is queued
		c.lookAgain()
	}
	return nil
}

// enter takes a place for a cell if there is one.
func (c *collector[In, Out]) enter(t *cell[In, Out]) (entered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enterLocked(t)
}

func (c *collector[In, Out]) enterLocked(t *cell[In, Out]) (entered bool) {
	if c.max > 0 && c.places >= c.max {
		return false
	}
	c.places++
	c.unsettled.Push(&t.link)
	return true
}

// leave gives up the place of a cell that is not submitted.
func (c *collector[In, Out]) leave(t *cell[In, Out]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsettled.Remove(&t.link)
	c.vacateLocked()
}

// settle is called when a task has been settled. The cell may be reused when it returns.
func (c *collector[In, Out]) settle(t *cell[In, Out]) {
	discards, end := c.record(t)
	if discards {
		t.discard()
	}
	if end != nil {
		c.cancelAll(end.canceled)
	}
}

// record moves a settled cell to those that are waiting to be taken, unless answers are
// discarded. end is not nil if the others must be canceled.
func (c *collector[In, Out]) record(t *cell[In, Out]) (discards bool, end *collectorEnd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsettled.Remove(&t.link)
	end = c.noteLocked(t.err)
	if !c.discards {
		c.settled.Push(&t.link)
		c.takers.wakeFirst()
	}
	c.vacateLocked()
	c.blocked.signalAll()
	return c.discards, end
}

// add adds the answer of a cell that was rejected.
func (c *collector[In, Out]) add(t *cell[In, Out]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled.Push(&t.link)
}

// failed records the error of a rejected submission.
func (c *collector[In, Out]) failed(err error) {
	c.mu.Lock()
	end := c.noteLocked(err)
	c.mu.Unlock()
	if end != nil {
		c.cancelAll(end.canceled)
	}
}

// noteLocked records the first error. It returns the reason why the tasks must be canceled if
// that is the error.
func (c *collector[In, Out]) noteLocked(err error) *collectorEnd {
	if err == nil || c.failure != nil {
		return nil
	}
	c.failure = err
	if !c.failFast {
		return nil
	}
	canceled := engine.Because(messages.ErrCanceled, err)
	end := &collectorEnd{canceled: canceled, refused: canceled}
	if !c.end.CompareAndSwap(nil, end) {
		return nil // ctx has ended, and its watch cancels the tasks
	}
	return end
}

// vacateLocked gives a place to the first that waits for one. If nobody does, the place is
// free.
func (c *collector[In, Out]) vacateLocked() {
	if c.submitters.wakeFirst() {
		return
	}
	c.places--
	if c.places == 0 {
		c.idlers.wakeAll()
		c.takers.wakeAll()
	}
}

// firstError returns the first error of a task or a rejected submission.
func (c *collector[In, Out]) firstError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// cancelAll cancels the unsettled tasks that have been accepted.
func (c *collector[In, Out]) cancelAll(err error) {
	cells := c.use(0)
	c.engine.CancelAll(func(yield func(*engine.Task) bool) {
		for _, t := range cells {
			if !yield(&t.task) {
				return
			}
		}
	}, err)
	for _, t := range cells {
		t.Unlinked()
	}
}

// use returns the oldest unsettled cells, at most n of them, or all if n is 0. The caller is
// a user of each, and must give each back by Unlinked.
func (c *collector[In, Out]) use(n int) []*cell[In, Out] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == 0 || n > c.unsettled.Len() {
		n = c.unsettled.Len()
	}
	cells := make([]*cell[In, Out], 0, n)
	for link := c.unsettled.First(); len(cells) < n; link = link.Next() {
		link.Of.users.Add(1)
		cells = append(cells, link.Of)
	}
	return cells
}

// close cancels the tasks. Answers are discarded from now on, besides those that are there
// and that nobody takes any more.
func (c *collector[In, Out]) close() {
	c.discardAnswers()
	c.cancelAll(messages.ErrCanceled)
	c.unwatch()
}

func (c *collector[In, Out]) discardAnswers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.discards = true
}
