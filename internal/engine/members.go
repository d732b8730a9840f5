package engine

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// membership is the layer that adds, removes and sidelines workers.
type membership struct {
	dealing
	lost atomic.Int64 // workers that will not be replaced
}

// Replaced counts the replacement of a worker.
func (e *membership) Replaced() {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	e.roster.departed.replaced++
}

// Wanted sets how many workers there should be. While fewer are in dispatch, others are on
// their way.
func (e *membership) Wanted(n int) {
	if e.deadlocks.expect(n) {
		e.EndVainWaits()
	}
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

// Lost sets how many workers are lost: gone and not replaced.
func (e *membership) Lost(n int) { e.lost.Store(int64(n)) }

// Size returns the number of workers that are in dispatch or about to be.
func (e *membership) Size() int {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	return len(e.roster.view.Load().routees) + len(e.roster.joining)
}

// Workers returns the number of workers in dispatch. changed is closed when that may have
// changed.
func (e *membership) Workers() (n int, changed <-chan struct{}) {
	v := e.roster.view.Load()
	return len(v.routees), v.replaced
}

// Routees returns the PIDs of the workers in dispatch. For a worker that stands for a
// foreign actor, it returns the PID of that actor.
func (e *membership) Routees() (pids []*actor.PID) {
	for _, w := range e.roster.view.Load().routees {
		pids = append(pids, w.address())
	}
	return pids
}
