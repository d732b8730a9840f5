package router

import "github.com/asynkron/protoactor-go/actor"

// AddCounters adds to the counters that the worker with the given PID reports of
// its own.
func (r *Router) AddCounters(pid *actor.PID, counters map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := &r.counters
	if pid != nil && r.byID[pid.Id] != nil {
		to = &r.byID[pid.Id].counters
	}
	addTo(to, counters)
}

func (r *Router) report(w *Worker, name string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := &r.counters
	if w != nil && r.byID[w.id] == w { // else it has been given up
		to = &w.counters
	}
	addTo(to, map[string]int64{name: n})
}

func (r *Router) addCountersLocked(counters map[string]int64) { addTo(&r.counters, counters) }

func addTo(sums *map[string]int64, counters map[string]int64) {
	if *sums == nil {
		*sums = make(map[string]int64, len(counters))
	}
	for name, n := range counters {
		(*sums)[name] += n
	}
}
