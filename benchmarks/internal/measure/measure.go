// Package measure compares contenders by rounds: each round tries every one of them
// once, and figures are compared within a round.
package measure

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
)

// A Metric names a figure.
type Metric string

// The metrics that [Timed] takes.
const (
	Nanoseconds Metric = "ns/task"
	Allocations Metric = "allocs/task"
	// LockWait is the time that goroutines waited for locks.
	LockWait Metric = "lock ns/task"
)

// A Sample has the figures of one trial.
type Sample map[Metric]float64

// A Comparison has the samples of all rounds.
type Comparison struct {
	names  []string
	series map[string]map[Metric][]float64
}

// Compare makes a trial of each name in each round. The order is shuffled in each
// round, always in the same way from one run of the program to the next, so that
// nobody always has the same predecessor.
func Compare(rounds int, names []string, trial func(name string) (Sample, error)) (*Comparison, error) {
	c := &Comparison{names: names, series: make(map[string]map[Metric][]float64, len(names))}
	for _, name := range names {
		c.series[name] = make(map[Metric][]float64)
	}
	order := slices.Clone(names)
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, name := range order {
			sample, err := trial(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			for metric, figure := range sample {
				c.series[name][metric] = append(c.series[name][metric], figure)
			}
		}
	}
	return c, nil
}

// Names returns who was compared.
func (c *Comparison) Names() []string { return c.names }

// Median is the median of a metric over the rounds.
func (c *Comparison) Median(name string, metric Metric) float64 {
	return Median(c.series[name][metric])
}

// Ratio is the median over the rounds of one contender's figure by another's in the
// same round.
func (c *Comparison) Ratio(metric Metric, name, base string) float64 {
	return c.Quotient(name, metric, base, metric)
}

// Quotient is a Ratio of two metrics.
func (c *Comparison) Quotient(name string, metric Metric, base string, baseMetric Metric) float64 {
	figures, bases := c.series[name][metric], c.series[base][baseMetric]
	ratios := make([]float64, len(figures))
	for i := range figures {
		ratios[i] = figures[i] / bases[i]
	}
	return Median(ratios)
}

// Timed runs a function that does so many tasks, on a heap that has just been
// collected.
func Timed(tasks int, run func() error) (Sample, error) {
	var before, after runtime.MemStats
	runtime.GC()
	waited := lockWait()
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := run()
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	waited = lockWait() - waited
	return Sample{
		Nanoseconds: float64(elapsed.Nanoseconds()) / float64(tasks),
		Allocations: float64(after.Mallocs-before.Mallocs) / float64(tasks),
		LockWait:    float64(waited.Nanoseconds()) / float64(tasks),
	}, err
}

// Median is the middle of the figures, or the mean of the two in the middle. It is 0
// if there are none.
func Median(figures []float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(figures))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// GeoMean is the geometric mean of ratios.
func GeoMean(ratios []float64) float64 { return stat.GeometricMean(ratios, nil) }
