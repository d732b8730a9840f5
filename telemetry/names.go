package telemetry

import (
	"slices"
	"sync"

	"github.com/troupe-go/troupe/internal/directory"
)

// names knows whose the pools' labels were at the last reading.
type names struct {
	mu   sync.Mutex
	last map[string]*directory.Entry // guarded by mu
}

// kept leaves out the pools that have taken the label of another since. OpenTelemetry's
// SDK would take both for one whose counters have fallen; it forgets a label that is not
// there once. Where several readers take turns, that is the first to come.
func (n *names) kept(pools []*directory.Entry) []*directory.Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.last
	n.last = make(map[string]*directory.Entry, len(pools))
	for _, entry := range pools {
		n.last[entry.Label] = entry
	}
	return slices.DeleteFunc(pools, func(entry *directory.Entry) bool {
		old := before[entry.Label]
		return old != nil && old != entry
	})
}
