package router

import (
	"slices"
	"sync"
)

// A hand is what a worker has taken: the task that it runs and, when its tasks
// are short, a batch of further ones from the shared queue. Those are still
// queued: they can be canceled, taken by an idle worker, or recalled to the queue.
// Its lock may be taken under Router.mu, not the other way round.
type hand struct {
	mu      sync.Mutex
	current *Cell // guarded by mu; nil: none
	batch   batch // guarded by mu; of one priority
}

// A batch is a list of tasks, in order, of maxBatch at most.
type batch struct {
	cells []*Cell // made when the first batch is taken
	next  int     // index of the first that has not been taken out
}

func (b *batch) len() int { return len(b.cells) - b.next }

// reset makes the room of b, which must be empty, ready for a new batch.
func (b *batch) reset() {
	if b.cells == nil {
		b.cells = make([]*Cell, 0, maxBatch)
	}
	b.cells, b.next = b.cells[:0], 0
}

// pop returns nil if there is none.
func (b *batch) pop() *Cell {
	if b.next == len(b.cells) {
		return nil
	}
	c := b.cells[b.next]
	b.cells[b.next] = nil
	b.next++
	return c
}

// last returns nil if there is none.
func (b *batch) last() *Cell {
	if b.next == len(b.cells) {
		return nil
	}
	return b.cells[len(b.cells)-1]
}

// popLast returns nil if there is none.
func (b *batch) popLast() *Cell {
	c := b.last()
	if c != nil {
		last := len(b.cells) - 1
		b.cells[last] = nil
		b.cells = b.cells[:last]
	}
	return c
}

// Tasks are short if the worker's last ones took less than shortTime each, in
// nanoseconds, and brief if less than briefTime. Short tasks are taken in batches that
// last for about batchTime, by the same measure, of maxBatch tasks at most. When
// moreover at least backlog of them are queued, only one in stampEvery is stamped with
// the time; the others take the stamp before theirs, unless their senders are to be told
// how long they waited. Tasks may turn out to take longer than the last ones: a batch
// that has lasted for lateTime, in nanoseconds, is recalled by whoever comes to the
// queue next.
const (
	briefTime = 500
	shortTime = 20_000
	batchTime = 50_000
	lateTime  = 1_000_000
	maxBatch  = 128

	backlog    = 16
	stampEvery = 16
)

// takeSharedLocked takes the next task of the shared queue and, if they are
// short, some more, into w's batch. If there is none, it takes half of another
// worker's batch. The tasks themselves are not looked at, which would bring each
// into the cache while others wait for the lock.
func (r *Router) takeSharedLocked(w *Worker, now int64) *Cell {
	r.recallLateLocked(now)
	c := r.shared.Pop()
	if c == nil {
		return r.stealLocked(w)
	}
	r.short = w.mean >= 0 && w.mean < shortTime
	r.brief = r.short && w.mean < briefTime
	if !r.short || r.picker != nil || w.breaker != breakerClosed || r.shared.Len() == 0 {
		return c
	}
	room := min(batchTime/(w.mean+1), maxBatch-1)
	w.hand.mu.Lock()
	b := &w.hand.batch
	b.reset()
	w.batchPriority = c.priority()
	b.cells = r.shared.PopMore(b.cells, w.batchPriority, int(room))
	r.countBatchLocked(w)
	w.hand.mu.Unlock()
	return c
}

// stealLocked takes half of a batch from another worker, nil if there is none.
func (r *Router) stealLocked(w *Worker) (c *Cell) {
	for len(r.holders) > 0 && c == nil {
		victim := r.holders[len(r.holders)-1]
		w.hand.mu.Lock() // two hands are only ever locked together here, under r.mu
		victim.hand.mu.Lock()
		b, from := &w.hand.batch, &victim.hand.batch
		b.reset()
		c = from.pop()
		if w.mean >= 0 && w.breaker == breakerClosed {
			for range from.len() / 2 {
				b.cells = append(b.cells, from.pop())
			}
		}
		w.batchPriority = victim.batchPriority
		r.countBatchLocked(victim)
		r.countBatchLocked(w)
		victim.hand.mu.Unlock()
		w.hand.mu.Unlock()
	}
	return c
}

// countBatchLocked brings held and holders up to date with w's batch. It needs
// w.hand.mu as well.
func (r *Router) countBatchLocked(w *Worker) {
	n := w.hand.batch.len()
	r.held += n - w.counted
	if held := w.counted > 0; held != (n > 0) {
		if held {
			last := len(r.holders) - 1
			r.holders[w.holder] = r.holders[last]
			r.holders[w.holder].holder = w.holder
			r.holders[last] = nil
			r.holders = r.holders[:last]
		} else {
			w.holder = len(r.holders)
			r.holders = append(r.holders, w)
		}
	}
	w.counted = n
}

// recountLocked makes held exact. Between recounts it is too large by the tasks
// of batches that have been begun since.
func (r *Router) recountLocked() {
	for i := len(r.holders) - 1; i >= 0; i-- {
		w := r.holders[i]
		w.hand.mu.Lock()
		r.countBatchLocked(w)
		w.hand.mu.Unlock()
	}
}

// recallLocked puts what is left of w's batch back to where it came from: the
// front of the shared queue, behind what has come back there from a batch with older
// tasks. Until mu is free, w keeps what it has in hand.
func (r *Router) recallLocked(w *Worker) {
	if w.counted == 0 {
		return
	}
	w.hand.mu.Lock()
	b := &w.hand.batch
	older := r.takeOlderLocked(b.last(), w.batchPriority)
	for c := b.popLast(); c != nil; c = b.popLast() {
		for n := len(older); n > 0 && c.before(older[n-1]); n-- {
			r.putFrontLocked(older[n-1])
			older = older[:n-1]
		}
		r.putFrontLocked(c)
	}
	for _, c := range slices.Backward(older) {
		r.putFrontLocked(c)
	}
	r.countBatchLocked(w)
	w.hand.mu.Unlock()
}

// takeOlderLocked takes the tasks out of the front of the shared queue that come before
// c, in order. c, which may be nil, and they are of the given priority.
func (r *Router) takeOlderLocked(c *Cell, priority int) (older []*Cell) {
	if c == nil {
		return nil
	}
	for first := r.shared.First(priority); first != nil && first.before(c); first = r.shared.First(priority) {
		r.shared.Remove(first.at, priority)
		older = append(older, first)
	}
	return older
}

func (r *Router) putFrontLocked(c *Cell) { c.at = r.shared.PushFront(c, c.priority()) }

// recallLateLocked recalls the batches that last for too long, now and then.
func (r *Router) recallLateLocked(now int64) {
	if r.held == 0 || now < r.lateAt {
		return
	}
	r.lateAt = now + lateTime
	for i := len(r.holders) - 1; i >= 0; i-- {
		if w := r.holders[i]; now-w.batchStart > lateTime {
			r.recallLocked(w)
		}
	}
}

func (r *Router) recallAllLocked() {
	for len(r.holders) > 0 {
		r.recallLocked(r.holders[len(r.holders)-1])
	}
}

// nextOfBatch puts done down and takes the next task of the batch in hand, nil if
// there is none: then the caller puts done down with next.
func (w *Worker) nextOfBatch(done *Cell) *Cell {
	if w.lastOfBatch {
		return nil
	}
	w.hand.mu.Lock()
	c := w.hand.batch.pop()
	if c == nil {
		w.hand.mu.Unlock()
		return nil
	}
	w.beginLocked(c)
	w.hand.mu.Unlock()
	w.putAside(done)
	if w.router.waiting.Load() {
		w.router.admitMore()
	}
	return c
}

// admitMore admits waiters when a task of a batch has been begun.
func (r *Router) admitMore() {
	var then after
	r.mu.Lock()
	r.admitLocked(&then)
	r.mu.Unlock()
	then.run()
}
