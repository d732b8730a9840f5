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
	r.handBackLocked(w, then)
	r.rebalanceLocked(then)
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
	r.addCustomLocked(w.custom)
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

// AddCustom adds to the counters that the worker with the given PID reports of
// its own.
func (r *Router) AddCustom(pid *actor.PID, counters map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.indexLocked(pid)
	if i < 0 {
		r.addCustomLocked(counters)
		return
	}
	addTo(&r.workers[i].custom, counters)
}

func (r *Router) report(w *Worker, name string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := &r.custom
	if w != nil {
		to = &w.custom
	}
	addTo(to, map[string]int64{name: n})
}

func (r *Router) addCustomLocked(counters map[string]int64) { addTo(&r.custom, counters) }

func addTo(sums *map[string]int64, counters map[string]int64) {
	if *sums == nil {
		*sums = make(map[string]int64, len(counters))
	}
	for name, n := range counters {
		(*sums)[name] += n
	}
}

// Broadcast gives every worker a task of its own, made by accept.
func (r *Router) Broadcast(accept func() (*Cell, error)) error {
	var then after
	defer then.run()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refusalLocked(); err != nil {
		r.rejected.Add(1)
		return err
	}
	for _, w := range *r.routees.Load() {
		c, err := accept()
		if err != nil { // of the first: all are alike
			r.rejected.Add(1)
			return err
		}
		c.startTime()
		c.pinned = true
		r.enterLocked(c)
		r.enqueueLocked(c, w, &then)
		r.addDeadlineLocked(c)
	}
	return nil
}

// refreshLocked brings able and promised up to date.
func (w *Worker) refreshLocked() {
	able := w.started && !w.suspended && !w.leaving && !w.taken
	if able != w.able {
		w.able = able
		if able {
			w.router.able++
		} else {
			w.router.able--
		}
		if w.parked {
			w.listLocked(able)
		}
	}
	w.promiseLocked()
}

func (w *Worker) promiseLocked() {
	promised := w.able && w.own.Len() > 0
	if promised == w.promised {
		return
	}
	w.promised = promised
	if promised {
		w.router.promised++
	} else {
		w.router.promised--
	}
}

// parkLocked says that w's goroutine ends.
func (w *Worker) parkLocked() {
	w.parked = true
	w.listLocked(w.able)
}

// inHandLocked is the task that w has in hand, nil if none. It stays there until
// mu is free, unless there was a batch.
func (w *Worker) inHandLocked() *Cell {
	w.hand.mu.Lock()
	defer w.hand.mu.Unlock()
	return w.hand.current
}

// unparkLocked takes charge of a parked worker: the caller must schedule it. It
// returns nil if w was not parked.
func (w *Worker) unparkLocked() *Worker {
	if !w.parked {
		return nil
	}
	w.parked = false
	w.listLocked(false)
	return w
}

// listLocked puts w at the end of the idle workers, or takes it out.
func (w *Worker) listLocked(listed bool) {
	if listed == w.listed {
		return
	}
	w.listed = listed
	if listed {
		w.router.idle.push(w)
	} else {
		w.router.idle.remove(w)
	}
}

// takeOwnLocked empties w's own queue.
func (w *Worker) takeOwnLocked() []*Cell {
	var cells []*Cell
	for c, ok := w.own.Pop(); ok; c, ok = w.own.Pop() {
		cells = append(cells, c)
	}
	w.router.own -= len(cells)
	w.load.Add(-int64(len(cells)))
	w.promiseLocked()
	return cells
}

// workerList is a list of workers linked through themselves.
type workerList struct{ first, last *Worker }

func (l *workerList) push(w *Worker) {
	w.previous, w.nextIdle = l.last, nil
	if l.last == nil {
		l.first = w
	} else {
		l.last.nextIdle = w
	}
	l.last = w
}

func (l *workerList) remove(w *Worker) {
	if w.previous == nil {
		l.first = w.nextIdle
	} else {
		w.previous.nextIdle = w.nextIdle
	}
	if w.nextIdle == nil {
		l.last = w.previous
	} else {
		w.nextIdle.previous = w.previous
	}
	w.previous, w.nextIdle = nil, nil
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
