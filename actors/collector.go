package actors

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// A collector submits the tasks of an Each or a group and gathers their answers in the order
// in which they settle. It is the caller of its tasks, which is how they and their handlers
// find it. It is safe for concurrent use.
//
// A task takes a place before it is submitted and leaves it when it is settled or was
// rejected. Without answers and without a bound on the places, no task needs the lock.
//
// No lock of the engine is held when a collector is called, and a collector calls neither
// the engine nor user code while it holds its own.
type collector[In, Out any] struct {
	context.Context // of the tasks; its end cancels them
	engine          *engine.Engine
	max             int  // places; 0: any number
	failFast        bool // the first error cancels the tasks
	discards        bool // nobody takes answers

	end      atomic.Pointer[collectorEnd] // why the tasks are canceled; nil: they are not
	failure  atomic.Pointer[error]        // the first error
	handlers atomic.Int32                 // length of blocked; written under mu
	watched  atomic.Bool                  // the end of the context is awaited, or about to be; written under mu, set while a place is taken
	places   atomic.Int64                 // taken places; with max, written under mu
	awaited  atomic.Bool                  // takers or idlers may wait; set under mu

	mu      sync.Mutex
	replies replies[In, Out] // guarded by mu; not taken yet
	closed  bool             // guarded by mu; no further reply is kept
	stop    func()           // guarded by mu; ends the watch on the context

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

// submit submits a task, for which a place was taken. If the task is rejected, the caller must
// leave the place when it has recorded that.
func (c *collector[In, Out]) submit(in In, s *engine.Spec) error {
	returned := false
	defer func() {
		if !returned { // user code has failed: the context, or a custom dispatch
			c.leave()
		}
	}()
	err := c.trySubmit(in, s)
	returned = true
	return err
}

func (c *collector[In, Out]) trySubmit(in In, s *engine.Spec) error {
	c.watch()
	if end := c.end.Load(); end != nil {
		c.engine.RejectedUnder(c.Context, end.refused)
		return end.refused
	}
	s.Bound, s.Told, s.Exact = true, true, !c.discards
	err := c.engine.Tell(c.Context, s, func(body engine.Body) {
		t := body.(*tellTask[In, Out])
		t.caller, t.in = c, in
	})
	if err != nil {
		return err
	}
	if end := c.end.Load(); end != nil { // the task may have been accepted after the others were canceled
		c.cancelAll(end.canceled)
	}
	if c.handlers.Load() > 0 { // one may wait for this task, and in vain now that it is queued
		c.lookAgain()
	}
	return nil
}

// refuses returns the reason why no task may start any more, or nil. A task that was accepted
// at the moment when the others were canceled may not be canceled yet.
func (c *collector[In, Out]) refuses() error {
	end := c.end.Load()
	if end == nil {
		return nil
	}
	c.cancelAll(end.canceled)
	return end.canceled
}

// enter takes a place if there is one.
func (c *collector[In, Out]) enter() (entered bool) {
	if c.max == 0 {
		c.places.Add(1)
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enterLocked()
}

func (c *collector[In, Out]) enterLocked() (entered bool) {
	if c.places.Load() >= int64(c.max) {
		return false
	}
	c.places.Add(1)
	return true
}

// leave gives a place to the first that waits for one. If nobody does, the place is free.
func (c *collector[In, Out]) leave() {
	if c.max > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.submitters.wakeFirst() && c.places.Add(-1) == 0 {
			c.wakeLocked()
		}
		return
	}
	if c.places.Add(-1) == 0 && c.awaited.Load() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.wakeLocked()
	}
}

// wakeLocked wakes those that wait until no place is taken.
func (c *collector[In, Out]) wakeLocked() {
	c.awaited.Store(false)
	c.idlers.wakeAll()
	c.takers.wakeAll()
}

// settle is called when a task has been settled. The task may be reused when it returns.
func (c *collector[In, Out]) settle(t *tellTask[In, Out], s *engine.Settlement) {
	var end *collectorEnd
	if s.Err != nil {
		end = c.note(s.Err)
	}
	if !c.discards {
		c.record(t, s)
	}
	c.leave()
	if c.handlers.Load() > 0 {
		c.lookAgain()
	}
	if end != nil {
		c.cancelAll(end.canceled)
	}
}

// record keeps the answer of a settled task.
func (c *collector[In, Out]) record(t *tellTask[In, Out], s *engine.Settlement) {
	var account engine.Account
	s.Account(&account)
	id, number := t.task.Name()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	r := c.replies.push()
	if payload, outside := s.Outside(); outside {
		r.In, _ = payload.(In)
	} else {
		r.In = t.in
	}
	r.ID, r.number, r.Err, r.Outcome = id, number, s.Err, s.Outcome
	r.Attempts, r.Worker, r.Wait, r.Run = account.Attempts, account.Worker, account.Wait, account.Run
	r.Out, _ = s.Value.(Out)
	c.takers.wakeFirst()
}

// rejected records the answer, and so the error, of a rejected submission.
func (c *collector[In, Out]) rejected(a Answer[In, Out]) {
	end := c.note(a.Err)
	if !c.discards {
		c.add(a)
	}
	if end != nil {
		c.cancelAll(end.canceled)
	}
}

func (c *collector[In, Out]) add(rejected Answer[In, Out]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replies.push().Answer = rejected
	c.takers.wakeFirst()
}

// note records the first error. It returns the reason why the tasks must be canceled if
// that is the error.
func (c *collector[In, Out]) note(err error) *collectorEnd {
	if c.failure.Load() != nil || !c.failure.CompareAndSwap(nil, &err) || !c.failFast {
		return nil
	}
	canceled := engine.Because(messages.ErrCanceled, err)
	end := &collectorEnd{canceled: canceled, refused: canceled}
	if !c.end.CompareAndSwap(nil, end) {
		return nil // the context has ended, and its watch cancels the tasks
	}
	return end
}

// firstError returns the first error of a task or a rejected submission.
func (c *collector[In, Out]) firstError() error {
	if err := c.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// cancelAll cancels the unsettled tasks that have been accepted.
func (c *collector[In, Out]) cancelAll(err error) {
	if c.places.Load() > 0 {
		c.engine.CancelAll(c.engine.TasksOf(c), err)
	}
}

// close cancels the tasks for good. No further answer is kept, and nobody takes those that are
// there.
func (c *collector[In, Out]) close() {
	c.keepNothing()
	c.cancelAll(messages.ErrCanceled)
	if stop := c.takeStop(true); stop != nil {
		stop()
	}
}

func (c *collector[In, Out]) keepNothing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed, c.replies = true, replies[In, Out]{}
}
