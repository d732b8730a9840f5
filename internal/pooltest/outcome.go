package pooltest

import (
	"errors"

	"github.com/troupe-go/troupe/messages"
)

// OutcomeOf returns the outcome that the error of an accepted task stands for.
func OutcomeOf(err error) messages.Outcome {
	var panicked *messages.PanicError
	switch {
	case err == nil:
		return messages.Succeeded
	case errors.Is(err, messages.ErrDropped): // it wraps its reason
		return messages.Dropped
	case errors.Is(err, messages.ErrQuarantined): // it wraps the last panic
		return messages.Quarantined
	case errors.Is(err, messages.ErrTaskTimeout):
		return messages.TimedOut
	case errors.Is(err, messages.ErrCanceled):
		return messages.Canceled
	case errors.As(err, &panicked):
		return messages.Panicked
	default:
		return messages.Failed
	}
}

// Outcomes returns how many tasks of a pool have ended in each outcome.
func Outcomes(s *messages.Stats) map[messages.Outcome]int64 {
	return map[messages.Outcome]int64{
		messages.Succeeded: s.Succeeded, messages.Failed: s.Failed, messages.Panicked: s.Panicked,
		messages.TimedOut: s.TimedOut, messages.Canceled: s.Canceled, messages.Dropped: s.Dropped,
		messages.Quarantined: s.Quarantined,
	}
}
