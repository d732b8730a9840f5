package workload

import (
	"fmt"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// closures have each task count itself in a closure of its own.
func closures(done func()) contender.Work {
	return contender.Closures(func(int) { done() })
}

// Go submits closures for which nobody waits.
func Go(e Env) (*report.Section, error) {
	contenders := append([]contender.Contender{contender.FuncPool(), contender.Troupe()}, contender.Peers()...)
	cells, err := eachShape(func(s shape) (*measure.Comparison, error) {
		e.Log("go: %v", s)
		return compare(e.Runs, contenders, load{
			size: s.size, producers: s.senders, tasks: e.scale(50_000), work: closures,
		}.run)
	})
	if err != nil {
		return nil, err
	}
	peers := peerNames()
	section := &report.Section{
		Title: "Go: functions that do nothing",
		Text: "Workers × producers. All pools get closures, one allocated for each task; Troupe's pool with a handler is given" +
			" ints, to show what the functions cost. FuncPool.Go is given a context with each function, which gets its values," +
			" and its queue has its default bound; pond's and workerpool's have none, and the others have no queue. The" +
			" functions of Troupe return an error, which is counted; those of the others return nothing.",
		Tables: []report.Table{
			medians("ns a task", cells, measure.Nanoseconds),
			timesBy("Time of Go by theirs", cells, contender.NameFuncPool),
			medians("allocations a task", cells, measure.Allocations),
		},
		Targets: held("by the best peer pool", bestOf(cells, contender.NameFuncPool, peers...), 0.5, 0.9),
	}
	return section, nil
}

// Do runs closures, each of which is waited for.
func Do(e Env) (*report.Section, error) {
	cells, err := askCells(e, "do", contender.Doers(), e.scale(25_600))
	if err != nil {
		return nil, err
	}
	section := &report.Section{
		Title: "Do: run a function and wait for it",
		Text: fmt.Sprintf("%d workers. Each call allocates a closure, which leaves the answer in a variable of its caller."+
			" ants has nothing to wait with, so its closures close a channel; the goroutines send the answer by a channel."+
			" The end of its context would cancel a call of Troupe; the others have no context.", askSize),
		Tables: []report.Table{
			medians("ns a call", cells, measure.Nanoseconds),
			timesBy("Time of Do by theirs", cells, contender.NameFuncPool),
			medians("allocations a call", cells, measure.Allocations),
		},
	}
	best := bestOf(cells, contender.NameFuncPool, contender.NameAnts, contender.NamePond, contender.NameSubmitWait)
	section.Targets = held("by the best peer pool", best, 1, 1)
	return section, nil
}
