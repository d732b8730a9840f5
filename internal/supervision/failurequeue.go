package supervision

import (
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
)

// A failure is a failure of a worker, about which the strategy decides.
type failure struct {
	worker          *actor.PID
	stats           *actor.RestartStatistics // of the worker
	before          int                      // their count before this failure
	reason, message any
	view            *poolView
	forgotten       bool      // guarded by failureQueue.mu; the worker has stopped
	at              time.Time // of the failure
	timer           *time.Timer
}

// A failureQueue asks about failures, one after another in order, on goroutines of its own.
// It waits for the answer until decisionTime after the failure or, if earlier calls have
// taken that time, for guard.Limit. It is safe for concurrent use.
type failureQueue struct {
	ask  func(*failure) // may block and end its goroutine
	late func(*failure) // called when ask has not returned in time

	mu      sync.Mutex
	waiting []*failure // guarded by mu; oldest first
	current *failure   // guarded by mu; nil: none

	// renewed has new statistics for workers whose own ones are in the hands of a call that
	// was late.
	renewed map[string]*actor.RestartStatistics // guarded by mu; by the ID of the worker's PID
}

// start forgets everything.
func (q *failureQueue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting, q.current = nil, nil
	q.renewed = make(map[string]*actor.RestartStatistics)
}

// add adds a failure.
func (q *failureQueue) add(f *failure) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f.at = time.Now()
	q.waiting = append(q.waiting, f)
	q.beginLocked()
}

// forget forgets the statistics of a worker that has stopped.
func (q *failureQueue) forget(worker *actor.PID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.renewed, worker.Id)
	if q.current != nil && q.current.worker.Equal(worker) {
		q.current.forgotten = true
	}
}

// beginLocked asks about the next failure, unless a call is running.
func (q *failureQueue) beginLocked() {
	if q.current != nil || len(q.waiting) == 0 {
		return
	}
	f := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	if renewed := q.renewed[f.worker.Id]; renewed != nil {
		f.stats = renewed
	}
	f.before = f.stats.FailureCount()
	q.current = f
	limit := max(decisionTime-time.Since(f.at), guard.Limit) // others may have taken the time
	f.timer = time.AfterFunc(limit, func() { q.expire(f) })
	go func() {
		defer q.returned(f)
		q.ask(f)
	}()
}

// returned goes on with the next failure, unless the call was late.
func (q *failureQueue) returned(f *failure) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.current != f {
		return
	}
	f.timer.Stop()
	q.current = nil
	q.beginLocked()
}

// expire goes on with the next failure if the call has not returned.
func (q *failureQueue) expire(f *failure) {
	if q.giveUp(f) {
		q.late(f)
	}
}

func (q *failureQueue) giveUp(f *failure) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.current != f {
		return false
	}
	if !f.forgotten {
		renewed := actor.NewRestartStatistics()
		for range f.before + 1 {
			renewed.Fail()
		}
		q.renewed[f.worker.Id] = renewed
	}
	q.current = nil
	q.beginLocked()
	return true
}
