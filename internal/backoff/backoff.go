// Package backoff says how long to wait before trying again.
package backoff

import (
	"math/rand/v2"
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// A Backoff is exponential: the n-th delay is Min·2ⁿ, at most Max, and then off by
// a random share of up to Jitter of itself, up or down. No delay is below Min or
// above Max.
type Backoff struct {
	Min, Max time.Duration
	Jitter   float64 // 0 to 1
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if no delay can
// be had of b. what names b in it.
func (b Backoff) Validate(what string) error {
	switch {
	case b.Min < 0:
		return invalid.Option("minimum %s %v < 0", what, b.Min)
	case b.Min == 0 && b.Max > 0:
		return invalid.Option("minimum %s 0 never grows to %v", what, b.Max)
	case b.Max < b.Min:
		return invalid.Option("maximum %s %v < minimum %v", what, b.Max, b.Min)
	case !(b.Jitter >= 0 && b.Jitter <= 1): // so that NaN is wrong too
		return invalid.Option("jitter %v of the %s is not from 0 to 1", b.Jitter, what)
	}
	return nil
}

// Delay is the delay after n earlier ones. Where jitter would leave [Min, Max] the
// range to draw from is narrowed, so that delays do not pile up at its ends.
func (b Backoff) Delay(n int) time.Duration {
	base := b.Max
	if n < 63 && b.Min <= b.Max>>n {
		base = b.Min << n
	}
	spread := time.Duration(min(b.Jitter*float64(base), 1<<62))
	low, high := base-min(spread, base-b.Min), base+min(spread, b.Max-base)
	if low == high {
		return base
	}
	return low + rand.N(high-low)
}
