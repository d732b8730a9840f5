package supervisor

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Autoscale has a pool change its size with its load: at every interval a [Rule]
// looks at the load and says what size the pool should have.
//
//	Autoscale{Min: 2, Max: 64}                // grow with the queue, shrink when idle
//	Autoscale{Min: 2, Max: 64, Rule: Climb{}} // find the size with the best throughput
//
// Both rules go by the tasks that wait. A pool without a queue has none, so it
// does not grow.
type Autoscale struct {
	// Min and Max bound the sizes that are decided on: 1 <= Min <= Max. A pool that
	// was given a size beyond them otherwise is brought back at the next look.
	Min, Max int
	// Every is the time between two looks at the load; 0 means 1 s.
	Every time.Duration
	// Rule decides; nil means Threshold{}.
	Rule Rule
	// DryRun has decisions published but not carried out.
	DryRun bool
}

// A Rule makes scalers, one for each pool that uses it. A rule that has a method
// Validate() error is asked by [Autoscale.Validate].
type Rule interface {
	// String is the rule's name in events and logs.
	String() string
	// Scaler returns the scaler of a pool of minSize to maxSize workers that looks at
	// its load at this interval: 1 <= minSize <= maxSize, every > 0.
	Scaler(minSize, maxSize int, every time.Duration) Scaler
}

// A Scaler decides on the size of one pool. One goroutine calls it, once per
// interval.
type Scaler interface {
	// Decide returns the size that the pool should have, load.Size for no change, and
	// says why in a short English clause with the figures seen ("queued 41 > 2 x 8
	// workers"). Where nothing is to change there may be nothing to say.
	//
	// Whether the size was changed is seen at the next look.
	Decide(load Load) (size int, why string)
}

// Load is what was seen of a pool since the last look.
type Load struct {
	At          time.Time
	Size, Busy  int     // workers, and those with a task in hand at that moment
	Peak        int     // the most that had one at once since the last look
	Queued      int64   // tasks that wait
	Throughput  float64 // tasks finished per second since the last look
	Utilization float64 // mean share of the workers' time spent on tasks, 0 to 1, of late (a 10 s window)
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the pool
// cannot be scaled so.
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
	rule, ok := a.withDefaults().Rule.(interface{ Validate() error })
	if !ok {
		return nil
	}
	err := rule.Validate()
	if err != nil && !errors.Is(err, messages.ErrInvalidOption) {
		err = fmt.Errorf("%w: autoscaling: %w", messages.ErrInvalidOption, err)
	}
	return err
}

// withDefaults returns a with its zero values replaced by what they stand for.
func (a Autoscale) withDefaults() Autoscale {
	if a.Every == 0 {
		a.Every = time.Second
	}
	if a.Rule == nil {
		a.Rule = Threshold{}
	}
	return a
}

// bounds are the sizes that a scaler may decide on: 1 <= min <= max.
type bounds struct{ min, max int }

// enforce returns the size nearest to the given one that is within the bounds, and
// what is wrong with that one if it is another.
func (b bounds) enforce(size int) (within int, wrong string) {
	switch {
	case size < b.min:
		return b.min, fmt.Sprintf("%d workers < minimum %d", size, b.min)
	case size > b.max:
		return b.max, fmt.Sprintf("%d workers > maximum %d", size, b.max)
	}
	return size, ""
}
