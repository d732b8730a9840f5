// Package router configures what a pool does with its tasks: which worker gets a task
// ([Dispatch]), what happens when the queue is full ([Overflow]), when a failed task is
// retried ([Retry]) or given up ([Quarantine]), and what the pool does about
// workers that hang ([Watchdog]) or keep failing ([Breaker]). A [Tracer] follows tasks.
//
// The values are passed to the options of package actors. Most programs need only the
// dispatch strategies, such as [RoundRobin].
package router
