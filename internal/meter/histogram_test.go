package meter_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/meter"
)

func TestAnEmptyHistogramCountsNothing(t *testing.T) {
	wait, run := meter.New().Histograms()
	for _, h := range []meter.Histogram{wait, run, wait.Since(run), {}} {
		assert.Zero(t, h.Count)
		assert.Zero(t, h.Sum)
		assert.Zero(t, h.Quantile(0.5))
		assert.Equal(t, []uint64{0, 0}, h.AtMost(0, time.Hour))
	}
}

func TestAHistogramIsNeverChanged(t *testing.T) {
	m := meter.New()
	record(m, 0, 1, 10, 20, 30)
	_, before := m.Histograms()
	record(m, 0, 5, 10, 1000, 2000)
	assert.EqualValues(t, 1, before.Count)
	assert.Equal(t, []uint64{1}, before.AtMost(time.Hour))
	_, after := m.Histograms()
	assert.EqualValues(t, 6, after.Count)
	since := after.Since(before)
	assert.EqualValues(t, 5, since.Count)
	assert.InDelta(t, 1000, since.Sum, 0)
	assert.Equal(t, []uint64{0, 5}, since.AtMost(20, 200))
	assert.Equal(t, since, after.Since(before), "nor by being asked")
}

func TestDurationsBeyondTheHistogramAreInNoBoundShorterThanIt(t *testing.T) {
	m := meter.New()
	const week = 7 * 24 * time.Hour
	record(m, 0, 1, 0, int64(week), int64(week))
	_, run := m.Histograms()
	assert.InDelta(t, week, run.Sum, 0)
	assert.Equal(t, []uint64{0, 1}, run.AtMost(25*time.Hour, week))
}

// Histograms, and what is between two of them, against sorted lists of durations.
func TestHistogramsAreTrueWithinOnePercent(t *testing.T) {
	duration := rapid.Custom(func(t *rapid.T) int64 { // of every order of magnitude
		return rapid.Int64Range(0, 9).Draw(t, "digit") *
			int64(math.Pow10(rapid.IntRange(0, 12).Draw(t, "magnitude"))) / 7
	})
	rapid.Check(t, func(t *rapid.T) {
		m := meter.New()
		var runs []int64
		draw := func(label string) {
			for _, d := range rapid.SliceOfN(duration, 0, 40).Draw(t, label) {
				record(m, uint32(d), 1, 2*d, d, d)
				runs = append(runs, d)
			}
		}
		draw("before")
		earlierWait, earlierRun := m.Histograms()
		before := len(runs)
		draw("after")
		wait, run := m.Histograms()
		check := func(h meter.Histogram, reference []int64) {
			slices.Sort(reference)
			var sum int64
			for _, d := range reference {
				sum += d
			}
			require.EqualValues(t, len(reference), h.Count)
			require.InDelta(t, sum, h.Sum, 0)
			bounds := rapid.SliceOfN(duration, 0, 10).Draw(t, "bounds")
			slices.Sort(bounds)
			asked := make([]time.Duration, len(bounds))
			for i, b := range bounds {
				asked[i] = time.Duration(b)
			}
			for i, got := range h.AtMost(asked...) {
				require.GreaterOrEqual(t, int(got), countTo(reference, bounds[i]-bounds[i]/100-1))
				require.LessOrEqual(t, int(got), countTo(reference, bounds[i]))
			}
			if len(reference) == 0 {
				return
			}
			q := float64(rapid.IntRange(0, 64).Draw(t, "q")) / 64 // which floats hold exactly
			exact := reference[max(int(math.Ceil(q*float64(len(reference)))), 1)-1]
			got := int64(h.Quantile(q))
			require.GreaterOrEqual(t, got, exact)
			require.LessOrEqual(t, got, exact+exact/100)
		}
		twice := func(list []int64) []int64 {
			doubled := make([]int64, len(list))
			for i, d := range list {
				doubled[i] = 2 * d
			}
			return doubled
		}
		check(wait, twice(runs))
		check(wait.Since(earlierWait), twice(runs[before:]))
		check(run.Since(earlierRun), slices.Clone(runs[before:]))
		check(run.Since(meter.Histogram{}), slices.Clone(runs))
	})
}

// countTo is how many of the sorted durations are at most the bound.
func countTo(sorted []int64, bound int64) int {
	n, _ := slices.BinarySearch(sorted, bound+1)
	return n
}
