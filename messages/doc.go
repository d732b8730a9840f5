// Package messages is the vocabulary of a Troupe pool: the task and its result,
// the outcomes a task can have, statistics, control messages, events and errors.
//
// It imports nothing else of Troupe, so an application can speak to a pool it
// only knows by its PID without depending on how pools are made.
//
// # The ledger
//
// A task is accepted or rejected at once, and an accepted task is settled
// exactly once, with one [Outcome]. In every [Stats]:
//
//	Submitted = Queued + Running + Succeeded + Failed + Panicked + TimedOut + Canceled + Dropped + Quarantined
//
// A rejected task never entered; it is counted in [Stats.Rejected] only.
package messages
