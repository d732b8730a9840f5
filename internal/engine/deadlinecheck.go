package engine

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// unreachable says why a task is not worth accepting: its timeout, or its caller's
// deadline if it is bound to that, would be over before its turn has come and it is
// done. It counts the tasks that go before it, each at the mean of what tasks have taken
// of late, and leaves aside what running tasks still need: it is rather too hopeful.
func (e *admission) unreachable(s *Spec) error {
	left := s.Timeout
	if s.Bound && s.Caller != nil {
		if at, ok := s.Caller.Deadline(); ok { // may run code of the user's
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
		return nil // it is worth a try, also to learn whether tasks still take as long
	}
	if needed := time.Duration(service * (rounds + 1)); needed > left {
		return fmt.Errorf("%w: about %v needed, %v left", messages.ErrDeadlineUnreachable, needed, left)
	}
	return nil
}

// rounds is how many tasks its worker will do before the given one, and whether a worker
// is free for it now.
func (e *admission) rounds(s *Spec) (rounds int64, free bool) {
	v := e.roster.view.Load()
	if e.late() || len(v.routees) == 0 {
		q := &e.shared
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
