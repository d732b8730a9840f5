package router

import "github.com/troupe-go/troupe/internal/invalid"

// Quarantine says which tasks a pool gives up for good. They are settled as
// Quarantined, published with a messages.TaskQuarantined event, and kept in a list
// from which they can be submitted again.
type Quarantine struct {
	// Crashes is the number of panics after which a task is given up; 0 means that
	// panics are no reason. A task panics more than once only under Retry.Panics.
	Crashes int
	// Exhausted also gives up tasks that fail or panic at the last attempt that the
	// retry policy grants them.
	Exhausted bool
	// Keep is the number of tasks to keep; 0 means 1000. Beyond that the oldest is
	// forgotten, with a warning in the log.
	Keep int
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if no task could
// come into quarantine as it says, under the given retry policy.
func (q Quarantine) Validate(retry Retry) error {
	possible := 1
	if retry.Panics {
		possible = retry.Attempts
	}
	switch {
	case q.Crashes < 0, q.Crashes == 0 && !q.Exhausted:
		return invalid.Option("quarantine after %d crashes < 1", q.Crashes)
	case q.Crashes > possible && !q.Exhausted:
		return invalid.Option("quarantine after %d crashes: by the retry policy (Attempts, Panics) a task crashes %d times at most", q.Crashes, possible)
	case q.Exhausted && retry.Attempts == 0:
		return invalid.Option("quarantine of exhausted tasks: there is no retry policy")
	case q.Keep < 0:
		return invalid.Option("quarantine keeps %d tasks < 0", q.Keep)
	}
	return nil
}
