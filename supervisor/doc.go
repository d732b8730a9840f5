// Package supervisor has the supervision strategies of a pool, and the actor
// that is the parent of its workers: it asks the strategy when a worker fails,
// replaces workers that stop, resizes the pool, sums what the workers report and
// watches the pool's health.
//
// A strategy is Proto.Actor's own [actor.SupervisorStrategy], so any will do.
// Those of this package differ from Proto.Actor's in three ways: without
// [Restarts] they restart without limit, their memory is bounded, and a worker
// whose budget is spent is not replaced.
package supervisor
