package router

import (
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// Watchdog abandons handlers that ignore cancellation. Nothing in Go can stop such a
// handler. Its task is already settled; the watchdog replaces its worker, so that the
// pool has its capacity back. Until the handler returns, it counts in
// messages.Stats.Abandoned; its result is discarded.
type Watchdog struct {
	// Grace is how long a handler may go on after its task has timed out or was
	// canceled; it must be positive.
	Grace time.Duration
	// Limit is the most handlers that may be abandoned at a time; 0 means 100. At the
	// limit, a further handler keeps its worker and is checked again after another
	// grace.
	Limit int
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the values
// make no sense.
func (d Watchdog) Validate() error {
	switch {
	case d.Grace <= 0:
		return invalid.Option("watchdog grace %v <= 0", d.Grace)
	case d.Limit < 0:
		return invalid.Option("watchdog limit %d < 0", d.Limit)
	}
	return nil
}
