// Package outcome has the error with which a handler names the outcome of its task.
package outcome

import (
	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// An Error names the outcome of the task whose handler returns it.
type Error struct {
	outcome messages.Outcome
	reason  error // the sentinel of the outcome, or what is wrong with it; nil: there is none
	err     error // the handler's own; may be nil
}

// New returns the error that names an outcome, with the handler's own error, which may be
// nil. If a handler cannot name that outcome, the error names Failed and says so. A retry
// policy sees a [messages.NoRetryError].
func New(o messages.Outcome, err error) error {
	e := &Error{outcome: o, err: err}
	switch o {
	case messages.Failed, messages.Panicked:
	case messages.TimedOut:
		e.reason = messages.ErrTaskTimeout
	case messages.Canceled:
		e.reason = messages.ErrCanceled
	case messages.Dropped:
		e.reason = messages.ErrDropped
	case messages.Quarantined:
		e.reason = messages.ErrQuarantined
	default:
		e.outcome, e.reason = messages.Failed, invalid.Option("a handler cannot name the outcome %v", o)
	}
	return messages.NoRetry(e)
}

// Of returns the Error that err is or wraps, or nil. Only if err wraps another error, or
// has an As method, does Of call methods of it.
func Of(err error) *Error {
	switch e := err.(type) { //nolint:errorlint // the methods of err may be user code
	case *messages.NoRetryError:
		if named, ok := e.Err.(*Error); ok { //nolint:errorlint // likewise
			return named
		}
	case interface{ Unwrap() error }, interface{ Unwrap() []error }, interface{ As(target any) bool }:
	default:
		return nil
	}
	named, _ := guard.As[*Error](err)
	return named
}

// Outcome returns the outcome of the task.
func (e *Error) Outcome() messages.Outcome { return e.outcome }

// Final returns the error of a task whose handler has returned err, which is or wraps e.
func (e *Error) Final(err error) error {
	if e.reason == nil || e.err != nil {
		return err
	}
	if whole, ok := err.(*messages.NoRetryError); ok && whole.Err == error(e) { //nolint:errorlint // the methods of err may be user code
		return e.reason
	}
	return err
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.reason == nil && e.err == nil:
		return "troupe: the handler named the outcome " + e.outcome.String()
	case e.reason == nil:
		return e.err.Error()
	case e.err == nil:
		return e.reason.Error()
	default:
		return e.reason.Error() + ": " + e.err.Error()
	}
}

// Unwrap returns the reason and the handler's own error, those that there are.
func (e *Error) Unwrap() (all []error) {
	for _, err := range []error{e.reason, e.err} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}
