package engine

import "sync"

// counters are sums that handlers report by name. It is safe for concurrent use.
type counters struct {
	mu   sync.Mutex
	sums map[string]int64 // guarded by mu; nil until the first report
	heir *counters        // guarded by mu; where further reports go; nil: here
}

func (c *counters) add(sums map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heir != nil {
		c.heir.add(sums)
		return
	}
	addTo(&c.sums, sums)
}

// addAllTo adds the sums to those in the map.
func (c *counters) addAllTo(sums *map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sums) > 0 {
		addTo(sums, c.sums)
	}
}

// bequeath moves the sums, and all to come, to heir.
func (c *counters) bequeath(heir *counters) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sums) > 0 {
		heir.add(c.sums)
	}
	c.sums, c.heir = nil, heir
}

// report adds to what the handlers of a worker have reported.
func (h *hand) report(sums map[string]int64) {
	c := h.reports.Load()
	if c == nil {
		h.reports.CompareAndSwap(nil, new(counters)) // few workers report anything
		c = h.reports.Load()
	}
	c.add(sums)
}

// reportTo moves what the handlers have reported, and all to come, to c.
func (h *hand) reportTo(c *counters) {
	if old := h.reports.Swap(c); old != nil {
		old.bequeath(c)
	}
}

func addTo(sums *map[string]int64, more map[string]int64) {
	if *sums == nil {
		*sums = make(map[string]int64, len(more))
	}
	for name, n := range more {
		(*sums)[name] += n
	}
}
