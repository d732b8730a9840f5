package engine

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// counters has what workers report that are gone, and callers.
type counters struct {
	mu   sync.Mutex
	sums map[string]int64 // guarded by mu
}

// AddCounters adds to the counters that the worker with the given PID reports of its
// own.
func (e *Engine) AddCounters(pid *actor.PID, sums map[string]int64) {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	if pid != nil {
		if w := e.roster.byID[pid.Id]; w != nil {
			w.addCounters(sums)
			return
		}
	}
	e.counters.add(sums)
}

func (w *Worker) addCounters(sums map[string]int64) {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	addTo(&w.rareLocked().counters, sums)
}

func (c *counters) add(sums map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addTo(&c.sums, sums)
}

// report adds n to the counter of a worker, which may be nil or gone.
func (c *counters) report(e *Engine, w *Worker, name string, n int64) {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	if w != nil && e.roster.byID[w.id] == w {
		w.addCounters(map[string]int64{name: n})
		return
	}
	c.add(map[string]int64{name: n})
}

func addTo(sums *map[string]int64, more map[string]int64) {
	if *sums == nil {
		*sums = make(map[string]int64, len(more))
	}
	for name, n := range more {
		(*sums)[name] += n
	}
}
