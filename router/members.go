package router

import (
	"cmp"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// joinLocked lets a worker that has been spawned take tasks.
func (r *Router) joinLocked(w *Worker, then *after) {
	w.started = true
	w.shard = uint32(len(r.workers))
	w.index = len(r.workers)
	r.workers = append(r.workers, w)
	r.byID[w.id] = w
	// Appending in place is seen by nobody: a snapshot has its own length, and one
	// that is shorter has its capacity clipped.
	r.setRouteesLocked(append(*r.routees.Load(), w))
	w.routed = true
	w.refreshLocked()
	r.adoptSharedLocked(then)
	r.relieveLocked(then)
	r.rebalanceLocked(then)
	then.schedule(w.unparkLocked()) // its Started message waits
	r.admitLocked(then)
}

// leave takes w out of dispatch for good. Its queued tasks go to other workers.
func (r *Router) leave(w *Worker) {
	var then after
	r.mu.Lock()
	r.leaveLocked(w, &then)
	r.mu.Unlock()
	then.run()
}

func (r *Router) leaveLocked(w *Worker, then *after) {
	if w.leaving {
		return
	}
	w.leaving = true
	w.refreshLocked()
	r.recallLocked(w)
	if w.routed {
		// The last worker moves into the gap, so that consistent hashing moves the
		// keys of two workers at most.
		workers := slices.Clone(*r.routees.Load())
		last := len(workers) - 1
		workers[slices.Index(workers, w)] = workers[last]
		w.routed = false
		r.setRouteesLocked(slices.Clip(workers[:last]))
	}
	r.unsideLocked(w)
	r.handBackLocked(w, then)
	r.rebalanceLocked(then)
	r.keepOneLocked(then)
	r.quietLocked(then)
}

// suspend keeps w from working while its supervisor decides, or ends that.
func (r *Router) suspend(w *Worker, suspended bool) {
	var then after
	r.mu.Lock()
	r.suspendLocked(w, suspended)
	if w.delayed && !suspended {
		w.delayed = false
		r.readmitLocked(w, &then)
	}
	r.mu.Unlock()
	then.run()
}

func (r *Router) suspendLocked(w *Worker, suspended bool) {
	w.suspended = suspended
	r.recallLocked(w)
	w.refreshLocked()
}

// suspendFailed suspends w. A resume that still waits was for what came before the
// failure.
func (r *Router) suspendFailed(w *Worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.suspendLocked(w, true)
	w.system.drop(func(message any) bool { _, resume := message.(*actor.ResumeMailbox); return resume })
}

// BeginResize announces that many workers may join.
func (r *Router) BeginResize() {}

// EndResize says that the last of them has joined.
func (r *Router) EndResize() {}

// Retire takes all but stay workers out of dispatch, the last ones and before them
// those that are sidelined, and returns their PIDs. They finish what they have in hand.
func (r *Router) Retire(stay int) []*actor.PID {
	var then after
	var pids []*actor.PID
	r.mu.Lock()
	workers := *r.routees.Load()
	stay = min(stay, len(workers)) // others may have left meanwhile
	if r.sidelined > 0 {
		// The first to go are those that are of no use now.
		workers = slices.Clone(workers)
		slices.SortStableFunc(workers, func(a, b *Worker) int { return cmp.Compare(sidelinedLast(a), sidelinedLast(b)) })
	}
	for _, w := range workers[stay:] {
		w.routed = false
	}
	r.setRouteesLocked(slices.Clip(workers[:stay])) // clipped, so that nothing is appended in place
	for _, w := range workers[stay:] {
		r.leaveLocked(w, &then)
		pids = append(pids, w.pid)
	}
	r.mu.Unlock()
	then.run()
	return pids
}

func sidelinedLast(w *Worker) int {
	if w.sidelined {
		return 1
	}
	return 0
}

// RetireWorker takes the worker with the given PID, or that stands for it, out
// of dispatch and returns its PID; nil if there is none.
func (r *Router) RetireWorker(pid *actor.PID) *actor.PID {
	var then after
	defer then.run()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range *r.routees.Load() {
		if w.address().Equal(pid) {
			r.leaveLocked(w, &then)
			return w.pid
		}
	}
	return nil
}

// Remove forgets a worker that has stopped. It reports whether the worker had
// settled any task, and whether it is the watchdog that gave it up.
func (r *Router) Remove(pid *actor.PID) (worked, abandoned bool) {
	r.mu.Lock()
	w := r.byID[pid.Id]
	if w == nil {
		r.mu.Unlock()
		return false, false
	}
	worked = w.retried > 0
	delete(r.byID, w.id)
	last := r.workers[len(r.workers)-1]
	r.workers[w.index], last.index = last, w.index
	r.workers[len(r.workers)-1] = nil
	r.workers = r.workers[:len(r.workers)-1]
	for o := range w.outcomes {
		n := w.outcomes[o].Load()
		r.departed[o] += n
		worked = worked || n > 0
	}
	r.restarts += w.restarts.Load()
	r.addCountersLocked(w.counters)
	mail := w.mail.waiting()
	w.mail = fifo{}
	r.mu.Unlock()
	for _, message := range mail {
		r.deliver.DeadLetter(pid, message)
	}
	return worked, w.abandoned.Load()
}

// Replaced counts a worker that has been replaced.
func (r *Router) Replaced() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replaced++
}

// Barren is how many times in a row the worker has failed to start.
func (r *Router) Barren(pid *actor.PID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.byID[pid.Id]; w != nil {
		return int(w.barren.Load())
	}
	return 0
}

// Lost says how many workers are gone for good.
func (r *Router) Lost(n int) { r.lost.Store(int64(n)) }

// Size is the number of workers in dispatch.
func (r *Router) Size() int { return len(*r.routees.Load()) }

// PeakBusy is the most workers that have been busy at once since the last call.
func (r *Router) PeakBusy() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	peak := r.peak
	r.peak = r.busy
	return peak
}

// Routees are the PIDs of the workers in dispatch, or of those they stand for.
func (r *Router) Routees() []*actor.PID {
	var pids []*actor.PID
	for _, w := range *r.routees.Load() {
		pids = append(pids, w.address())
	}
	return pids
}

func (w *Worker) address() *actor.PID {
	if w.foreign != nil {
		return w.foreign
	}
	return w.pid
}

// Broadcast gives every worker a task of its own, made by accept.
func (r *Router) Broadcast(accept func() (*Cell, error)) error {
	for {
		// accept may run code of the user's, so not under mu.
		cells := make([]*Cell, r.Size())
		for i := range cells {
			c, err := accept()
			if err != nil { // of the first: all are alike
				r.Rejected(err)
				return err
			}
			cells[i] = c
		}
		if done, err := r.broadcast(cells); done {
			return err
		}
	}
}

// broadcast does nothing if there are not as many workers as cells.
func (r *Router) broadcast(cells []*Cell) (done bool, err error) {
	var then after
	defer then.run()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refusalLocked(); err != nil {
		r.Rejected(err)
		return true, err
	}
	workers := *r.routees.Load()
	if len(workers) != len(cells) {
		return false, nil
	}
	for i, c := range cells {
		r.startTimeLocked(c)
		c.makeRare().pinned = true
		r.enterLocked(c)
		r.enqueueLocked(c, workers[i], &then)
		r.addDeadlineLocked(c)
	}
	return true, nil
}

// resumeSuspended lets the workers go on whose failure was escalated, when the
// pool's parent has decided so.
func (r *Router) resumeSuspended() {
	r.mu.Lock()
	var workers []*Worker
	for _, w := range r.workers {
		if w.suspended {
			workers = append(workers, w)
		}
	}
	r.mu.Unlock()
	for _, w := range workers {
		w.PostSystemMessage(&actor.ResumeMailbox{})
	}
}
