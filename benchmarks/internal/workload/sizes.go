package workload

import (
	"fmt"
	"strconv"

	"github.com/troupe-go/troupe/benchmarks/internal/chart"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// sizesRuns is less than usual, since Tell measures the most common sizes in all rounds.
const sizesRuns = 3

// Sizes tells tasks that do nothing to pools of all sizes: whether a large pool costs
// more than a small one.
func Sizes(e Env) (*report.Section, error) {
	sizes := []int{2, 16, 64, 256, 1024, 4096, 10_000}
	e.Log("sizes: %v workers", sizes)
	// A trial goes through all sizes, so that these can be compared within a round.
	result, err := compare(e.few(sizesRuns), contender.All(), func(c contender.Contender) (measure.Sample, error) {
		all := make(measure.Sample, len(sizes))
		for _, size := range sizes {
			sample, err := load{size: size, producers: 1, tasks: e.scale(200_000), work: noop}.run(c)
			if err != nil {
				return nil, err
			}
			all[costOf(size)] = sample[measure.Nanoseconds]
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	times := report.Table{Title: "ns a task", Header: []string{"contender"}}
	byTheirs := report.Table{Title: "Troupe's time by theirs", Header: []string{"contender"}}
	plot := chart.Lines{Title: "Throughput, tasks that do nothing", X: "workers", Y: "tasks a second"}
	for _, size := range sizes {
		label := strconv.Itoa(size)
		times.Header = append(times.Header, label)
		byTheirs.Header = append(byTheirs.Header, label)
		plot.XTicks = append(plot.XTicks, chart.Tick{Value: float64(size), Label: label})
	}
	for _, name := range result.Names() {
		timesRow, ratioRow, line := []string{name}, []string{name}, chart.Line{Name: name}
		for _, size := range sizes {
			cost := result.Median(name, costOf(size))
			timesRow = append(timesRow, report.Number(cost))
			ratioRow = append(ratioRow, report.Number(result.Ratio(costOf(size), contender.NameTroupe, name)))
			line.Points = append(line.Points, chart.Point{X: float64(size), Y: 1e9 / cost})
		}
		times.Row(timesRow...)
		byTheirs.Row(ratioRow...)
		plot.Lines = append(plot.Lines, line)
	}
	flat := result.Quotient(contender.NameTroupe, costOf(10_000), contender.NameTroupe, costOf(64))
	return &report.Section{
		Title:   "Pools of all sizes",
		Text:    fmt.Sprintf("Tasks that do nothing, 1 producer. Medians of %d rounds.", e.few(sizesRuns)),
		Tables:  []report.Table{times, byTheirs},
		Targets: []report.Target{{What: "10,000 workers by 64", Limit: 1.5, Measured: flat}},
		Figures: []report.Figure{{File: "throughput.svg", Title: "Throughput by pool size", Draw: plot.Draw}},
	}, nil
}

// costOf is the metric of a size: ns a task.
func costOf(size int) measure.Metric { return measure.Metric(strconv.Itoa(size)) }
