package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// unreachable returns an error if a task is not worth accepting: its timeout, or its
// caller's deadline if the task is bound to its caller, would pass before the task is done.
// The estimate takes the number of tasks ahead, each at the recent mean running time, and
// ignores the rest of the running tasks. So it is optimistic.
func (e *admission) unreachable(ctx context.Context, s *Spec) error {
	left := s.Timeout
	if s.Bound {
		if at, ok := ctx.Deadline(); ok { // may run user code
			if until := time.Until(at); left == 0 || until < left {
				left = max(until, 1)
			}
		}
	}
	service := e.pace.mean()
	if left == 0 || service == 0 {
		return nil
	}
	rounds, free := e.rounds(s)
	if free {
		return nil // try it, also to learn how long tasks take now
	}
	if needed := time.Duration(service * (rounds + 1)); needed > left {
		return fmt.Errorf("%w: about %v needed, %v left", messages.ErrDeadlineUnreachable, needed, left)
	}
	return nil
}

// rounds returns how many tasks a worker runs before the given one, and whether a worker is
// free to start the task now.
func (e *admission) rounds(s *Spec) (rounds int64, free bool) {
	v := e.roster.view.Load()
	if e.late() || len(v.routees) == 0 {
		q := e.shared
		q.mu.Lock()
		defer q.mu.Unlock()
		q.sweepLocked()
		ahead := q.rings.Ahead(s.Priority) + int(q.claimed)
		if q.late != nil {
			free = ahead < q.late.freeLocked(q)
		}
		return int64(ahead / max(len(v.eligible), 1)), free
	}
	w := s.to.worker
	if w == nil {
		w = v.eligible[e.dispatch.turns.Load()%uint64(len(v.eligible))]
	}
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweepLocked()
	return int64(q.rings.Ahead(s.Priority)), w.ableLocked() && q.rings.Len() == 0
}
