package supervision

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// members are the workers that have joined and have not stopped yet. It is safe for
// concurrent use.
type members struct {
	mu      sync.Mutex
	live    map[string]member    // guarded by mu; by the ID of the PID
	leaving map[string]departure // guarded by mu; members of live that will not be replaced
	joined  int                  // guarded by mu; members so far
}

type member struct {
	pid    *actor.PID
	number int // in the order in which they joined
}

// A departure says why a worker stops and is not to be replaced.
type departure struct {
	reason    string
	dismissed bool // by the strategy; otherwise a resize has retired it
}

func newMembers() *members {
	return &members{live: make(map[string]member), leaving: make(map[string]departure)}
}

// join adds a worker.
func (m *members) join(worker *actor.PID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joined++
	m.live[worker.Id] = member{worker, m.joined}
}

// has reports whether a worker is a member.
func (m *members) has(worker *actor.PID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hasLocked(worker)
}

func (m *members) hasLocked(worker *actor.PID) bool {
	_, ok := m.live[worker.Id]
	return ok
}

// list returns the members in the order in which they joined.
func (m *members) list() []*actor.PID {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.SortedFunc(maps.Values(m.live), func(a, b member) int { return cmp.Compare(a.number, b.number) })
	pids := make([]*actor.PID, len(all))
	for i, one := range all {
		pids[i] = one.pid
	}
	return pids
}

// empty reports whether there are no members.
func (m *members) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.live) == 0
}

// dismiss marks workers that the strategy stops. A worker that has been retired
// stays retired.
func (m *members) dismiss(reason string, workers ...*actor.PID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, worker := range workers {
		if _, ok := m.leaving[worker.Id]; !ok && m.hasLocked(worker) {
			m.leaving[worker.Id] = departure{reason: reason, dismissed: true}
		}
	}
}

// retire marks a worker that a resize stops, even if the strategy has dismissed it. Then
// the pool has become smaller by request, and no worker is lost.
func (m *members) retire(reason string, worker *actor.PID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hasLocked(worker) {
		m.leaving[worker.Id] = departure{reason: reason}
	}
}

// remove forgets a worker that has stopped. known is false if the worker is not a member.
// leaves is false if the worker is to be replaced.
func (m *members) remove(worker *actor.PID) (d departure, leaves, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known = m.hasLocked(worker)
	d, leaves = m.leaving[worker.Id]
	delete(m.live, worker.Id)
	delete(m.leaving, worker.Id)
	return d, leaves, known
}

// replaceable returns how many workers run, or have begun to stop and will be replaced.
func (m *members) replaceable() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.live) - len(m.leaving)
}

// clear forgets all workers.
func (m *members) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.live)
	clear(m.leaving)
}
