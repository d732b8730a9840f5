package router

import (
	"time"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/internal/invalid"
)

// Retry says which failed tasks are retried, and when. A waiting retry holds no
// worker: it is queued until its delay is over, takes the room of one task, and is then
// dispatched behind the tasks of its priority. It is never dropped by an overflow
// policy. A task whose timeout would come before its next attempt is settled at once.
//
// A task of a user's own actor fails by actors.Fail, by Done of a held task, by an error response
// under actors.WithErrorResponses, or by a panic, which is retried only with Panics. When a
// worker is restarted, its held tasks are retried, whatever On and Panics say.
type Retry struct {
	// Attempts limits the attempts of a task, the first included. It must be at least 2.
	Attempts int
	// Min is the delay before the second attempt. It doubles before each further
	// attempt, up to Max. If both are 0, there is no delay.
	Min, Max time.Duration
	// Jitter is the share, 0 to 1, by which each delay varies at random, up or down,
	// within Min and Max.
	Jitter float64
	// On reports whether an error of the handler is worth another attempt. Nil means that
	// every error is. It runs on the handler's goroutine, or in Done of a held task. NoRetry
	// and RetryAfter, in package messages, take precedence.
	On func(error) bool
	// Panics retries tasks that panicked or ended their goroutine.
	Panics bool
	// Elsewhere leaves the next attempt to another worker, if there is one, no matter how busy
	// it is. A worker that is sidelined or that waits for its supervisor's decision does not
	// count, nor does one whose handler waits for a task of its own pool, or for room. A worker
	// that has been restarted is the same worker; one that replaces it is another. A broadcast
	// task stays with its worker.
	Elsewhere bool
}

// AnyError is a Retry.On that retries every error, as nil does.
func AnyError(error) bool { return true }

// Validate returns an error that wraps [messages.ErrInvalidOption] if the policy
// makes no sense.
func (p Retry) Validate() error {
	if p.Attempts < 2 {
		return invalid.Option("retry with %d attempts < 2", p.Attempts)
	}
	return p.backoff().Validate("retry delay")
}

// Delay returns how long a task waits for its next attempt after so many have failed,
// at least 1. With Jitter the result is random.
func (p Retry) Delay(failures int) time.Duration { return p.backoff().Delay(failures - 1) }

func (p Retry) backoff() backoff.Backoff {
	return backoff.Backoff{Min: p.Min, Max: p.Max, Jitter: p.Jitter}
}
