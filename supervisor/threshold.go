package supervisor

import (
	"fmt"
	"math"
	"time"

	"github.com/troupe-go/troupe/internal/invalid"
)

// Threshold is a [Rule] that grows a pool when its queue exceeds Factor times its
// size, and removes workers that have not been needed for the time IdleAfter.
//
// It adds as many workers as bring the queue down to the threshold, but at most
// doubles the size in one interval. If the capacity of the queue is at most Factor
// times the size, the pool never grows: choose a smaller Factor for a short queue.
//
// It shrinks to the largest number of workers needed in any interval within
// IdleAfter. All workers are needed if a task is queued. Otherwise the busy workers
// are, or as many as the utilization accounts for, if that is more. It shrinks no
// earlier than IdleAfter after the last change of the size.
type Threshold struct {
	Factor    float64       // queued tasks per worker; 0 means 2
	IdleAfter time.Duration // 0 means 30 s
}

var _ Rule = Threshold{}

// idleAfter is the default of IdleAfter.
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
	// With this many workers the queue is at the threshold. It may exceed any int.
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

// idleness remembers how many workers of a pool were needed recently. It starts
// over when the size changes, because the need of workers changes with it.
type idleness struct {
	after time.Duration

	size  int       // of the pool at since; 0 before the first interval
	since time.Time // nothing before it is remembered

	// peaks are the observations that can become the maximum of the time window. The
	// first one is the maximum. Oldest first; needed decreases strictly, so there are
	// at most size+1.
	peaks []peak
}

type peak struct {
	at     time.Time
	needed int // <= size
}

// restart forgets everything. The pool has this size from now on.
func (i *idleness) restart(at time.Time, size int) {
	i.size, i.since, i.peaks = size, at, nil
}

// shrink returns a smaller size that has been enough for the whole time i.after, and
// why. If there is none, it returns load.Size.
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

// remember adds p, and drops peaks that are too old or not higher than p.
func (i *idleness) remember(p peak) {
	for len(i.peaks) > 0 && i.peaks[len(i.peaks)-1].needed <= p.needed {
		i.peaks = i.peaks[:len(i.peaks)-1]
	}
	i.peaks = append(i.peaks, p)
	for p.at.Sub(i.peaks[0].at) > i.after {
		i.peaks = i.peaks[1:]
	}
}

// needed returns how many workers the pool needed under this load.
func needed(load Load) int {
	if load.Queued > 0 {
		return load.Size
	}
	size, busy := float64(load.Size), max(load.Busy, load.Peak)
	// The utilization is a mean over time, so it includes work between two
	// observations. A rounding error must not count as a worker.
	used := math.Ceil(load.Utilization*size - 1e-9)
	switch {
	case busy >= load.Size || used >= size:
		return load.Size
	case used > float64(busy):
		return int(used)
	}
	return busy
}
