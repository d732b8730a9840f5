// Package supervisor has what a user configures about the workers of a pool:
// supervision strategies and autoscaling.
//
// A strategy decides what happens to a worker that failed: see [OneForOne],
// [AllForOne] and [Escalate]. It is Proto.Actor's own [actor.SupervisorStrategy], so
// a pool accepts any other one, too. The strategies of this package differ from
// Proto.Actor's in three ways: without [Restarts] they restart without limit, their
// memory is bounded, and a worker that has used up its budget is not replaced.
//
// A pool recognizes that one of Proto.Actor's strategies has used up its budget by
// the count of failures, which the strategy clears then. With a budget of 0 that
// strategy keeps no count, so a worker that it stops is replaced.
//
// A worker that stops without a failure, for example to be recycled after a number
// of tasks, is replaced and the strategy is not asked.
//
// An [Autoscale] changes the number of workers with the load.
package supervisor
