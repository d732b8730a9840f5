package supervision

import (
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/restarts"
)

// poolView is the supervisor as the user's strategy sees it, while it handles one
// failure. A strategy may keep it and use it later, on any goroutine.
type poolView struct {
	actor.Supervisor
	guard    *strategyGuard
	failures *actor.RestartStatistics
	before   int         // the count of failures before the strategy was asked
	decided  atomic.Bool // the strategy has said what to do
}

var _ restarts.Pool = (*poolView)(nil)

// Children returns the workers.
func (v *poolView) Children() []*actor.PID { return slices.Clone(v.Supervisor.Children()) }

// EscalateFailure passes the failure to the pool's parent. The supervisor of the
// workers goes on.
func (v *poolView) EscalateFailure(reason, message any) {
	v.decided.Store(true)
	v.guard.escalate(reason, message)
}

// ResumeChildren lets workers go on.
func (v *poolView) ResumeChildren(workers ...*actor.PID) {
	v.decided.Store(true)
	v.Supervisor.ResumeChildren(workers...)
}

// RestartChildren restarts workers.
func (v *poolView) RestartChildren(workers ...*actor.PID) {
	v.decided.Store(true)
	v.Supervisor.RestartChildren(workers...)
}

// StopChildren stops workers. They are replaced, unless the strategy has used up its
// budget: in that case Proto.Actor's own strategies clear the count of failures.
func (v *poolView) StopChildren(workers ...*actor.PID) {
	if v.before > 0 && v.failures.FailureCount() == 0 {
		v.Dismiss(restarts.Spent, workers...)
		return
	}
	v.decided.Store(true)
	v.Supervisor.StopChildren(workers...)
}

// Dismiss implements [restarts.Pool].
func (v *poolView) Dismiss(reason string, workers ...*actor.PID) {
	v.decided.Store(true)
	v.guard.members.dismiss(reason, workers...)
	v.Supervisor.StopChildren(workers...)
}

// Exceeds implements [restarts.Pool].
func (v *poolView) Exceeds(b restarts.Budget) bool { return v.guard.exceeds(b) }

// RestartLater implements [restarts.Pool].
func (v *poolView) RestartLater(d restarts.Delays, failed *actor.PID, workers []*actor.PID) {
	v.decided.Store(true)
	v.guard.workers.Sideline(failed)
	v.guard.delayed.schedule(d, failed, workers, func() { v.RestartChildren(workers...) })
}
