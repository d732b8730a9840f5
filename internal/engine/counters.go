package engine

import "sync"

// counters are sums that handlers report by name. They are safe for concurrent use.
type counters struct {
	mu   sync.Mutex
	sums map[string]int64 // guarded by mu; nil until the first report
	heir *counters        // guarded by mu; gets further reports; nil: they stay here
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

// addAllTo adds the sums to those in the given map.
func (c *counters) addAllTo(sums *map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sums) > 0 {
		addTo(sums, c.sums)
	}
}

// bequeath moves the sums to heir, and all sums that are reported later.
func (c *counters) bequeath(heir *counters) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sums) > 0 {
		heir.add(c.sums)
	}
	c.sums, c.heir = nil, heir
}

// report adds sums to the counters of the worker, or of the caller, that has the hand.
func (h *hand) report(sums map[string]int64) {
	c := h.reports.Load()
	if c == nil {
		h.reports.CompareAndSwap(nil, new(counters)) // allocated late: few workers report anything
		c = h.reports.Load()
	}
	c.add(sums)
}

// reportTo moves what the handlers have reported, and all later reports, to c.
func (h *hand) reportTo(c *counters) {
	if old := h.reports.Swap(c); old != nil {
		old.bequeath(c)
	}
}

// addTo adds the sums in more to those in sums, and makes that map if it is nil.
func addTo(sums *map[string]int64, more map[string]int64) {
	if *sums == nil {
		*sums = make(map[string]int64, len(more))
	}
	for name, n := range more {
		(*sums)[name] += n
	}
}
