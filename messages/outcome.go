package messages

import "strconv"

// Outcome says how a task ended. A handler can name the outcome of its task: see
// actors.WithOutcome.
type Outcome int

// The outcomes. Every accepted task has exactly one of the first seven;
// Rejected is the outcome in the [Result] of a task that was never accepted.
const (
	Succeeded   Outcome = iota + 1 // the handler returned without an error
	Failed                         // the handler returned an error
	Panicked                       // the handler panicked, or ended its goroutine
	TimedOut                       // the task's timeout ran out, queued or running
	Canceled                       // whoever submitted it gave it up, or the pool closed while it ran
	Dropped                        // by the overflow policy, or by a stop while it was queued
	Quarantined                    // given up after repeated crashes, or after its last attempt
	Rejected                       // never accepted, so not in the ledger
)

// Outcomes is the number of outcomes that an accepted task can have.
const Outcomes = int(Quarantined)

func (o Outcome) String() string {
	switch o {
	case Succeeded:
		return "succeeded"
	case Failed:
		return "failed"
	case Panicked:
		return "panicked"
	case TimedOut:
		return "timed out"
	case Canceled:
		return "canceled"
	case Dropped:
		return "dropped"
	case Quarantined:
		return "quarantined"
	case Rejected:
		return "rejected"
	default:
		return "Outcome(" + strconv.Itoa(int(o)) + ")"
	}
}
