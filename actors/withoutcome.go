package actors

import (
	"github.com/troupe-go/troupe/internal/outcome"
	"github.com/troupe-go/troupe/messages"
)

// WithOutcome returns an error with which a handler names the outcome of its task. Use it if
// the handler knows better than the pool how its task has ended: TimedOut for a service that
// was too slow, Canceled or Dropped for work that nobody wants any more, Quarantined for a
// task that no attempt can do.
//
// The handler returns the error, or one that wraps it. The task is settled with the outcome,
// which is final: the task is not retried. The error of the task wraps err and the sentinel of
// the outcome: messages.ErrTaskTimeout, ErrCanceled, ErrDropped or ErrQuarantined. Failed and
// Panicked have no sentinel. With a nil err, the error of the task is the sentinel alone.
//
// A task that is Quarantined goes into the pool's quarantine; in a pool without one, it is
// only counted. Panicked is only counted as well: the worker has not failed, so it is not
// restarted. For a breaker, Canceled and Dropped are neither failures nor successes.
//
// If the task times out or is canceled before the handler returns, that outcome stands.
//
// Naming Succeeded, Rejected or an unknown number settles the task as Failed, with an error
// that wraps messages.ErrInvalidOption and err, and names the value.
func WithOutcome(named messages.Outcome, err error) error { return outcome.New(named, err) }
