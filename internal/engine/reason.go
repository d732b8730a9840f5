package engine

import (
	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// A reasonError is the error of a task that ended for a reason of the pool's, together with
// the error of the handler. Its text is made on demand, since Error of the handler's error
// is user code.
type reasonError struct{ reason, err error }

func (e *reasonError) Error() string   { return e.reason.Error() + ": " + e.err.Error() }
func (e *reasonError) Unwrap() []error { return []error{e.reason, e.err} }

// because wraps err, which the handler returned, in the reason why the task ended. It
// returns err itself if that wraps the reason already. The methods of err are user code.
func because(reason, err error) error {
	if guard.Is(err, reason) {
		return err
	}
	return Because(reason, err)
}

// Because returns an error that wraps reason and a cause, whose methods are user code.
func Because(reason, cause error) error { return &reasonError{reason, cause} }

// quarantinedError returns the error of a task that was quarantined because of err.
func quarantinedError(err error) error { return Because(messages.ErrQuarantined, err) }
