// Package supervision has the supervisor of a pool: the actor that is the parent
// of its workers. It asks the strategy when a worker fails, replaces workers that
// stop, resizes the pool, and watches its health.
//
// The actor, supervisorActor, passes each message to one of its parts. Each part
// owns its fields. Calls go in the direction of the arrows only:
//
//	supervisorActor ──> healthChecks
//	                ──> autoscaler ──> sizer
//	                ──> replacer ────> sizer ──> spawner ──> members
//	                             ────> strategyGuard ──────> members
//	                                                 ──────> delayedRestarts
//
// The parts run on the supervisor's goroutine, except members, strategyGuard and
// delayedRestarts, since a strategy may act on any goroutine.
package supervision
