package workload

import (
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// Tell submits tasks that do nothing, so that only the cost of the pool is left.
func Tell(e Env) (*report.Section, error) {
	contenders := append([]contender.Contender{
		contender.Troupe(), contender.TroupeRoundRobin(), contender.TroupeRandom(),
	}, contender.Peers()...)
	contenders = append(contenders, contender.ProtoActorPointer(), contender.Channel())
	cells, err := eachShape(func(s shape) (*measure.Comparison, error) {
		e.Log("tell: %v", s)
		return compare(e.Runs, contenders, load{
			size: s.size, producers: s.senders, tasks: e.scale(200_000), work: noop,
		}.run)
	})
	if err != nil {
		return nil, err
	}
	peers := peerNames()
	section := &report.Section{
		Title: "Tell: tasks that do nothing",
		Text: "Workers × producers. Nobody waits for an answer. Troupe without a dispatch is least-busy, its default. The task" +
			" is an int; Proto.Actor's router is sent one pointer, allocated beforehand, and the pools of functions get one" +
			" function, allocated beforehand. Proto.Actor's queue is unbounded, Troupe's has its default.",
		Tables: []report.Table{
			medians("ns a task", cells, measure.Nanoseconds),
			ratios(cells, contender.NameTroupe),
			byBase("Time by that of "+contender.NameProtoActor, cells, contender.NameProtoActor),
			medians("allocations a task", cells, measure.Allocations),
		},
	}
	for _, name := range []string{contender.NameRoundRobin, contender.NameRandom} {
		section.Targets = append(section.Targets,
			held(name+", by Proto.Actor's round-robin pool", by(cells, name, contender.NameProtoActor), 0.75, 1)...)
	}
	section.Targets = append(section.Targets, held("least-busy, by the best peer pool", byBest(cells, peers...), 0.5, 0.9)...)
	section.Targets = append(section.Targets,
		noAllocations("least-busy, allocations a task", mostAllocations(cells, contender.NameTroupe)))
	section.Targets = append(section.Targets,
		held("least-busy, by the bare channel", by(cells, contender.NameTroupe, contender.NameChannel), 1.4, 1.8)...)
	return section, nil
}

// peerNames are the pools of functions to which Troupe is held.
func peerNames() []string {
	return []string{
		contender.NameAnts, contender.NameAntsMulti, contender.NamePond, contender.NameWorkerpool, contender.NameConc,
	}
}
