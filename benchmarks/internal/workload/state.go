package workload

import (
	"fmt"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// State compares workers that have state with workers that share a handler.
func State(e Env) (*report.Section, error) {
	contenders := []contender.Contender{contender.Troupe(), contender.Stateful()}
	tells, err := eachShape(func(s shape) (*measure.Comparison, error) {
		e.Log("state: tell, %v", s)
		return compare(e.Runs, contenders, load{
			size: s.size, producers: s.senders, tasks: e.scale(200_000), work: noop,
		}.run)
	})
	if err != nil {
		return nil, err
	}
	asks, err := askCells(e, "state: ask", contender.StatefulAskers(), e.scale(askTasks))
	if err != nil {
		return nil, err
	}
	const limit = 1.1
	section := &report.Section{
		Title: "Workers with state",
		Text: fmt.Sprintf("Troupe alone: NewPool with a handler, and NewPoolOf, each of whose workers has a value of its own"+
			" whose method has the same body. Tell to workers × producers, Ask to %d workers.", askSize),
		Tables: []report.Table{
			medians("ns a Tell", tells, measure.Nanoseconds),
			byBase("Time of a Tell by that without state", tells, contender.NameTroupe),
			medians("allocations a Tell", tells, measure.Allocations),
			medians("ns an Ask", asks, measure.Nanoseconds),
			byBase("Time of an Ask by that without state", asks, contender.NameTroupe),
			medians("allocations an Ask", asks, measure.Allocations),
		},
	}
	for _, kind := range []struct {
		name  string
		cells []cell
	}{{"Tell", tells}, {"Ask", asks}} {
		section.Targets = append(section.Targets, held(kind.name+" with state, by that without",
			by(kind.cells, contender.NameStateful, contender.NameTroupe), limit, limit)...)
	}
	return section, nil
}
