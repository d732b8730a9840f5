package workload

import (
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// allocsRounding is what an average of less than counts as no allocation: what the
// runtime itself allocates during a run, spread over its tasks.
const allocsRounding = 0.005

// Tell submits tasks that do nothing: what is left is the cost of the pool.
func Tell(e Env) (*report.Section, error) {
	var cells []cell
	for _, size := range []int{2, 64, 1024} {
		for _, producers := range []int{1, 16} {
			e.Log("tell: %d workers, %d producers", size, producers)
			l := load{size: size, producers: producers, tasks: e.scale(200_000), work: noop}
			result, err := compare(e.Runs, contender.All(), l.run)
			if err != nil {
				return nil, err
			}
			cells = append(cells, cell{fmt.Sprintf("%d × %d", size, producers), result})
		}
	}
	byBest := troupeByBest(cells, contender.Names(contender.Peers())...)
	byRouter := troupeBy(cells, contender.NameProtoActor)
	byChannel := troupeBy(cells, contender.NameChannel)
	return &report.Section{
		Title: "Tell: tasks that do nothing",
		Text:  "Workers × producers. Nobody waits for an answer.",
		Tables: []report.Table{
			medians("ns a task", cells, measure.Nanoseconds),
			ratios(cells, contender.NameTroupe),
			medians("allocations a task", cells, measure.Allocations),
		},
		Targets: []report.Target{
			{What: "by the best peer pool, worst cell", Limit: 1, Measured: slices.Max(byBest)},
			{What: "by the best peer pool, geometric mean", Limit: 0.6, Measured: measure.GeoMean(byBest)},
			{What: "by Proto.Actor's router, worst cell", Limit: 0.8, Measured: slices.Max(byRouter)},
			{What: "by Proto.Actor's router, geometric mean", Limit: 0.8, Measured: measure.GeoMean(byRouter)},
			{What: "by the bare channel, worst cell", Limit: 1.4, Measured: slices.Max(byChannel)},
			{What: "by the bare channel, geometric mean", Limit: 1.4, Measured: measure.GeoMean(byChannel)},
			{What: "allocations a task", Limit: allocsRounding, Measured: troupeMost(cells, measure.Allocations)},
		},
	}, nil
}
