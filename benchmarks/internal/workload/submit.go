package workload

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	submitCallers = 16
	submitTasks   = 51_200

	viaAsk    = "Ask"
	viaSubmit = "Submit, then Wait"
	viaMap    = "Map"
)

// Submit compares the three ways to get answers from a pool.
func Submit(e Env) (*report.Section, error) {
	e.Log("submit: Ask, Submit and Map")
	tasks := e.scale(submitTasks)
	ways := map[string]func(*actors.Pool[int, int], int) error{
		viaAsk:    callers(callAsk),
		viaSubmit: callers(callSubmit),
		viaMap:    mapAll,
	}
	names := []string{viaAsk, viaSubmit, viaMap}
	result, err := measure.Compare(e.Runs, names, func(name string) (measure.Sample, error) {
		return answers(ways[name], tasks)
	})
	if err != nil {
		return nil, err
	}
	section := &report.Section{
		Title: "Submit and Map",
		Text: fmt.Sprintf("Troupe alone, %d workers. %d callers use Ask, or Submit and then Wait; one caller uses Map.",
			askSize, submitCallers),
	}
	t := report.Table{Header: []string{"way", "ns a task", "by Ask", "allocations"}}
	for _, name := range names {
		ratio := result.Ratio(measure.Nanoseconds, name, viaAsk)
		t.Row(name,
			report.Number(result.Median(name, measure.Nanoseconds)),
			report.Number(ratio),
			report.Number(result.Median(name, measure.Allocations)))
		if name != viaAsk {
			section.Targets = append(section.Targets, report.Target{What: name + ", by Ask", Limit: 1.3, Measured: ratio})
		}
	}
	section.Tables = []report.Table{t}
	return section, nil
}

// answers measures one way on a pool of its own.
func answers(way func(*actors.Pool[int, int], int) error, tasks int) (measure.Sample, error) {
	pool, err := contender.NewTroupe(askSize, func(int) {})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := way(pool, tasks/10); err != nil {
		return nil, err
	}
	return measure.Timed(tasks, func() error { return way(pool, tasks) })
}

// callers has a number of goroutines share the calls.
func callers(call func(*actors.Pool[int, int], int) (int, error)) func(*actors.Pool[int, int], int) error {
	return func(pool *actors.Pool[int, int], tasks int) error {
		var group errgroup.Group
		for first := range submitCallers {
			group.Go(func() error {
				return askAll(func(n int) (int, error) { return call(pool, n) }, first, tasks, submitCallers)
			})
		}
		return group.Wait()
	}
}

func callAsk(pool *actors.Pool[int, int], n int) (int, error) {
	return pool.Ask(context.Background(), n)
}

func callSubmit(pool *actors.Pool[int, int], n int) (int, error) {
	future, err := pool.Submit(context.Background(), n)
	if err != nil {
		return 0, err
	}
	return future.Wait(context.Background())
}

func mapAll(pool *actors.Pool[int, int], tasks int) error {
	ins := func(yield func(int) bool) {
		for n := range tasks {
			if !yield(n) {
				return
			}
		}
	}
	want := 0
	for answer, err := range pool.Map(context.Background(), ins) {
		if err != nil {
			return err
		}
		if answer != want {
			return fmt.Errorf("answer %d was %d", want, answer)
		}
		want++
	}
	if want != tasks {
		return fmt.Errorf("%d answers to %d tasks", want, tasks)
	}
	return nil
}
