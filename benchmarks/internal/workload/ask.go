package workload

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// askSize is the number of workers that are asked.
const askSize = 64

// Ask submits tasks and waits for the answer of each.
func Ask(e Env) (*report.Section, error) {
	askers := contender.Askers()
	names := make([]string, len(askers))
	byName := make(map[string]contender.Asker, len(askers))
	for i, a := range askers {
		names[i], byName[a.Name] = a.Name, a
	}
	var cells []cell
	for _, callers := range []int{1, 128} {
		e.Log("ask: %d callers", callers)
		tasks := e.scale(51_200)
		result, err := measure.Compare(e.Runs, names, func(name string) (measure.Sample, error) {
			return ask(byName[name], callers, tasks)
		})
		if err != nil {
			return nil, err
		}
		label := fmt.Sprintf("%d callers", callers)
		if callers == 1 {
			label = "1 caller"
		}
		cells = append(cells, cell{label, result})
	}
	return &report.Section{
		Title: "Ask: submit and wait for the answer",
		Text: fmt.Sprintf("%d workers. The floor is the bare channel, whose callers each use one channel for all their"+
			" replies. SubmitWait returns no answer; ants and conc have nothing to wait with.", askSize),
		Tables: []report.Table{
			medians("ns a call", cells, measure.Nanoseconds),
			ratios(cells, contender.NameTroupe),
			medians("allocations a call", cells, measure.Allocations),
		},
		Targets: askTargets(cells, answering(askers)),
	}, nil
}

func askTargets(cells []cell, answering []string) []report.Target {
	byFuture, byBest := troupeBy(cells, contender.NameFuture), troupeByBest(cells, answering...)
	var targets []report.Target
	for i, c := range cells {
		targets = append(targets,
			report.Target{What: "by RequestFuture, " + c.label, Limit: 0.1, Measured: byFuture[i]},
			report.Target{What: "by the quickest peer that returns a result, " + c.label, Limit: 0.6, Measured: byBest[i]})
	}
	return append(targets,
		report.Target{What: "allocations a call", Limit: 1, Measured: troupeMost(cells, measure.Allocations)})
}

// answering has the names of the peers whose tasks return a value. The bare channel
// is no peer but the floor.
func answering(askers []contender.Asker) []string {
	var names []string
	for _, a := range askers {
		if a.Answers && a.Name != contender.NameTroupe && a.Name != contender.NameBareReplies {
			names = append(names, a.Name)
		}
	}
	return names
}

// ask has the callers share the calls, all on a warm pool.
func ask(a contender.Asker, callers, tasks int) (measure.Sample, error) {
	pool, err := a.Open(askSize)
	if err != nil {
		return nil, err
	}
	asks := make([]contender.Ask, callers)
	for i := range asks {
		asks[i] = pool.Caller()
	}
	do := func(tasks int) error {
		var group errgroup.Group
		for i, ask := range asks {
			group.Go(func() error { return askAll(ask, i, tasks, callers) })
		}
		return group.Wait()
	}
	if err := do(max(2*callers, tasks/10)); err != nil {
		return nil, err
	}
	sample, err := measure.Timed(tasks, func() error { return do(tasks) })
	if err != nil {
		return nil, err
	}
	return sample, pool.Close()
}

func askAll(ask contender.Ask, first, tasks, step int) error {
	for n := first; n < tasks; n += step {
		answer, err := ask(n)
		if err != nil {
			return err
		}
		if answer != n {
			return fmt.Errorf("the answer to %d was %d", n, answer)
		}
	}
	return nil
}
