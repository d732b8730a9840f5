package restarts

import (
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// A Budget bounds restarts: at most Max within any period of length Within. A
// Within of 0 means ever.
type Budget struct {
	Max    int
	Within time.Duration
}

// Validate returns an error that wraps messages.ErrInvalidOption if the budget
// makes no sense.
func (b Budget) Validate() error {
	switch {
	case b.Max < 0:
		return invalid.Option("%d restarts", b.Max)
	case b.Within < 0:
		return invalid.Option("restarts within %v", b.Within)
	}
	return nil
}

// A Record holds the times of the latest failures, oldest first. It never holds
// more than one failure above the budget.
type Record []time.Time

// Exceeds records a failure and reports whether restarting after it would exceed
// the budget.
func (r *Record) Exceeds(b Budget, now time.Time) bool {
	times := append(*r, now)
	if len(times)-1 > b.Max {
		times = times[1:]
	}
	*r = times
	return len(times) > b.Max && (b.Within == 0 || now.Sub(times[0]) < b.Within)
}

// Expired reports whether every recorded failure is too old to count.
func (r *Record) Expired(b Budget, now time.Time) bool {
	n := len(*r)
	return n == 0 || now.Sub((*r)[n-1]) >= b.Within
}
