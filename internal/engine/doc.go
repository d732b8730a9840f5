// Package engine is the data plane of a pool: it admits tasks, queues them, gives workers
// their tasks, settles them and keeps the ledger.
//
// A task takes seven steps, in these files. Only a retry goes back to an earlier step:
//
//	admission  admission.go, overflow.go, waits.go
//	dispatch   dispatch.go, roster.go
//	queue      place.go, accept.go, queue.go, late.go, delays.go, deadlines.go
//	worker     worker.go, parking.go, scheduler.go, visit.go, claim.go
//	run        run.go, runner.go, hand.go, context.go
//	settle     settle.go, settling.go, end.go
//	notify     settlement.go, after.go
//
// An Engine is made of layers, from core to admission: see core.go. The actors above the
// layers are in workermailbox.go and poolactor.go.
package engine
