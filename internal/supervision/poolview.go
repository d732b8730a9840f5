package supervision

import (
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/restarts"
)

// poolView is the supervisor as the user's strategy sees it, while it handles one
// failure. A strategy may keep it and use it later. It is safe for concurrent use.
type poolView struct {
	guard   *strategyGuard
	failure *failure
	state   atomic.Int32
}

// The states of a poolView.
const (
	undecided = iota
	decided   // the strategy has said what to do with the worker that failed
	ended     // the strategy has failed to do so
)

var _ restarts.Pool = (*poolView)(nil)

// decide records that the strategy has said what to do with workers. It returns false if
// that is to be ignored.
func (v *poolView) decide(workers ...*actor.PID) bool {
	if slices.ContainsFunc(workers, v.failure.worker.Equal) {
		v.state.CompareAndSwap(undecided, decided)
	}
	return v.state.Load() != ended
}

// end makes the view ignore the strategy. It returns false, and does nothing, if the
// strategy has said what to do with the worker that failed.
func (v *poolView) end() bool { return v.state.CompareAndSwap(undecided, ended) }

// Children returns the workers.
func (v *poolView) Children() []*actor.PID { return v.guard.members.list() }

// EscalateFailure passes the failure to the pool's parent. The supervisor of the
// workers goes on.
func (v *poolView) EscalateFailure(reason, message any) {
	if v.decide(v.failure.worker) {
		v.guard.escalate(reason, message)
	}
}

// ResumeChildren lets workers go on.
func (v *poolView) ResumeChildren(workers ...*actor.PID) {
	if v.decide(workers...) {
		v.guard.tell(&actor.ResumeMailbox{}, workers...)
	}
}

// RestartChildren restarts workers.
func (v *poolView) RestartChildren(workers ...*actor.PID) {
	if v.decide(workers...) {
		v.guard.tell(&actor.Restart{}, workers...)
	}
}

// StopChildren stops workers. They are replaced, unless the strategy has used up its
// budget: in that case Proto.Actor's own strategies clear the count of failures.
func (v *poolView) StopChildren(workers ...*actor.PID) {
	switch {
	case v.failure.before > 0 && v.failure.stats.FailureCount() == 0:
		v.Dismiss(restarts.Spent, workers...)
	case v.decide(workers...):
		v.guard.tell(&actor.Stop{}, workers...)
	}
}

// Dismiss implements [restarts.Pool].
func (v *poolView) Dismiss(reason string, workers ...*actor.PID) {
	if v.decide(workers...) {
		v.guard.members.dismiss(reason, workers...)
		v.guard.tell(&actor.Stop{}, workers...)
	}
}

// Exceeds implements [restarts.Pool].
func (v *poolView) Exceeds(b restarts.Budget) bool { return v.guard.exceeds(b) }

// RestartLater implements [restarts.Pool].
func (v *poolView) RestartLater(d restarts.Delays, failed *actor.PID, workers []*actor.PID) {
	if v.decide(workers...) {
		v.guard.workers.Sideline(failed)
		v.guard.delayed.schedule(d, failed, workers, func() { v.RestartChildren(workers...) })
	}
}

// Publish implements [restarts.Pool].
func (v *poolView) Publish(event any) { v.guard.deliver.PublishLater(event) }
