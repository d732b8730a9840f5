package supervision

import (
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// Routees are the foreign actors for which workers of a pool stand. They outlive the
// supervisor, so that a pool that its parent restarts has them again. It is safe for concurrent
// use.
type Routees struct {
	mu   sync.Mutex
	list []routee // guarded by mu; in the order in which they were added
}

// A routee is a foreign actor.
type routee struct {
	foreign *actor.PID
	worker  string // the ID of the worker that stands for it; empty: there is none yet
}

// NewRoutees returns the routees of a pool that starts with the given actors, which differ.
func NewRoutees(foreign []*actor.PID) *Routees {
	r := &Routees{list: make([]routee, len(foreign))}
	for i, pid := range foreign {
		r.list[i].foreign = pid
	}
	return r
}

// all returns the foreign actors.
func (r *Routees) all() []*actor.PID {
	r.mu.Lock()
	defer r.mu.Unlock()
	pids := make([]*actor.PID, len(r.list))
	for i := range r.list {
		pids[i] = r.list[i].foreign
	}
	return pids
}

// assign notes that a worker stands for a foreign actor. If the actor is nil, it does nothing.
func (r *Routees) assign(foreign, worker *actor.PID) {
	if foreign == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.list {
		if r.list[i].foreign.Equal(foreign) {
			r.list[i].worker = worker.Id
			return
		}
	}
	r.list = append(r.list, routee{foreign, worker.Id})
}

// of returns the actor for which a worker stands; nil: there is none.
func (r *Routees) of(worker *actor.PID) *actor.PID {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.indexLocked(worker); i >= 0 {
		return r.list[i].foreign
	}
	return nil
}

// forget removes the actor for which a worker stands, if there is one.
func (r *Routees) forget(worker *actor.PID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.indexLocked(worker); i >= 0 {
		r.list = slices.Delete(r.list, i, i+1)
	}
}

func (r *Routees) indexLocked(worker *actor.PID) int {
	if worker == nil {
		return -1
	}
	return slices.IndexFunc(r.list, func(one routee) bool { return one.worker == worker.Id })
}
