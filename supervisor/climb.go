package supervisor

import (
	"fmt"
	"math"
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// Climb is a [Rule] that finds the size with the best throughput by trying sizes.
// For tasks that compute, that is about the number of processors. For tasks that
// wait for something with ample capacity, it is the maximum.
//
// Climb tries sizes only while tasks are queued and all workers are busy. Otherwise
// the throughput depends on the load and not on the size. It begins after at least
// six such intervals in a row. It tries twice the size (or less if few tasks are
// queued) and half the size, continues in the better direction, and then takes
// smaller steps. A larger size is better if each added worker contributes more than
// the share Gain of what a present worker does, and if the difference is larger than
// the error of measurement. Otherwise the smaller size is better. Climb keeps the
// best size for the time Hold, or until its throughput has changed by more than a
// quarter. Whenever it finds no better size, it doubles the time. It removes workers
// that are not needed, as [Threshold] does.
//
// Climb measures a size for at least Rounds rounds, after one that does not count. A
// round takes one interval or more: in it, the pool finishes one task for every
// worker. If 100 intervals are too few to measure a size, Climb returns to the best
// size so far. So the interval should not be much shorter than the tasks.
//
// With [Autoscale.DryRun], Climb repeats its first decision at the times at which it
// would try a size. Later decisions depend on the outcome of the first.
//
// The method is that of the controller HC3 of Joseph L. Hellerstein, Vance Morrison
// and Eric Eilebrecht, "Optimizing Concurrency Levels in the .NET ThreadPool: A Case
// Study of Controller Design and Implementation", 2008: a hill climb on the measured
// throughput of each size, which moves only for a significant difference, beside
// rules for when there is no hill to climb. Climb is simpler: of the history it
// keeps the measure of the best size and the bounds beyond which no size is better,
// its steps are ratios that do not depend on the slope, and no step is random.
type Climb struct {
	Gain      float64       // 0 means 0.05
	Rounds    int           // 0 means 4; otherwise 4 to 50
	Hold      time.Duration // 0 means 600 intervals, which is 10 min with one of 1 s
	IdleAfter time.Duration // 0 means 30 s
}

var _ Rule = Climb{}

const (
	climbLooks = 100  // a size is judged by what was measured in so many looks, or not at all
	climbDrift = 0.25 // a throughput that has changed by a larger share is another load's
	// A step is the ratio of two sizes: 2 at first, then its root, then the root of that.
	widestStep, smallStep, finestStep = 2, math.Sqrt2, 1.18
)

func (Climb) String() string { return "climb" }

// Validate returns an error that wraps [messages.ErrInvalidOption] if a value makes
// no sense.
func (c Climb) Validate() error {
	switch {
	case c.Gain < 0 || math.IsNaN(c.Gain) || math.IsInf(c.Gain, 0):
		return invalid.Option("climb: gain %v", c.Gain)
	case c.Rounds != 0 && c.Rounds < 4 || c.Rounds > climbLooks/2: // the spread of three is unknown
		return invalid.Option("climb: %d rounds, not 4 to %d", c.Rounds, climbLooks/2)
	case c.Hold < 0:
		return invalid.Option("climb: hold %v", c.Hold)
	case c.IdleAfter < 0:
		return invalid.Option("climb: idle after %v", c.IdleAfter)
	}
	return nil
}

// Scaler implements [Rule].
func (c Climb) Scaler(minSize, maxSize int, every time.Duration) Scaler {
	if c.Gain == 0 {
		c.Gain = 0.05
	}
	if c.Rounds == 0 {
		c.Rounds = 4
	}
	if c.Hold == 0 {
		c.Hold = 600 * every
	}
	if c.IdleAfter == 0 {
		c.IdleAfter = idleAfter
	}
	return &climber{
		Climb: c, bounds: bounds{minSize, maxSize}, every: every, idle: idleness{after: c.IdleAfter},
	}
}

// climbState says what the current size is measured for.
type climbState int

const (
	starting climbState = iota + 1 // to have something to compare with
	trying                         // to compare it with the best
	holding                        // to notice another load
)

// climber is the scaler of a [Climb].
type climber struct {
	Climb
	bounds bounds
	every  time.Duration
	idle   idleness

	state      climbState
	size, from int       // what the pool should have, and had when that was decided; 0 before the first look
	now        measure   // of size, in this state
	looked     time.Time // the last look
	saturated  bool      // at the last look
	busy       time.Time // the last look at which it was

	// The best size, while others are tried or it is held. None beyond lo and hi is
	// better: bounds.min <= lo <= best.size <= hi <= bounds.max.
	best   measure
	lo, hi int
	step   float64       // to the next size to try
	finest float64       // the last step to take
	up     bool          // the next size is larger than the best
	turned bool          // the larger one has been tried with this step, or need not be
	found  bool          // a better size than the first
	wait   time.Duration // how long to hold; 0 if nothing was held yet
	until  time.Time     // when to try again, while holding
}

func (c *climber) Decide(load Load) (size int, why string) {
	switch {
	case load.Size == c.size:
	case load.Size == c.from && c.state == trying: // that cannot be tried, or must not
		c.start(load.Size)
		c.hold(load.At, c.now)
	default: // others have resized the pool, or it is new
		c.start(load.Size)
		c.wait = 0
	}
	counts := c.see(load)
	size, why = c.bounds.enforce(load.Size)
	if size == load.Size {
		size, why = c.idle.shrink(load, c.bounds.min)
	}
	if size != load.Size {
		c.start(size)
	} else if counts {
		size, why = c.climb(load)
	}
	c.size, c.from = size, load.Size
	return size, why
}

// start forgets what is known of other sizes.
func (c *climber) start(size int) {
	c.state, c.now, c.found = starting, measure{size: size}, false
}

// see measures the load, and reports whether it counts: only if the pool was
// saturated at both ends of the interval, its throughput is all that it has. Of a
// pause between two looks nothing is known.
func (c *climber) see(load Load) (counts bool) {
	interval, before := load.At.Sub(c.looked), c.saturated
	c.looked, c.saturated = load.At, load.Queued > 0 && load.Busy >= load.Size
	if c.saturated {
		c.busy = load.At
		counts = before && interval > 0 && interval/10 < c.every
		if counts {
			c.now.add(load.Throughput, interval.Seconds())
		}
		return counts
	}
	long := load.At.Sub(c.busy) >= c.IdleAfter
	switch {
	case c.state == starting, c.state == trying && long: // the size is all that the load needs
		c.start(load.Size)
	case long:
		c.now = measure{size: load.Size}
	default:
		c.now.open = round{}
	}
	return false
}

// climb decides if enough has been measured to decide on.
func (c *climber) climb(load Load) (size int, why string) {
	enough := c.now.enough(c.Rounds)
	switch {
	case !enough && !c.now.exhausted():
	case !enough && c.state == starting:
		c.hold(load.At, c.now)
	case !enough && c.state == trying:
		c.hold(load.At, c.best)
		return c.best.size, fmt.Sprintf("too few tasks finished by %d workers in %d looks", load.Size, climbLooks)
	case !enough:
		c.now = measure{size: load.Size}
	case c.state == starting:
		// What all is compared with should be known well, but growing should begin soon.
		if c.now.within(c.Gain) || c.now.looks >= climbLooks/5 {
			return c.explore(load, widestStep, finestStep)
		}
	case c.state == trying:
		return c.compare(load)
	case !c.now.within(c.Gain / 2):
	case c.now.differs(&c.best):
		return c.explore(load, widestStep, finestStep)
	case !load.At.Before(c.until):
		return c.explore(load, smallStep, smallStep)
	default:
		c.now = measure{size: load.Size}
	}
	return load.Size, ""
}

// explore begins to try sizes around the current one, which has been measured.
func (c *climber) explore(load Load, step, finest float64) (size int, why string) {
	c.best, c.lo, c.hi = c.now, c.bounds.min, c.bounds.max
	c.step, c.finest, c.up, c.turned, c.found = step, finest, true, false, false
	return c.next(load)
}

// compare decides whether the size that is tried is better than the best. The smaller
// of the two is, unless the larger one is worth it for sure.
func (c *climber) compare(load Load) (size int, why string) {
	larger, smaller := &c.now, &c.best
	if !c.up {
		larger, smaller = smaller, larger
	}
	growth := float64(larger.size)/float64(smaller.size) - 1
	advantage, noise := larger.advantage(smaller)
	if !c.now.exhausted() {
		noise *= 2 // of two standard errors, one must do when there is no time for more
	}
	excess := advantage - c.Gain*growth
	if math.Abs(excess) <= noise && !c.now.within(c.Gain/2) {
		return load.Size, ""
	}
	worth := excess > noise
	switch {
	case c.up && worth:
		c.lo = c.best.size + 1
		if advantage > 0.9*growth { // the workers added do what those before them do, so all are needed
			c.lo = c.now.size
		}
	case c.up:
		c.hi = c.now.size - 1
	case worth:
		c.lo = c.now.size + 1
	default:
		c.hi = c.best.size - 1
	}
	if worth == c.up {
		c.best, c.found, c.finest = c.now, true, finestStep
	}
	return c.next(load)
}

// next tries the next size, or returns to the best if none is left to try.
func (c *climber) next(load Load) (size int, why string) {
	for c.step >= c.finest {
		if size := c.candidate(load); size != c.best.size && c.lo <= size && size <= c.hi {
			c.state, c.now = trying, measure{size: size}
			return size, fmt.Sprintf("try %d: %v, queued %d", size, &c.best, load.Queued)
		}
		if c.turned { // neither direction has any
			c.step = math.Sqrt(c.step)
		}
		c.up, c.turned = c.turned, !c.turned
	}
	c.hold(load.At, c.best)
	return c.best.size, fmt.Sprintf("best: %v", &c.best)
}

// candidate returns the size that is one step from the best.
func (c *climber) candidate(load Load) int {
	best := c.best.size
	if !c.up {
		return max(min(int(math.Round(float64(best)/c.step)), best-1), c.bounds.min)
	}
	// A short queue may have nothing to do for more workers, or may always be short.
	tasks := float64(load.Size) + float64(load.Queued)
	size := math.Round(min(float64(best)*c.step, max(float64(best)*smallStep, tasks)))
	if size < float64(c.bounds.max) {
		return max(int(size), best+1)
	}
	return c.bounds.max
}

// hold keeps the best size, for longer if no better one was found.
func (c *climber) hold(at time.Time, best measure) {
	switch {
	case c.wait == 0 || c.found:
		c.wait = c.Hold
	case c.wait <= math.MaxInt64/2:
		c.wait *= 2
	}
	c.state, c.best, c.now, c.until = holding, best, measure{size: best.size}, at.Add(c.wait)
}
