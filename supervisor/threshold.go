package supervisor

import (
	"fmt"
	"math"
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// Threshold is a [Rule] that grows a pool when its queue exceeds Factor times its
// size, and takes away workers that were not needed for as long as IdleAfter.
//
// It grows by as many workers as bring the queue under the threshold, but no more
// than doubles the size at one look. So a queue that holds no more than Factor
// times the size makes no pool grow: choose the smaller Factor for a short queue.
//
// It shrinks to the largest number of workers that were needed at any look within
// IdleAfter: those with a task in hand, those that the utilization stands for, or
// all of them if a task waited. It does so IdleAfter after the last change of the
// size at the earliest, whoever changed it.
type Threshold struct {
	Factor    float64       // queued tasks per worker; 0 means 2
	IdleAfter time.Duration // 0 means 30 s
}

var _ Rule = Threshold{}

// idleAfter is what an IdleAfter of 0 means.
const idleAfter = 30 * time.Second

func (Threshold) String() string { return "threshold" }

// Validate returns an error that wraps [messages.ErrInvalidOption] if a value makes
// no sense.
func (t Threshold) Validate() error {
	switch {
	case t.Factor < 0 || math.IsNaN(t.Factor) || math.IsInf(t.Factor, 0):
		return invalid.Option("threshold: factor %v", t.Factor)
	case t.IdleAfter < 0:
		return invalid.Option("threshold: idle after %v", t.IdleAfter)
	}
	return nil
}

// Scaler implements [Rule].
func (t Threshold) Scaler(minSize, maxSize int, _ time.Duration) Scaler {
	if t.Factor == 0 {
		t.Factor = 2
	}
	if t.IdleAfter == 0 {
		t.IdleAfter = idleAfter
	}
	return &thresholdScaler{
		bounds: bounds{minSize, maxSize}, factor: t.Factor, idle: idleness{after: t.IdleAfter},
	}
}

type thresholdScaler struct {
	bounds bounds
	factor float64
	idle   idleness
}

func (s *thresholdScaler) Decide(load Load) (size int, why string) {
	if size, wrong := s.bounds.enforce(load.Size); size != load.Size {
		s.idle.restart(load.At, size)
		return size, wrong
	}
	// So many workers have a queue that is just short enough. It may be more than any int.
	enough := math.Ceil(float64(load.Queued) / s.factor)
	if enough > float64(load.Size) && load.Size < s.bounds.max {
		size := s.grown(load.Size, enough)
		s.idle.restart(load.At, size)
		return size, fmt.Sprintf("queued %d > %v x %d workers", load.Queued, s.factor, load.Size)
	}
	return s.idle.shrink(load, s.bounds.min)
}

// grown returns enough, but no more than twice the size and no more than the maximum.
func (s *thresholdScaler) grown(size int, enough float64) int {
	limit := s.bounds.max
	if size <= limit/2 {
		limit = 2 * size
	}
	if enough < float64(limit) {
		return int(enough)
	}
	return limit
}

// idleness remembers how many workers of a pool were needed of late. It begins
// anew whenever the size has changed, since what the workers do changes with it.
type idleness struct {
	after time.Duration

	size  int       // what the pool had, or should have, at since; 0 before the first look
	since time.Time // nothing before it is remembered

	// peaks has the looks that may yet be the one with the most needed workers within
	// the time that matters: of those, the first is. Oldest first; needed decreases
	// strictly, so there are size+1 at most.
	peaks []peak
}

type peak struct {
	at     time.Time
	needed int // <= size
}

// restart forgets everything: the pool has this size from now on.
func (i *idleness) restart(at time.Time, size int) {
	i.size, i.since, i.peaks = size, at, nil
}

// shrink returns the size that suffices, and why, if that is a smaller one: it has
// been enough for a whole i.after. Otherwise it returns load.Size.
func (i *idleness) shrink(load Load, minSize int) (size int, why string) {
	if load.Size != i.size {
		i.restart(load.At, load.Size)
	}
	i.remember(peak{load.At, needed(load)})
	size = max(i.peaks[0].needed, minSize)
	if load.At.Sub(i.since) < i.after || size >= load.Size {
		return load.Size, ""
	}
	why = fmt.Sprintf("%d of %d workers needed at most for %v", i.peaks[0].needed, load.Size, i.after)
	i.restart(load.At, size)
	return size, why
}

// remember adds p, and drops what is too old to matter or no higher.
func (i *idleness) remember(p peak) {
	for len(i.peaks) > 0 && i.peaks[len(i.peaks)-1].needed <= p.needed {
		i.peaks = i.peaks[:len(i.peaks)-1]
	}
	i.peaks = append(i.peaks, p)
	for p.at.Sub(i.peaks[0].at) > i.after {
		i.peaks = i.peaks[1:]
	}
}

// needed is how many workers the pool needed when it had this load.
func needed(load Load) int {
	if load.Queued > 0 {
		return load.Size
	}
	size, busy := float64(load.Size), max(load.Busy, load.Peak)
	// The mean is over more than a moment, so it sees work between the looks. What a
	// product of floats has too much must not count for a worker.
	used := math.Ceil(load.Utilization*size - 1e-9)
	switch {
	case busy >= load.Size || used >= size:
		return load.Size
	case used > float64(busy):
		return int(used)
	}
	return busy
}
