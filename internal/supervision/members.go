package supervision

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// members are the workers that have been spawned and have not stopped yet. It is
// safe for concurrent use.
type members struct {
	mu      sync.Mutex
	live    map[string]bool      // by the ID of the PID
	leaving map[string]departure // members of live that will not be replaced
}

// A departure says why a worker stops and is not to be replaced.
type departure struct {
	reason    string
	dismissed bool // by the strategy; otherwise a resize has retired it
}

func newMembers() *members {
	return &members{live: make(map[string]bool), leaving: make(map[string]departure)}
}

// join adds a worker that has been spawned.
func (m *members) join(worker *actor.PID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live[worker.Id] = true
}

// dismiss marks workers that the strategy stops. A worker that has been retired
// stays retired.
func (m *members) dismiss(reason string, workers ...*actor.PID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, worker := range workers {
		if _, ok := m.leaving[worker.Id]; !ok && m.live[worker.Id] {
			m.leaving[worker.Id] = departure{reason: reason, dismissed: true}
		}
	}
}

// retire marks a worker that a resize stops, even if the strategy has dismissed it. Then
// the pool has become smaller by request, and no worker is lost.
func (m *members) retire(reason string, worker *actor.PID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.live[worker.Id] {
		m.leaving[worker.Id] = departure{reason: reason}
	}
}

// remove forgets a worker that has stopped. known is false if the worker is not a member.
// leaves is false if the worker is to be replaced.
func (m *members) remove(worker *actor.PID) (d departure, leaves, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known = m.live[worker.Id]
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
