// Package engine is the data plane of a pool: it admits tasks, queues them, gives
// workers their tasks, settles them and keeps the ledger.
//
// A task takes seven steps, each in the files named here and none going back:
//
//	admission  admission.go, overflow.go, waits.go, accept.go
//	dispatch   dispatch.go, roster.go
//	queue      queue.go, late.go, delays.go, deadlines.go
//	worker     worker.go, scheduler.go, visit.go, claim.go
//	run        run.go, runner.go, context.go
//	settle     settle.go, end.go
//	notify     settlement.go
//
// The pool's own actor is in poolactor.go, its mailbox in poolmailbox.go.
package engine
