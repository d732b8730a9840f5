package router

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// joinLocked lets a worker that has been spawned take tasks.
func (r *Router) joinLocked(w *Worker, then *after) {
	w.started = true
	w.shard = uint32(len(r.workers))
	r.workers = append(r.workers, w)
	workers := append(slices.Clip(*r.routees.Load()), w)
	r.routees.Store(&workers)
	w.refreshLocked()
	r.adoptSharedLocked(then)
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
	// The last worker moves into the gap, so that consistent hashing moves the
	// keys of two workers at most.
	r.recallLocked(w)
	workers := slices.Clone(*r.routees.Load())
	i := slices.Index(workers, w)
	last := len(workers) - 1
	workers[i] = workers[last]
	workers = workers[:last]
	r.routees.Store(&workers)
	if w.waits > 0 {
		r.blocked--
	}
	r.handBackLocked(w, then)
	r.rebalanceLocked(then)
	r.stuckLocked()
	r.quietLocked(then)
}

// suspend keeps w from working while its supervisor decides, or ends that.
func (r *Router) suspend(w *Worker, suspended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.suspended = suspended
	r.recallLocked(w)
	w.refreshLocked()
}

// Retire takes the last n workers out of dispatch and returns their PIDs. They
// finish what they have in hand.
func (r *Router) Retire(n int) []*actor.PID {
	var then after
	var pids []*actor.PID
	r.mu.Lock()
	workers := *r.routees.Load()
	for i := range n {
		w := workers[len(workers)-1-i]
		r.leaveLocked(w, &then)
		pids = append(pids, w.pid)
	}
	r.mu.Unlock()
	then.run()
	return pids
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
// settled any task.
func (r *Router) Remove(pid *actor.PID) (worked bool) {
	r.mu.Lock()
	i := r.indexLocked(pid)
	if i < 0 {
		r.mu.Unlock()
		return false
	}
	w := r.workers[i]
	r.workers = slices.Delete(r.workers, i, i+1)
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
	return worked
}

// indexLocked is the index in workers of the one with the given PID; -1 if there
// is none.
func (r *Router) indexLocked(pid *actor.PID) int {
	return slices.IndexFunc(r.workers, func(w *Worker) bool { return pid != nil && w.pid.Equal(pid) })
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
	if i := r.indexLocked(pid); i >= 0 {
		return int(r.workers[i].barren.Load())
	}
	return 0
}

// Size is the number of workers in dispatch.
func (r *Router) Size() int { return len(*r.routees.Load()) }

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
				r.rejected.Add(1)
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
		r.rejected.Add(1)
		return true, err
	}
	workers := *r.routees.Load()
	if len(workers) != len(cells) {
		return false, nil
	}
	for i, c := range cells {
		c.startTime()
		c.pinned = true
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
