package router

import (
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// Breaker stops dispatching to a worker that keeps failing. After the cooldown the
// worker gets one task, its probe: if that succeeds, dispatch goes on; otherwise the
// worker is sidelined for another cooldown. The last worker is never sidelined. A
// broadcast task for a sidelined worker waits for it.
type Breaker struct {
	// Failures is the number of attempts in a row that must fail, panic or time out
	// before a worker is sidelined, at least 1.
	Failures int
	// Cooldown is how long the worker is sidelined; it must be positive.
	Cooldown time.Duration
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the values
// make no sense.
func (b Breaker) Validate() error {
	switch {
	case b.Failures < 1:
		return invalid.Option("breaker after %d failures < 1", b.Failures)
	case b.Cooldown <= 0:
		return invalid.Option("breaker cooldown %v <= 0", b.Cooldown)
	}
	return nil
}
