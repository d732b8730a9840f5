package supervision

import (
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/restarts"
)

// delayedRestarts are the restarts of one pool's workers that wait for the end of
// their delays. It is safe for concurrent use.
type delayedRestarts struct {
	mu      sync.Mutex
	of      map[string]*delayedRestart // guarded by mu; by the ID of the failed worker's PID
	stopped bool                       // guarded by mu; no further restart begins
}

// A delayedRestart is the latest delayed restart of a worker. It is kept after the restart,
// to count the failures.
type delayedRestart struct {
	failures int       // in a row
	due      time.Time // when the worker was, or will be, restarted
	timer    *time.Timer
}

// start clears the restarts of earlier workers.
func (r *delayedRestarts) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of, r.stopped = make(map[string]*delayedRestart), false
}

// stop cancels all restarts.
func (r *delayedRestarts) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	for _, d := range r.of {
		d.timer.Stop()
	}
}

// schedule calls restart after the delay for the failed worker's number of failures.
// restart restarts the given workers, which include the failed one.
func (r *delayedRestarts) schedule(
	delays restarts.Delays, failed *actor.PID, workers []*actor.PID, restart func(),
) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	now := time.Now()
	d := r.of[failed.Id]
	if d == nil {
		d = new(delayedRestart)
		r.of[failed.Id] = d
	} else {
		d.timer.Stop() // it still runs if the worker has been restarted together with others
		if now.Sub(d.due) >= delays.ResetAfter {
			d.failures = 0
		}
	}
	delay := delays.Delay(d.failures)
	d.failures++
	d.due = now.Add(delay)
	d.timer = time.AfterFunc(delay, func() {
		if r.begin(failed, d, workers) {
			restart()
		}
	})
}

// begin reports whether the restart is still wanted. If so, it cancels the delayed restarts
// of the other workers, since they are restarted as well.
func (r *delayedRestarts) begin(failed *actor.PID, d *delayedRestart, workers []*actor.PID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || r.of[failed.Id] != d {
		return false
	}
	for _, worker := range workers {
		if other := r.of[worker.Id]; other != nil {
			other.timer.Stop()
		}
	}
	return true
}

// cancel forgets a worker that has stopped.
func (r *delayedRestarts) cancel(worker *actor.PID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.of[worker.Id]; d != nil {
		d.timer.Stop()
		delete(r.of, worker.Id)
	}
}
