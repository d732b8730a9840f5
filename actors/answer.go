package actors

import (
	"time"

	"github.com/troupe-go/troupe/messages"
)

// Answer is what became of one input of [Pool.Each] or one task of a [Group].
type Answer[In, Out any] struct {
	// ID is the task's ID, or the number that the pool gave it. It is empty when an input
	// without an ID was rejected.
	ID string
	In In
	// Out is what the handler returned. It is the zero value unless Outcome is Succeeded.
	Out Out
	// Err says why there is no output, as [Pool.Ask] does. It is nil if and only if Outcome is
	// Succeeded.
	Err error
	// Outcome says how the task ended. It is Rejected if the pool did not accept the input.
	Outcome messages.Outcome
	// Attempts is how many times the task was begun.
	Attempts int
	// Worker is the ID of the worker that had the task in hand last; empty when none had.
	Worker string
	// Run is the time that the task was in hand, summed over its attempts. Wait is the rest of
	// the time from its admission to its outcome.
	Wait, Run time.Duration
}
