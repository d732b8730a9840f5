package actors

import (
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/internal/engine"
	"github.com/troupe-go/troupe/messages"
)

// A cell is a task whose answer a collector gathers. It is reused, once the engine, the
// collector and those who are about to cancel it are done with it.
type cell[In, Out any] struct {
	job[In, Out]
	collector *collector[In, Out]
	link      chain.Link[*cell[In, Out]] // in a chain of the collector, which guards it
	input     In                         // for the answer, since the job drops its own when it is released
	users     atomic.Int32               // those besides the last one, who recycles the cell

	// What became of the task; written before the collector is told.
	outcome   messages.Outcome
	account   engine.Account
	refusedID string // the ID of a task that was rejected
}

var _ engine.Body = (*cell[int, int])(nil)

// Run implements engine.Body. It does not call the handler once the tasks of the collector
// have been canceled: a task that was accepted at the same moment may not be canceled yet.
func (c *cell[In, Out]) Run(ctx *engine.Context) error {
	if end := c.collector.end.Load(); end != nil {
		c.collector.engine.Cancel(&c.task, end.canceled)
		return end.canceled
	}
	return c.job.Run(ctx)
}

// Settled implements engine.Body.
func (c *cell[In, Out]) Settled(s *engine.Settlement) {
	c.err, c.outcome = s.Err, s.Outcome
	s.Account(&c.account)
	c.collector.settle(c)
}

// refuse is what Settled is for a task that was rejected.
func (c *cell[In, Out]) refuse(id string, err error) {
	c.err, c.outcome, c.refusedID = err, messages.Rejected, id
}

// Unlinked implements engine.Body. It is for the other users as well, when they are done.
func (c *cell[In, Out]) Unlinked() {
	if c.users.Add(-1) < 0 {
		c.recycle()
	}
}

// discard gives up the collector's use of a cell that it does not have any more.
func (c *cell[In, Out]) discard() {
	var in In
	c.input = in
	c.Unlinked()
}

// recycle makes a cell ready for another task.
func (c *cell[In, Out]) recycle() {
	var in In
	c.clear()
	c.collector, c.input, c.account, c.refusedID = nil, in, engine.Account{}, ""
	c.work.cells.Put(c)
}
