package router

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// unreachableLocked says why a task is not worth accepting: its time, or its caller's
// if it is bound to that, would be up before its turn has come and it has been done.
// It counts the tasks that go before it, each at the mean of what tasks have taken of
// late, and leaves aside what the tasks in hand still need: it is rather too hopeful.
func (r *Router) unreachableLocked(c *Cell) error {
	due := c.dueAt()
	if x := c.rare; x != nil && x.callerDue > 0 && (due == 0 || x.callerDue < due) {
		due = x.callerDue
	}
	if due == 0 || r.service == 0 {
		return nil
	}
	rounds, free := r.roundsLocked(c)
	if free {
		return nil // it is worth a try, also to learn whether tasks still take as long
	}
	needed := time.Duration(r.service * (rounds + 1))
	if left := time.Duration(due - r.now()); needed > left {
		return fmt.Errorf("%w: about %v needed, %v left", messages.ErrDeadlineUnreachable, needed, left)
	}
	return nil
}

// noteCallersDeadline is called before the task is submitted: it may run code of the
// user's, so not under the lock.
func (r *Router) noteCallersDeadline(c *Cell) {
	if !c.bound || c.caller == nil {
		return
	}
	if at, ok := c.caller.Deadline(); ok {
		c.makeRare().callerDue = max(int64(at.Sub(r.epoch)), 1)
	}
}

// roundsLocked is how many tasks its worker will do before the given one, and whether
// a worker is free for it now.
func (r *Router) roundsLocked(c *Cell) (rounds int64, free bool) {
	if w := r.pickLocked(c); w != nil {
		return int64(w.own.Ahead(c.priority())), w.able && w.own.Len() == 0
	}
	workers := len(r.choiceLocked())
	ahead := r.shared.Ahead(c.priority()) + r.held
	return int64(ahead / max(workers, 1)), ahead < r.able-r.promised
}

// learnServiceLocked learns from a worker that has put down what it had taken: a
// moving mean, in which the newest counts an eighth.
func (r *Router) learnServiceLocked(w *Worker, now int64) {
	took := (now - w.batchStart) / max(w.begun, 1)
	if r.service == 0 {
		r.service = max(took, 1)
		return
	}
	r.service = max(r.service+(took-r.service)/8, 1)
}
