package measure_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/benchmarks/internal/measure"
)

func TestMedianIsTheMiddle(t *testing.T) {
	assert.Zero(t, measure.Median(nil))
	assert.InDelta(t, 2, measure.Median([]float64{9, 1, 2}), 0)
	assert.InDelta(t, 1.5, measure.Median([]float64{9, 1, 2, 0}), 0)
}

// A machine that becomes ten times slower in one round changes no ratio.
func TestRatiosAreTakenWithinARound(t *testing.T) {
	calls := map[string]int{}
	trial := func(name string) (measure.Sample, error) {
		cost := map[string]float64{"ours": 2, "theirs": 4}[name]
		if calls[name]++; calls[name] >= 2 {
			cost *= 10
		}
		return measure.Sample{measure.Nanoseconds: cost}, nil
	}
	c, err := measure.Compare(3, []string{"ours", "theirs"}, trial)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"ours": 3, "theirs": 3}, calls, "each round tries everyone once")
	assert.InDelta(t, 0.5, c.Ratio(measure.Nanoseconds, "ours", "theirs"), 1e-9)
	assert.InDelta(t, 20, c.Median("ours", measure.Nanoseconds), 1e-9)
}

func TestAFailedTrialSaysWhose(t *testing.T) {
	broken := errors.New("broken")
	_, err := measure.Compare(1, []string{"theirs"}, func(string) (measure.Sample, error) { return nil, broken })
	require.ErrorIs(t, err, broken)
	assert.ErrorContains(t, err, "theirs")
}

func TestAllocationsAreCountedPerTask(t *testing.T) {
	const tasks = 1000
	kept := make([]*int, tasks)
	sample, err := measure.Timed(tasks, func() error {
		for i := range kept {
			kept[i] = new(int)
		}
		return nil
	})
	require.NoError(t, err)
	assert.InDelta(t, 1, sample[measure.Allocations], 0.1)
}
