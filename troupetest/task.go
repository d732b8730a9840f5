package troupetest

import (
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A Task is what a [Recorder] knows of an accepted task. It belongs to its receiver: it does
// not change when the task goes on.
type Task[In any] struct {
	// ID is the ID that the submitter gave the task, or else the number that the pool gave it.
	ID string
	// In is the input of the handler or, in a pool of actors, the message or the Payload of
	// the *messages.Task. It is the value that was submitted, not a copy of what it points to.
	In       In
	Key      string
	Priority int
	Accepted time.Time

	// Outcome says how the task was settled; 0: it is not settled yet.
	Outcome messages.Outcome
	// Err is nil unless the task was settled with another outcome than Succeeded.
	Err error
	// Worker is the ID of the worker that had the task last. It is empty if none had.
	Worker  string
	Settled time.Time // the zero time: it is not settled yet

	// Attempts are the attempts that have ended, in order. A task that failed twice before it
	// succeeded has three. A task that was settled before a worker began it has none.
	Attempts []Attempt
}

// An Attempt is one execution of a [Task].
type Attempt struct {
	Worker  string // the ID of the worker; empty if the task ran in its caller
	Outcome messages.Outcome
	Err     error         // nil if and only if Outcome is Succeeded
	Wait    time.Duration // from the acceptance, or from the time of this attempt, until its start
	Run     time.Duration
	Ended   time.Time
}
