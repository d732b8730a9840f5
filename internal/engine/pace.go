package engine

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// pace knows how busy the workers are and how long tasks take, for autoscaling and for
// the deadline check.
type pace struct {
	occupied atomic.Int64 // workers that have a task, or had one when they looked last
	peak     atomic.Int64 // the largest that occupied has been since PeakBusy was called

	mu      sync.Mutex
	service int64 // guarded by mu; how long a worker is busy with a task, in the mean of late; 0: unknown
}

// busy counts workers that have got a task, or have none any more.
func (p *pace) busy(change int64) {
	n := p.occupied.Add(change)
	for {
		peak := p.peak.Load()
		if n <= peak || p.peak.CompareAndSwap(peak, n) {
			return
		}
	}
}

// PeakBusy returns the most workers that have been busy at once since the last call.
func (e *Engine) PeakBusy() int {
	peak := e.pace.peak.Swap(e.pace.occupied.Load())
	return int(max(peak, e.pace.occupied.Load()))
}

// learn learns from a worker that n tasks took so long: a moving mean, in which the
// newest counts an eighth.
func (p *pace) learn(took, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	took /= max(n, 1)
	if p.service == 0 {
		p.service = max(took, 1)
		return
	}
	p.service = max(p.service+(took-p.service)/8, 1)
}

func (p *pace) mean() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.service
}

// unreachable says why a task is not worth accepting: its timeout, or its caller's
// deadline if it is bound to that, would be over before its turn has come and it is
// done. It counts the tasks that go before it, each at the mean of what tasks have taken
// of late, and leaves aside what running tasks still need: it is rather too hopeful.
func (e *Engine) unreachable(s *Spec, to *target) error {
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
	rounds, free := e.rounds(s, to)
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
func (e *Engine) rounds(s *Spec, to *target) (rounds int64, free bool) {
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
	w := to.worker
	if w == nil {
		w = v.eligible[e.dispatch.turns.Load()%uint64(len(v.eligible))]
	}
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweepLocked()
	return int64(q.rings.Ahead(s.Priority)), w.ableLocked() && q.rings.Len() == 0
}
