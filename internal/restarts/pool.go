package restarts

import "github.com/asynkron/protoactor-go/actor"

// Reasons for which a worker is dismissed.
const (
	Spent     = "restarts spent"
	PoolSpent = "the pool's restarts spent"
)

// A Pool is the supervisor of a pool as a strategy sees it. A strategy asks the
// [actor.Supervisor] that it is given for this interface; the supervisors of
// other actors do not have it.
type Pool interface {
	actor.Supervisor

	// Dismiss stops workers and does not replace them.
	Dismiss(reason string, workers ...*actor.PID)
	// Exceeds records a failure of any worker of the pool and reports whether
	// restarting after it would exceed the budget.
	Exceeds(b Budget) bool
	// RestartLater restarts workers after the delay that the failed one has
	// reached. Until then, the failed worker is not dispatched to.
	RestartLater(d Delays, failed *actor.PID, workers []*actor.PID)
	// Publish publishes an event and does not wait for the subscribers.
	Publish(event any)
}
