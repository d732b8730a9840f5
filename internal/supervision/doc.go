// Package supervision has the supervisor of a pool: the actor that is the parent
// of its workers. It asks the strategy when a worker fails, replaces workers that
// stop, resizes the pool, and watches its health.
//
// The actor, supervisorActor, passes each message to one of its parts. Each part
// owns its fields. Calls go in the direction of the arrows only:
//
//	supervisorActor ──> healthChecks
//	                ──> autoscaler ──> sizer
//	                ──> starter ─────> sizer ──> nursery ──> order ──> childSpawner
//	                                         ──> spawner ──> members
//	                ──> replacer ────> sizer
//	                             ────> strategyGuard ──────> members, failureQueue
//	                                                 ──────> delayedRestarts
//
// The parts run on the supervisor's goroutine, on which no user code runs:
//
//   - An order makes workers on a goroutine of its own, since their constructors are user
//     code. They join the pool when the supervisor gets them.
//   - The failureQueue asks the strategy on a goroutine of its own, and so does the
//     autoscaler with its rule. members, strategyGuard, failureQueue and delayedRestarts are
//     safe for concurrent use.
//   - Log lines, events, and messages that may become Proto.Actor dead letters go through a
//     Deliverer.
//
// What changes the number of workers is a job. Jobs run one after another: a job that waits
// for its workers delays other jobs, but not the supervisor.
package supervision
