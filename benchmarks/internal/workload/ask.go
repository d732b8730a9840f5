package workload

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	askSize  = 64 // workers that are asked
	askTasks = 51_200
)

// Ask submits tasks and waits for the answer of each.
func Ask(e Env) (*report.Section, error) {
	cells, err := askCells(e, "ask", contender.Askers(), e.scale(askTasks))
	if err != nil {
		return nil, err
	}
	return &report.Section{
		Title: "Ask: submit and wait for the answer",
		Text: fmt.Sprintf("%d workers. The floor is the bare channel, whose callers each use one channel for all their"+
			" replies. Each caller of RequestFuture uses one message again and again. SubmitWait returns no answer; ants and conc"+
			" have nothing to wait with.", askSize),
		Tables: []report.Table{
			medians("ns a call", cells, measure.Nanoseconds),
			ratios(cells, contender.NameTroupe),
			medians("allocations a call", cells, measure.Allocations),
		},
		Targets: askTargets(cells),
	}, nil
}

// askCells has askers asked by few and by many callers.
func askCells(e Env, name string, askers []contender.Asker, tasks int) ([]cell, error) {
	names := make([]string, len(askers))
	byName := make(map[string]contender.Asker, len(askers))
	for i, a := range askers {
		names[i], byName[a.Name] = a.Name, a
	}
	var cells []cell
	for _, callers := range []int{1, 16, 128} {
		e.Log("%s: %d callers", name, callers)
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
	return cells, nil
}

func askTargets(cells []cell) []report.Target {
	limits := []float64{2, 1.15, 1.15} // a lone caller waits for two switches of goroutines
	var targets []report.Target
	for i, ratio := range by(cells, contender.NameTroupe, contender.NameBareReplies) {
		targets = append(targets, report.Target{
			What: "by the bare channel with replies, " + cells[i].label, Limit: limits[i], Measured: ratio,
		})
	}
	for i, ratio := range by(cells, contender.NameTroupe, contender.NameFuture) {
		targets = append(targets, report.Target{
			What: "by RequestFuture, " + cells[i].label, Limit: 0.15, Measured: ratio,
		})
	}
	return append(targets, noAllocations("allocations a call", mostAllocations(cells, contender.NameTroupe)))
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
	// The callers exist before they begin, so that making them is not measured.
	callersOf := func(tasks int) func() error {
		var group errgroup.Group
		begin := make(chan struct{})
		for i, ask := range asks {
			group.Go(func() error {
				<-begin
				return askAll(ask, i, tasks, callers)
			})
		}
		return func() error {
			close(begin)
			return group.Wait()
		}
	}
	if err := callersOf(max(2*callers, tasks/10))(); err != nil {
		return nil, err
	}
	sample, err := measure.Timed(tasks, callersOf(tasks))
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
