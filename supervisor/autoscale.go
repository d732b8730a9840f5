package supervisor

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// MaxSize is the maximum number of workers in a pool. More would take gigabytes of
// memory even while idle.
const MaxSize = 1_000_000

// Autoscale changes the size of a pool with its load. At every interval a [Rule]
// sees the load and decides which size the pool should have.
//
//	Autoscale{Min: 2, Max: 64}                // grow with the queue, shrink when idle
//	Autoscale{Min: 2, Max: 64, Rule: Climb{}} // find the size with the best throughput
//
// Both rules grow a pool only while tasks are queued, so a pool without a queue
// does not grow.
type Autoscale struct {
	// Min and Max bound the size: 1 <= Min <= Max. A pool whose size is out of
	// bounds, for example after AddRoutee, is brought back at the next interval.
	Min, Max int
	// Every is the interval; 0 means 1 s.
	Every time.Duration
	// Rule decides; nil means Threshold{}.
	Rule Rule
	// DryRun publishes decisions without carrying them out.
	DryRun bool
}

// A Rule makes scalers, one for each pool that uses it. If a rule has a method
// Validate() error, [Autoscale.Validate] calls it.
type Rule interface {
	// String returns the rule's name for events and logs.
	String() string
	// Scaler returns the scaler of a pool of minSize to maxSize workers, which is
	// called at this interval: 1 <= minSize <= maxSize, every > 0.
	Scaler(minSize, maxSize int, every time.Duration) Scaler
}

// A Scaler decides on the size of one pool. It is called once per interval, never
// by two goroutines at the same time.
type Scaler interface {
	// Decide returns the size that the pool should have, load.Size for no change. why
	// gives the reason for a change in a short English clause with figures ("queued 41
	// > 2 x 8 workers").
	//
	// The load at the next interval shows whether the size was changed.
	Decide(load Load) (size int, why string)
}

// Load is the load of a pool at the end of an interval.
type Load struct {
	At          time.Time
	Size, Busy  int     // workers, and busy workers at that moment
	Peak        int     // the largest number of workers busy at the same time in the interval
	Queued      int64   // queued tasks, without those that are delayed
	Throughput  float64 // tasks finished per second in the interval
	Utilization float64 // mean share of the workers' time spent on tasks, 0 to 1, over the last 10 s
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the settings
// make no sense.
func (a Autoscale) Validate() error {
	switch {
	case a.Min < 1:
		return invalid.Option("autoscaling: minimum %d < 1", a.Min)
	case a.Max < a.Min:
		return invalid.Option("autoscaling: maximum %d < minimum %d", a.Max, a.Min)
	case a.Max > MaxSize:
		return invalid.Option("autoscaling: maximum %d > %d", a.Max, MaxSize)
	case a.Every < 0:
		return invalid.Option("autoscaling: a look every %v", a.Every)
	}
	rule, ok := a.Rule.(interface{ Validate() error })
	if !ok {
		return nil
	}
	err := rule.Validate()
	if err != nil && !errors.Is(err, messages.ErrInvalidOption) {
		err = fmt.Errorf("%w: autoscaling: %w", messages.ErrInvalidOption, err)
	}
	return err
}

// bounds are the sizes that a scaler may choose: 1 <= min <= max.
type bounds struct{ min, max int }

// enforce returns the nearest size within the bounds. If that is another size, wrong
// says why.
func (b bounds) enforce(size int) (within int, wrong string) {
	switch {
	case size < b.min:
		return b.min, fmt.Sprintf("%d workers < minimum %d", size, b.min)
	case size > b.max:
		return b.max, fmt.Sprintf("%d workers > maximum %d", size, b.max)
	}
	return size, ""
}
