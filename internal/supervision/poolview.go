package supervision

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/restarts"
)

// poolView is the supervisor as the user's strategy sees it, while it handles one
// failure. A strategy may keep it and use it later, on any goroutine.
type poolView struct {
	actor.Supervisor
	guard    *strategyGuard
	failures *actor.RestartStatistics
	before   int // the count of failures before the strategy was asked
}

var _ restarts.Pool = (*poolView)(nil)

// Children returns the workers.
func (v *poolView) Children() []*actor.PID { return slices.Clone(v.Supervisor.Children()) }

// EscalateFailure passes the failure to the pool's parent. The supervisor of the
// workers goes on.
func (v *poolView) EscalateFailure(reason, message any) { v.guard.escalate(reason, message) }

// StopChildren stops workers. They are replaced, unless the strategy has used up its
// budget. Proto.Actor's own strategies clear the count of failures in that case.
func (v *poolView) StopChildren(workers ...*actor.PID) {
	if v.before > 0 && v.failures.FailureCount() == 0 {
		v.Dismiss(restarts.Spent, workers...)
		return
	}
	v.Supervisor.StopChildren(workers...)
}

// Dismiss implements [restarts.Pool].
func (v *poolView) Dismiss(reason string, workers ...*actor.PID) {
	v.guard.members.dismiss(reason, workers...)
	v.Supervisor.StopChildren(workers...)
}

// Exceeds implements [restarts.Pool].
func (v *poolView) Exceeds(b restarts.Budget) bool { return v.guard.exceeds(b) }

// RestartLater implements [restarts.Pool].
func (v *poolView) RestartLater(d restarts.Delays, failed *actor.PID, workers []*actor.PID) {
	v.guard.workers.Sideline(failed)
	v.guard.delayed.schedule(d, failed, workers, func() { v.RestartChildren(workers...) })
}
