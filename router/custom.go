package router

import "github.com/asynkron/protoactor-go/actor"

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
