package workload

import (
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// A cell is a column of a table.
type cell struct {
	label  string
	result *measure.Comparison
}

// A shape is the number of workers of a pool and of those who send to it.
type shape struct{ size, senders int }

func (s shape) String() string { return fmt.Sprintf("%d × %d", s.size, s.senders) }

// shapes are the columns of most tables.
func shapes() []shape {
	var all []shape
	for _, size := range []int{2, 64, 1024} {
		for _, senders := range []int{1, 16} {
			all = append(all, shape{size, senders})
		}
	}
	return all
}

// eachShape measures every shape and returns a cell for each.
func eachShape(measured func(shape) (*measure.Comparison, error)) ([]cell, error) {
	var cells []cell
	for _, s := range shapes() {
		result, err := measured(s)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", s, err)
		}
		cells = append(cells, cell{s.String(), result})
	}
	return cells, nil
}

// medians is the table of a metric.
func medians(title string, cells []cell, metric measure.Metric) report.Table {
	return table(title, cells, func(result *measure.Comparison, name string) string {
		return report.Number(result.Median(name, metric))
	})
}

// ratios is the table of one contender's time divided by each other's.
func ratios(cells []cell, name string) report.Table {
	return timesBy(fmt.Sprintf("%s's time by theirs; below 1, %s is faster", name, name), cells, name)
}

// timesBy is the same table with a title of its own.
func timesBy(title string, cells []cell, name string) report.Table {
	return table(title, cells, func(result *measure.Comparison, base string) string {
		return report.Number(result.Ratio(measure.Nanoseconds, name, base))
	})
}

// byBase is the table of each contender's time divided by one peer's.
func byBase(title string, cells []cell, base string) report.Table {
	return table(title, cells, func(result *measure.Comparison, name string) string {
		return report.Number(result.Ratio(measure.Nanoseconds, name, base))
	})
}

func table(title string, cells []cell, figure func(result *measure.Comparison, name string) string) report.Table {
	t := report.Table{Title: title, Header: []string{"contender"}}
	for _, c := range cells {
		t.Header = append(t.Header, c.label)
	}
	for _, name := range cells[0].result.Names() {
		row := []string{name}
		for _, c := range cells {
			row = append(row, figure(c.result, name))
		}
		t.Row(row...)
	}
	return t
}

// by is a contender's time divided by another's in each cell.
func by(cells []cell, name, base string) []float64 {
	all := make([]float64, len(cells))
	for i, c := range cells {
		all[i] = c.result.Ratio(measure.Nanoseconds, name, base)
	}
	return all
}

// byBest is Troupe's time divided by that of the best peer of each cell.
func byBest(cells []cell, peers ...string) []float64 {
	return bestOf(cells, contender.NameTroupe, peers...)
}

// bestOf is a contender's time divided by that of the best peer of each cell.
func bestOf(cells []cell, name string, peers ...string) []float64 {
	best := make([]float64, len(cells))
	for _, peer := range peers {
		for i, ratio := range by(cells, name, peer) {
			best[i] = max(best[i], ratio)
		}
	}
	return best
}

// mostAllocations is the largest median of a contender's allocations in any cell.
func mostAllocations(cells []cell, name string) float64 {
	var largest float64
	for _, c := range cells {
		largest = max(largest, c.result.Median(name, measure.Allocations))
	}
	return largest
}

// held is a target with two limits: one for the geometric mean of ratios and one for
// the worst of them.
func held(what string, ratios []float64, mean, worst float64) []report.Target {
	return []report.Target{
		{What: what + ", geometric mean", Limit: mean, Measured: measure.GeoMean(ratios)},
		{What: what + ", worst cell", Limit: worst, Measured: slices.Max(ratios)},
	}
}

// noAllocations is a target of no allocation.
func noAllocations(what string, measured float64) report.Target {
	return report.Target{What: what, Limit: allocsRounding, Measured: measured}
}

// An average below allocsRounding counts as no allocation. The runtime itself allocates
// a little during a run, which is spread over the tasks.
const allocsRounding = 0.005
