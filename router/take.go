package router

import (
	"sync"

	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/messages"
)

// A job is what a worker does next. At most one field is set; none: it has been
// parked and its goroutine must end.
type job struct {
	system any
	mail   any
	cell   *Cell
}

func (j job) none() bool { return j.system == nil && j.mail == nil && j.cell == nil }

// A hand is what a worker has taken: the task that it runs and, when its tasks
// are short, a batch of further ones from the shared queue. Those are still
// queued: they can be canceled, taken by an idle worker, or recalled to the queue.
// Its lock may be taken under Router.mu, not the other way round.
type hand struct {
	mu      sync.Mutex
	current *Cell              // guarded by mu; nil: none
	batch   queue.Queue[*Cell] // guarded by mu; of one priority, without deadlines and senders
}

// Short tasks are taken in batches that last for about batchTime, by the time that
// the worker's last tasks took, of maxBatch tasks at most. When moreover at least
// backlog of them are queued, only one in stampEvery is stamped with the time; the
// others take the stamp before theirs.
const (
	maxBatch  = 32
	batchTime = 10_000 // nanoseconds

	backlog    = 16
	stampEvery = 8
)

// next parks w or gives it something to do: system messages first, then mail,
// then tasks of its own queue, then of the shared one. done is the task that w
// has just had in hand, nil if none; now is the time. It is called by w's
// goroutine only.
func (r *Router) next(w *Worker, done *Cell, now int64) job {
	if done != nil {
		w.dropContext(done)
		w.measureBatch(now)
	}
	var then after
	r.mu.Lock()
	r.clock, r.unstamped = now, 0
	if w.waking {
		w.waking, r.waking = false, false
	}
	if done != nil {
		r.putDownLocked(w, done)
	}
	j := r.jobLocked(w, now)
	if r.waiters.first != nil {
		r.admitLocked(&then)
		if j.none() {
			j = r.jobLocked(w, now)
		}
	}
	var spares *Cell
	parked := j.none()
	if parked {
		spares = w.takeSpares()
		w.parkLocked()
		r.quietLocked(&then)
	}
	then.schedule(r.wakeLocked())
	r.mu.Unlock()

	switch {
	case done == nil:
	case parked: // w may be another goroutine's by now
		done.Release()
	default:
		w.release(done)
	}
	if spares != nil {
		spares.body.Released()
	}
	then.run()
	return j
}

func (r *Router) jobLocked(w *Worker, now int64) job {
	if msg, ok := w.system.pop(); ok {
		return job{system: msg}
	}
	if w.suspended || w.leaving {
		return job{}
	}
	if msg, ok := w.mail.pop(); ok {
		return job{mail: msg}
	}
	if !w.able || r.paused {
		return job{}
	}
	c, ok := w.own.Pop()
	if ok {
		r.own--
		w.promiseLocked()
	} else if c, ok = r.takeSharedLocked(w); ok {
		w.load.Add(1)
	} else {
		return job{}
	}
	w.taken = true
	w.refreshLocked()
	r.busy++
	w.batchStart = now
	c.worker = w
	w.hand.mu.Lock()
	w.beginLocked(c)
	w.hand.mu.Unlock()
	return job{cell: c}
}

// takeSharedLocked takes the next task of the shared queue and, if they are
// short, some more, into w's batch. If there is none, it takes half of another
// worker's batch.
func (r *Router) takeSharedLocked(w *Worker) (*Cell, bool) {
	c, ok := r.shared.Pop()
	if !ok {
		return r.stealLocked(w)
	}
	r.short = w.mean >= 0 && w.mean < batchTime
	if !r.short || !c.batchable() {
		return c, true
	}
	w.hand.mu.Lock()
	r.shared.MoveTo(&w.hand.batch, int(min(batchTime/(w.mean+1), maxBatch-1)), func(more *Cell) bool {
		if more.priority != c.priority || !more.batchable() {
			return false
		}
		more.place, more.worker = batched, w
		return true
	})
	w.batchPriority = c.priority
	r.countBatchLocked(w)
	w.hand.mu.Unlock()
	return c, true
}

// batchable reports whether the task may be taken before the one ahead of it has
// been done: it must need neither the time nor a deadline.
func (c *Cell) batchable() bool { return c.rare == nil || c.rare.dueAt == 0 && c.rare.sender == nil }

// stealLocked takes half of a batch from another worker.
func (r *Router) stealLocked(w *Worker) (c *Cell, ok bool) {
	for len(r.holders) > 0 && !ok {
		victim := r.holders[len(r.holders)-1]
		w.hand.mu.Lock() // two hands are only ever locked together here, under r.mu
		victim.hand.mu.Lock()
		c, ok = victim.hand.batch.Pop()
		if ok && w.mean >= 0 {
			victim.hand.batch.MoveTo(&w.hand.batch, victim.hand.batch.Len()/2, func(more *Cell) bool {
				more.worker = w
				return true
			})
		}
		w.batchPriority = victim.batchPriority
		r.countBatchLocked(victim)
		r.countBatchLocked(w)
		victim.hand.mu.Unlock()
		w.hand.mu.Unlock()
	}
	return c, ok
}

// countBatchLocked brings held and holders up to date with w's batch. It needs
// w.hand.mu as well.
func (r *Router) countBatchLocked(w *Worker) {
	n := w.hand.batch.Len()
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
// front of the shared queue.
func (r *Router) recallLocked(w *Worker) {
	if w.counted == 0 {
		return
	}
	w.hand.mu.Lock()
	for c, ok := w.hand.batch.PopLast(); ok; c, ok = w.hand.batch.PopLast() {
		c.place, c.worker = shared, nil
		r.shared.PushFront(&c.node, c.priority)
	}
	r.countBatchLocked(w)
	w.hand.mu.Unlock()
}

func (r *Router) recallAllLocked() {
	for len(r.holders) > 0 {
		r.recallLocked(r.holders[len(r.holders)-1])
	}
}

// beginLocked takes c in hand. It needs hand.mu.
func (w *Worker) beginLocked(c *Cell) {
	c.started = w.batchStart
	c.ctx = w.contextFor(c)
	c.place = running
	w.hand.current = c
	w.lastOfBatch = w.hand.batch.Len() == 0
}

// nextOfBatch puts done down and takes the next task of the batch in hand, nil if
// there is none: then the caller puts done down with next.
func (w *Worker) nextOfBatch(done *Cell) *Cell {
	if w.lastOfBatch {
		return nil
	}
	w.dropContext(done)
	w.hand.mu.Lock()
	c, ok := w.hand.batch.Pop()
	if !ok {
		w.hand.mu.Unlock()
		return nil
	}
	w.beginLocked(c)
	w.hand.mu.Unlock()
	w.release(done)
	if w.router.waiting.Load() {
		w.router.admitMore()
	}
	return c
}

// release says that the pool is done with c. Cells to be recycled are handed back
// in chains: one at a time would cost as much as the rest of a short task.
func (w *Worker) release(c *Cell) {
	if !c.released() {
		return
	}
	c.link = w.spares
	w.spares = c
	if w.spareCount++; w.spareCount >= maxBatch {
		w.takeSpares().body.Released()
	}
}

func (w *Worker) takeSpares() *Cell {
	spares := w.spares
	w.spares, w.spareCount = nil, 0
	return spares
}

// admitMore admits waiters when a task of a batch has been begun.
func (r *Router) admitMore() {
	var then after
	r.mu.Lock()
	r.admitLocked(&then)
	r.mu.Unlock()
	then.run()
}

// dropContext ends the context of a task that has been done, if it was used.
func (w *Worker) dropContext(done *Cell) {
	if done.ctx.used.Load() {
		done.ctx.release()
		w.lastCtx = nil
	}
}

// settle gives the task in hand its outcome, unless it has one, and tells whoever
// waits. It is for the worker's goroutine.
func (w *Worker) settle(c *Cell, outcome messages.Outcome, err error) {
	w.settled = true
	won := c.settled.CompareAndSwap(false, true)
	if won {
		if w.untimed == 0 {
			w.batchWait = c.started - c.enqueued
		}
		w.untimed++
		w.outcomes[outcome].Add(1)
	}
	if w.lastOfBatch {
		w.clock = w.router.now()
		w.measureBatch(w.clock)
	}
	if won {
		c.conclude(outcome, err, w.clock)
		c.body.Settled()
	}
}

// measure records n tasks that took the given time together, and learns how
// short tasks are: at once when they are longer, slowly when they are shorter.
func (w *Worker) measure(n, wait, took, now int64) {
	w.router.meter.Record(w.shard, n, wait, took, now)
	w.ran.Add(took)
	if mean := took / n; mean > w.mean {
		w.mean = mean
	} else {
		w.mean = (7*w.mean + mean) / 8
	}
}

// measureBatch records the tasks of a batch that were not timed one by one.
func (w *Worker) measureBatch(now int64) {
	if w.untimed > 0 {
		w.measure(w.untimed, w.batchWait, now-w.batchStart, now)
		w.untimed = 0
	}
}

// putDownLocked says that w has no longer the settled task in hand, which was its
// last.
func (r *Router) putDownLocked(w *Worker, c *Cell) {
	r.recallLocked(w)
	w.hand.mu.Lock()
	w.hand.current = nil
	w.hand.mu.Unlock()
	w.taken = false
	w.load.Add(-1)
	r.busy--
	r.endDeadlineLocked(c)
	w.refreshLocked()
}

// quietLocked tells whoever waits for it that nothing is queued or running, if so.
func (r *Router) quietLocked(then *after) {
	if r.quiet == nil && r.drained == nil || !r.isQuietLocked() {
		return
	}
	if r.quiet != nil {
		close(r.quiet)
		r.quiet = nil
	}
	then.calls = append(then.calls, r.drained...)
	r.drained = nil
}

func (r *Router) isQuietLocked() bool {
	return r.shared.Len() == 0 && r.own == 0 && r.busy == 0 && len(r.callers) == 0
}
