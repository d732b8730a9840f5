package workload

import (
	"fmt"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
	"github.com/troupe-go/troupe/router"
)

const foreignWindow = 64

// Foreign has actors send requests to actors that the pool does not own.
func Foreign(e Env) (*report.Section, error) {
	contenders := []contender.ActorContender{
		contender.TroupeRoutees(contender.NameRoundRobin, router.RoundRobin()),
		contender.TroupeRoutees(contender.NameLeastBusy, router.LeastBusy()),
		contender.ProtoActorGroup(),
	}
	cells, err := eachShape(func(s shape) (*measure.Comparison, error) {
		e.Log("foreign: %v", s)
		return compareActors(e.Runs, contenders, func(c contender.ActorContender) (measure.Sample, error) {
			return requestTrial{shape: s, message: new(contender.Plain), tasks: e.scale(requestTasks), window: foreignWindow, worker: respond}.run(c)
		})
	})
	if err != nil {
		return nil, err
	}
	section := &report.Section{
		Title: "Requests to foreign routees",
		Text: fmt.Sprintf("Routees × requesters, each with %d requests in flight. A routee responds with the message, a"+
			" pointer. Troupe notices each answer: the task is in the routee's hands until then. Proto.Actor's group only"+
			" passes messages on. The allocations are counted as for the requests of actors.", foreignWindow),
		Tables: []report.Table{
			medians("ns a request", cells, measure.Nanoseconds),
			byBase("Time by that of "+contender.NameProtoGroup, cells, contender.NameProtoGroup),
			medians("allocations a request", cells, measure.Allocations),
		},
	}
	for _, name := range []string{contender.NameRoundRobin, contender.NameLeastBusy} {
		ratios := by(cells, name, contender.NameProtoGroup)
		section.Targets = append(section.Targets, report.Target{
			What: name + ", foreign routees, geometric mean", Limit: 1.5, Measured: measure.GeoMean(ratios),
		})
	}
	return section, nil
}
