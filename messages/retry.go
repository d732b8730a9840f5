package messages

import "time"

// NoRetry marks the error of a handler: the task is not retried, whatever the pool's retry
// policy says of err. The text is that of err, and errors.Is and
// errors.As see it. NoRetry(nil) is nil.
func NoRetry(err error) error {
	if err == nil {
		return nil
	}
	return &NoRetryError{Err: err}
}

// NoRetryError is what [NoRetry] returns.
type NoRetryError struct{ Err error }

func (e *NoRetryError) Error() string { return e.Err.Error() }

// Unwrap returns the marked error.
func (e *NoRetryError) Unwrap() error { return e.Err }

// RetryAfter returns an error with which a handler asks for another attempt after
// exactly d, or at once if d is not positive. It is obeyed while the pool's retry
// policy has attempts left; else the task fails with it. To give a reason as well,
// wrap both: fmt.Errorf("%w: %w", messages.RetryAfter(d), err).
func RetryAfter(d time.Duration) error { return &RetryAfterError{Delay: d} }

// RetryAfterError is what [RetryAfter] returns.
type RetryAfterError struct{ Delay time.Duration }

func (e *RetryAfterError) Error() string { return "troupe: retry after " + e.Delay.String() }
