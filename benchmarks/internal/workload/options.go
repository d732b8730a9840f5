package workload

import (
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// Options has every task carry a priority, a timeout or both, which only Troupe has.
func Options(e Env) (*report.Section, error) {
	e.Log("options: priorities and timeouts")
	const plain = "plain"
	timeout := actors.Timeout(time.Minute)
	var priorities, both [][]actors.TaskOption
	for i := range 4 {
		priority := actors.Priority(i)
		priorities = append(priorities, []actors.TaskOption{priority})
		both = append(both, []actors.TaskOption{priority, timeout})
	}
	contenders := []contender.Contender{
		contender.Troupe(),
		contender.TroupeTasks("a priority, of four", priorities...),
		contender.TroupeTasks("a timeout of a minute", []actors.TaskOption{timeout}),
		contender.TroupeTasks("both", both...),
	}
	contenders[0].Name = plain
	l := load{size: 64, producers: 1, tasks: e.scale(200_000), work: noop}
	result, err := compare(e.Runs, contenders, l.run)
	if err != nil {
		return nil, err
	}
	t := report.Table{Header: []string{"each task has", "ns", "by plain", "allocations"}}
	section := &report.Section{Title: "Priorities and timeouts", Text: "Troupe alone, 64 workers, 1 producer."}
	for _, name := range result.Names() {
		ratio := result.Ratio(measure.Nanoseconds, name, plain)
		t.Row(name,
			report.Number(result.Median(name, measure.Nanoseconds)),
			report.Number(ratio),
			report.Number(result.Median(name, measure.Allocations)))
		if name != plain {
			section.Targets = append(section.Targets, report.Target{What: name + ", by plain", Limit: 1.5, Measured: ratio})
		}
	}
	section.Tables = []report.Table{t}
	return section, nil
}
