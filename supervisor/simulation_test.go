package supervisor_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/troupe-go/troupe/supervisor"
)

// simulation is a pool of 1 to 64 workers in a time of its own, with a look every
// second. A tick is a hundredth of that.
type simulation struct {
	arrivals float64                // tasks a second; 0: a thousand tasks wait at any time
	short    bool                   // one task waits at any time
	task     float64                // seconds that a task takes if nothing hinders the worker
	pace     func(busy int) float64 // of each of the busy workers; 1 if nothing hinders them
	noise    *rand.Rand             // varies the pace by 3 % from second to second; may be nil
	random   *rand.Rand             // has tasks and the gaps between them vary exponentially; may be nil
	dry      bool                   // the size stays as it is

	scaler  supervisor.Scaler
	looks   int
	queued  int
	due     float64 // when the next task arrives, in mean times between arrivals
	size    int
	workers []float64 // seconds left of the task in hand; those beyond size take no other
	used    []float64 // utilization, of the last ten seconds

	decisions []decision
	why       []string
}

// waiting is the pace of tasks that wait for something plentiful.
func waiting(int) float64 { return 1 }

// computing is the pace of tasks that compute. Each worker too many costs 1 %.
func computing(cores int) func(busy int) float64 {
	return func(busy int) float64 {
		extra := float64(max(busy-cores, 0))
		return float64(min(busy, cores)) / float64(max(busy, 1)) * (1 - 0.01*extra)
	}
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func (s *simulation) start(rule supervisor.Rule, size int) {
	s.scaler, s.size = rule.Scaler(1, 64, time.Second), size
}

func (s *simulation) run(looks int) {
	for range looks {
		load := s.second()
		size, why := s.scaler.Decide(load)
		if size == s.size {
			continue
		}
		s.decisions = append(s.decisions, decision{s.looks, s.size, size})
		s.why = append(s.why, why)
		if !s.dry {
			s.size = size
		}
	}
}

// decided returns the sizes that were decided on.
func (s *simulation) decided() (sizes []int) {
	for _, d := range s.decisions {
		sizes = append(sizes, d.to)
	}
	return sizes
}

func (s *simulation) second() supervisor.Load {
	const ticks = 100
	pace := 1.0
	if s.noise != nil {
		pace += 0.03 * (2*s.noise.Float64() - 1)
	}
	if more := s.size - len(s.workers); more > 0 {
		s.workers = append(s.workers, make([]float64, more)...)
	}
	finished, used := 0, 0
	for range ticks {
		for s.due -= s.arrivals / ticks; s.due < 0; s.due += s.chance() {
			s.queued++
		}
		busy, leaving := s.dispatch()
		used += busy
		step := pace * s.pace(busy+leaving) / ticks
		for i, left := range s.workers {
			if left > 0 {
				s.workers[i] -= step
				if s.workers[i] <= 1e-9 {
					finished++
				}
			}
		}
	}
	busy, _ := s.dispatch()
	switch {
	case s.short:
		s.queued = 1
	case s.arrivals == 0:
		s.queued = 1000
	}
	s.looks++
	s.used = append(s.used, float64(used)/float64(ticks*s.size))
	s.used = s.used[max(len(s.used)-10, 0):]
	utilization := 0.0
	for _, u := range s.used {
		utilization += u / float64(len(s.used))
	}
	return supervisor.Load{
		At: time.Unix(int64(s.looks), 0), Size: s.size, Busy: busy, Queued: int64(s.queued),
		Throughput: float64(finished), Utilization: math.Min(utilization, 1),
	}
}

// chance is 1 on average, and without randomness.
func (s *simulation) chance() float64 {
	if s.random == nil {
		return 1
	}
	return s.random.ExpFloat64()
}

// dispatch gives waiting tasks to the workers that are free. What a worker did in its
// last tick beyond the task counts for the next one.
func (s *simulation) dispatch() (busy, leaving int) {
	for i, left := range s.workers {
		switch {
		case left > 1e-9 && i < s.size:
			busy++
		case left > 1e-9:
			leaving++
		case i < s.size && (s.arrivals == 0 || s.queued > 0):
			s.queued--
			s.workers[i] += s.task * s.chance()
			busy++
		default:
			s.workers[i] = 0
		}
	}
	if leaving == 0 {
		s.workers = s.workers[:s.size]
	}
	return busy, leaving
}
