package engine

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A roster lists the workers of a pool.
type roster struct {
	mu       sync.Mutex
	workers  []*Worker          // guarded by mu: those in dispatch and those that are leaving
	byID     map[string]*Worker // guarded by mu; the same, by the IDs of their PIDs
	outside  map[string]*Worker // guarded by mu; spawned workers that have not joined, by the IDs of their PIDs
	joining  []*Worker          // guarded by mu: workers that have joined and are not in dispatch yet
	resizing bool               // guarded by mu
	departed departed           // guarded by mu
	stopped  []*taskQueue       // guarded by mu; queues that stopWorld has locked

	// slots has the workers by their index in the words of tasks. Written under mu.
	slots atomic.Pointer[[]atomic.Pointer[Worker]]
	used  int   // guarded by mu; slots used so far
	free  []int // guarded by mu; used slots whose workers are gone

	// view has the workers among which senders dispatch. It is replaced under mu and all
	// queue locks.
	view atomic.Pointer[view]
}

// departed sums up what the workers that are gone have done.
type departed struct {
	submitted int64
	outcomes  tally
	restarts  int64
	replaced  int64
}

// A view is an immutable list of the workers in dispatch.
type view struct {
	routees  []*Worker     // in dispatch order
	eligible []*Worker     // the routees that are not sidelined or, if all are, all of them
	aside    []bool        // which routees are not eligible; nil: none
	replaced chan struct{} // closed when another view has taken its place
}

// Len implements router.Workers, for custom dispatch.
func (v *view) Len() int { return len(v.eligible) }

// ID implements router.Workers.
func (v *view) ID(i int) string { return v.eligible[i].hand.worker }

// Load implements router.Workers.
func (v *view) Load(i int) int { return v.eligible[i].load() }

// onlyOne returns the only worker of a view, or nil.
func onlyOne(v *view) *Worker {
	if len(v.routees) != 1 {
		return nil
	}
	return v.routees[0]
}

func newRoster() *roster {
	r := &roster{byID: make(map[string]*Worker), outside: make(map[string]*Worker)}
	r.view.Store(&view{replaced: make(chan struct{})})
	r.slots.Store(&[]atomic.Pointer[Worker]{})
	return r
}

// worker returns the worker with an index from a task's word. It returns nil for nobody, or
// if the worker is gone. The worker of a task that has not been settled is never gone.
func (r *roster) worker(index int) *Worker {
	if index == nobody {
		return nil
	}
	return (*r.slots.Load())[index].Load()
}

// enrollLocked gives a worker its index.
func (r *roster) enrollLocked(w *Worker) {
	slots := *r.slots.Load()
	if n := len(r.free); n > 0 {
		w.index = r.free[n-1]
		r.free = r.free[:n-1]
	} else {
		if r.used == len(slots) {
			more := make([]atomic.Pointer[Worker], max(2*len(slots), 4))
			for i := range slots {
				more[i].Store(slots[i].Load())
			}
			slots = more
			r.slots.Store(&more)
		}
		w.index = r.used
		r.used++
	}
	slots[w.index].Store(w)
	w.rosterAt = len(r.workers)
	r.workers = append(r.workers, w)
	r.byID[w.hand.worker] = w
}

// strikeLocked forgets a worker that has stopped. Its index will be used again.
func (r *roster) strikeLocked(w *Worker) {
	delete(r.byID, w.hand.worker)
	last := len(r.workers) - 1
	r.workers[w.rosterAt] = r.workers[last]
	r.workers[w.rosterAt].rosterAt = w.rosterAt
	r.workers[last] = nil
	r.workers = r.workers[:last]
	(*r.slots.Load())[w.index].Store(nil)
	r.free = append(r.free, w.index)
}

// setRouteesLocked replaces the workers in dispatch.
func (r *roster) setRouteesLocked(routees []*Worker) {
	v := &view{routees: routees, eligible: routees, replaced: make(chan struct{})}
	for i, w := range routees {
		if !w.sidelined {
			continue
		}
		if v.aside == nil {
			v.aside = make([]bool, len(routees))
		}
		v.aside[i] = true
	}
	if v.aside != nil {
		eligible := make([]*Worker, 0, len(routees))
		for i, w := range routees {
			if !v.aside[i] {
				eligible = append(eligible, w)
			}
		}
		if len(eligible) > 0 {
			v.eligible = eligible
		} else {
			v.aside = nil // all are eligible, and their tasks wait
		}
	}
	close(r.view.Swap(v).replaced)
}

// all returns the workers in dispatch and those that are leaving.
func (r *roster) all() []*Worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.workers)
}

// everyWorker yields the workers in dispatch and those that are leaving, without a lock.
func (r *roster) everyWorker(yield func(*Worker) bool) {
	slots := *r.slots.Load()
	for i := range slots {
		if w := slots[i].Load(); w != nil && !yield(w) {
			return
		}
	}
}
