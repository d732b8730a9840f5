package engine

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// membership is the layer that has workers join, leave and be passed over.
type membership struct {
	dealing
	lost atomic.Int64 // workers that are gone for good
}

// Replaced counts a worker that has been replaced.
func (e *membership) Replaced() {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	e.roster.departed.replaced++
}

// FailedStarts returns how many times in a row the worker has failed to start.
func (e *membership) FailedStarts(pid *actor.PID) int {
	e.roster.mu.Lock()
	w := e.roster.byID[pid.Id]
	e.roster.mu.Unlock()
	if w == nil {
		return 0
	}
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return int(w.failedStarts)
}

// Lost says how many workers are gone for good.
func (e *membership) Lost(n int) { e.lost.Store(int64(n)) }

// Size returns the number of workers in dispatch, or about to be.
func (e *membership) Size() int {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	return len(e.roster.view.Load().routees) + len(e.roster.joining)
}

// Routees returns the PIDs of the workers in dispatch, or of the actors they stand for.
func (e *membership) Routees() (pids []*actor.PID) {
	for _, w := range e.roster.view.Load().routees {
		pids = append(pids, w.address())
	}
	return pids
}
