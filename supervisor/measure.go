package supervisor

import (
	"fmt"
	"math"
)

// measure is what was seen of a size while the pool was saturated. In a round the
// pool has finished a task for every worker, so that one round is like another
// however long the tasks are, and even if the workers are in step.
type measure struct {
	size   int
	looks  int
	warm   bool // the first round is over, which does not count: it had tasks begun at another size
	open   round
	rounds []round // each with a task for every worker
}

type round struct{ tasks, seconds float64 }

// leastUncertainty is how far measures may be from the truth that agree by chance.
const leastUncertainty = 0.01

func (m *measure) add(throughput, seconds float64) {
	m.looks++
	m.open.tasks += throughput * seconds
	m.open.seconds += seconds
	if m.open.tasks+1e-6 < float64(m.size) { // the product of a rate and a time is inexact
		return
	}
	if m.warm {
		m.rounds = append(m.rounds, m.open)
	}
	m.warm, m.open = true, round{}
}

func (m *measure) exhausted() bool { return m.looks >= climbLooks }

// enough reports whether the measure can be compared.
func (m *measure) enough(rounds int) bool {
	return len(m.rounds) >= rounds && m.within(0.25)
}

// within reports whether two standard errors are at most so large, or as small as
// they will get.
func (m *measure) within(share float64) bool {
	_, uncertainty := m.throughput()
	return 2*uncertainty <= max(share, 2*leastUncertainty) || m.exhausted()
}

// throughput returns tasks per second, and its standard error as a share of it.
// With three rounds or fewer that is not a number, or infinite.
func (m *measure) throughput() (mean, uncertainty float64) {
	var sum round
	for _, r := range m.rounds {
		sum.tasks += r.tasks
		sum.seconds += r.seconds
	}
	mean = sum.tasks / sum.seconds
	squares := 0.0
	for _, r := range m.rounds {
		squares += (r.tasks - mean*r.seconds) * (r.tasks - mean*r.seconds)
	}
	// The error of a ratio of two sums, of which few rounds tell as little as
	// Student's distribution says. If the workers are in step, nothing differs, but
	// up to a task for each may be missing or too many at either end.
	n, size := float64(len(m.rounds)), float64(m.size)
	uncertainty = math.Sqrt(squares*n/(n-3)+size*size/6) / sum.tasks
	return mean, max(uncertainty, leastUncertainty)
}

// advantage returns how much larger m's throughput is, as a share of the other's, and
// the standard error of that.
func (m *measure) advantage(other *measure) (advantage, uncertainty float64) {
	mine, err1 := m.throughput()
	others, err2 := other.throughput()
	return mine/others - 1, mine / others * math.Hypot(err1, err2)
}

// differs reports whether the measures, of the same size, are not of the same load. If
// the other has no rounds, there is nothing to be said.
func (m *measure) differs(other *measure) bool {
	advantage, uncertainty := m.advantage(other)
	return math.Abs(advantage)-2*uncertainty > climbDrift
}

func (m *measure) String() string {
	mean, _ := m.throughput()
	return fmt.Sprintf("%d workers finish %.4g/s", m.size, mean)
}
