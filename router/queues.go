package router

import (
	"cmp"
	"slices"

	"github.com/troupe-go/troupe/internal/queue"
	"github.com/troupe-go/troupe/messages"
)

// placeLocked says where the task goes, nil standing for the shared queue, and
// whether there is room for it. A free worker makes room for one task beyond
// the capacity: its next one.
func (r *Router) placeLocked(c *Cell) (w *Worker, room bool) {
	w = r.pickLocked(c)
	capacity := r.cfg.Capacity - min(r.delayed.Len(), r.cfg.Capacity) // what waiting retries leave of it
	promised, free := r.promised, r.able-r.promised                   // what free workers begin of their own queues, and of the shared one
	if r.paused {
		promised, free = 0, 0
	}
	if w == nil {
		if r.picker != nil { // those of the workers count as well
			capacity -= r.own - promised
		}
		if r.held > 0 && r.shared.Len()+r.held-capacity >= free {
			r.recountLocked()
		}
		return nil, r.shared.Len()+r.held-capacity < free
	}
	if w.able && w.own.Len() == 0 && r.shared.Len() < free {
		return w, true // the others that are free take what is shared
	}
	return w, r.own+r.shared.Len()-promised < capacity // the shared queue has what was handed back, if anything
}

// pickLocked returns the worker that gets the task, nil if the next free one does.
func (r *Router) pickLocked(c *Cell) *Worker {
	switch picker := r.picker.(type) {
	case nil:
		return nil
	case custom:
		if c.worker != nil && (c.worker.leaving || c.worker.sidelined) {
			return nil
		}
		return c.worker
	default:
		routees := *r.routees.Load()
		if len(routees) == 0 {
			return nil
		}
		return picker.pick(c, routees, r.choiceLocked())
	}
}

// enqueueLocked puts the task into w's own queue, or the shared one if w is nil,
// and wakes a worker for it if need be.
func (r *Router) enqueueLocked(c *Cell, w *Worker, then *after) {
	c.worker = w
	if w == nil {
		c.place = shared
		if r.held > 0 {
			r.recallLateLocked(r.clock)
			r.yieldBatchesLocked(c.priority())
		}
		c.at = r.shared.Push(c, c.priority())
		then.schedule(r.wakeLocked())
		return
	}
	r.recallLocked(w) // it is not to wait for a batch
	c.place = own
	c.at = w.own.Push(c, c.priority())
	r.own++
	w.load.Add(1)
	w.promiseLocked()
	w.chosenLocked()
	if w.parked && w.able && !r.paused {
		then.schedule(w.unparkLocked())
	}
}

// wakeLocked starts an idle worker on its way to the shared queue, unless one is
// on its way already: that one starts the next if it finds more.
func (r *Router) wakeLocked() *Worker {
	if r.waking || r.paused || r.idle.Len() == 0 || r.shared.Len()+r.held == 0 {
		return nil
	}
	w := r.idle.First().Of.unparkLocked()
	w.waking, r.waking = true, true
	return w
}

// unqueueLocked takes a task out of its queue, which is not a batch.
func (r *Router) unqueueLocked(c *Cell) {
	switch c.place {
	case shared:
		r.shared.Remove(c.at, c.priority())
		return
	case delayed:
		r.delayed.Remove(c.at, c.priority())
		r.endAlarmLocked(&c.rare.past.due)
		return
	}
	w := c.worker
	w.own.Remove(c.at, c.priority())
	r.own--
	w.load.Add(-1)
	w.promiseLocked()
	w.chosenLocked()
}

// yieldBatchesLocked recalls the batches of tasks with a lower priority.
func (r *Router) yieldBatchesLocked(priority int) {
	for i := len(r.holders) - 1; i >= 0; i-- {
		if w := r.holders[i]; w.batchPriority < priority {
			r.recallLocked(w)
		}
	}
}

// victimLocked is the queued task that DropOldest drops: the oldest of the
// lowest priority.
func (r *Router) victimLocked() *Cell {
	r.recallAllLocked()
	var victim *Cell
	consider := func(q *queue.Queue[Cell]) {
		c := q.Lowest()
		if c != nil && (victim == nil || c.priority() < victim.priority() ||
			c.priority() == victim.priority() && c.seq < victim.seq) {
			victim = c
		}
	}
	consider(&r.shared)
	consider(&r.delayed)
	for _, w := range r.workers {
		consider(&w.own)
	}
	return victim
}

// handBackLocked gives the tasks of w's own queue, which is not in dispatch any
// more, to other workers. The tasks that were for w alone are dropped.
func (r *Router) handBackLocked(w *Worker, then *after) {
	r.moveLocked(r.withSharedLocked(w.takeOwnLocked()), then)
}

// withSharedLocked adds what has been handed back before, under custom dispatch, so
// that all of it comes back in order.
func (r *Router) withSharedLocked(cells []*Cell) []*Cell {
	if _, picked := r.picker.(custom); picked && len(cells) > 0 {
		cells = append(cells, r.emptySharedLocked()...)
	}
	return cells
}

// emptySharedLocked takes all tasks out of the shared queue, but for those in batches.
func (r *Router) emptySharedLocked() (cells []*Cell) {
	for c := r.shared.Pop(); c != nil; c = r.shared.Pop() {
		cells = append(cells, c)
	}
	return cells
}

// rebalanceLocked lets keyed tasks follow their keys, after a change of the
// workers. Those without a key stay where they are.
func (r *Router) rebalanceLocked(then *after) {
	if _, keyed := r.picker.(*consistentHash); !keyed || r.own == 0 {
		return
	}
	var cells []*Cell
	for _, w := range *r.routees.Load() {
		cells = append(cells, w.takeOwnLocked()...)
	}
	sortByOrder(cells)
	for _, c := range cells {
		if c.key() == "" || c.pinned() {
			r.enqueueLocked(c, c.worker, then)
		} else {
			r.dealLocked(c, then)
		}
	}
}

// adoptSharedLocked binds the tasks that were accepted while there was no worker
// to bind them to.
func (r *Router) adoptSharedLocked(then *after) {
	if _, unkeyed := r.picker.(custom); r.picker == nil || unkeyed {
		return
	}
	r.moveLocked(r.emptySharedLocked(), then)
}

// order is the place of the task among those of its priority: by acceptance or, if it
// has been queued again since, behind those that had been accepted by then.
func (c *Cell) order() int64 {
	if past := c.past(); past != nil {
		return 2*past.order + 1
	}
	return 2 * c.seq
}

// before reports whether c is to be taken before d.
func (c *Cell) before(d *Cell) bool {
	if c.priority() != d.priority() {
		return c.priority() > d.priority()
	}
	return compareOrder(c, d) < 0
}

// compareOrder compares the places of tasks of one priority. Of those that have been
// queued again between the same two acceptances, the one that was due first is first.
func compareOrder(c, d *Cell) int {
	return cmp.Or(cmp.Compare(c.order(), d.order()), cmp.Compare(c.enqueued, d.enqueued))
}

func sortByOrder(cells []*Cell) { slices.SortStableFunc(cells, compareOrder) }

// moveLocked queues tasks anew that are in no queue, in the order they were
// accepted, whether there is room or not.
func (r *Router) moveLocked(cells []*Cell, then *after) {
	sortByOrder(cells)
	for _, c := range cells {
		switch {
		case !c.pinned():
			r.dealLocked(c, then)
		case c.worker.leaving:
			r.settleQueuedLocked(c, messages.Dropped, errWorkerGone, then)
		default:
			r.enqueueLocked(c, c.worker, then)
		}
	}
}

// dealLocked picks a worker anew for a task that is in no queue.
func (r *Router) dealLocked(c *Cell, then *after) {
	w := r.pickLocked(c)
	if r.picker != nil {
		r.picker.accepted(c)
	}
	_, keyed := r.picker.(*consistentHash)
	var wait *Context // maybe for this very task
	if w != nil {
		wait = w.waitLocked()
	}
	if wait != nil && !keyed {
		w = nil
	}
	r.enqueueLocked(c, w, then)
	if wait != nil && keyed && r.waitsForLocked(wait.awaited, w) {
		r.endWaitsLocked()
	}
}
