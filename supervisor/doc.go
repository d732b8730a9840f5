// Package supervisor has the supervision strategies of a pool, and the actor
// that is the parent of its workers: it asks the strategy when a worker fails,
// replaces workers that stop, resizes the pool, sums what the workers report and
// watches the pool's health.
//
// It also has the rules by which a pool's size follows its load: see [Autoscale].
//
// A strategy is Proto.Actor's own [actor.SupervisorStrategy], so any will do.
// Those of this package differ from Proto.Actor's in three ways: without
// [Restarts] they restart without limit, their memory is bounded, and a worker
// whose budget is spent is not replaced. Of Proto.Actor's own strategies a pool
// sees that the budget is spent by the count of failures that they clear then; with
// a budget of 0 they keep no count, so a worker that they stop is replaced.
package supervisor
