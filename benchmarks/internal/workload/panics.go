package workload

import (
	"fmt"
	"math"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	panicEvery = 100

	calmCost  measure.Metric = "without"
	panicCost measure.Metric = "with"
)

// Panics has one task in a hundred panic. Proto.Actor's router is left out: now and
// then a worker that it restarts never looks at its mailbox again, and the run never
// ends.
func Panics(e Env) (*report.Section, error) {
	e.Log("panics: 1 in %d", panicEvery)
	contenders := []contender.Contender{
		contender.Troupe(), contender.Ants(), contender.Pond(),
		recovering(contender.Channel(contender.DefaultBuffer)),
	}
	calm := load{size: 64, producers: 1, tasks: e.scale(200_000), work: panicking(math.MaxInt)}
	stormy := calm
	stormy.work = panicking(panicEvery)
	result, err := compare(e.Runs, contenders, func(c contender.Contender) (measure.Sample, error) {
		without, err := calm.run(c)
		if err != nil {
			return nil, err
		}
		with, err := stormy.run(c)
		if err != nil {
			return nil, err
		}
		return measure.Sample{
			calmCost:  without[measure.Nanoseconds],
			panicCost: with[measure.Nanoseconds],
		}, nil
	})
	if err != nil {
		return nil, err
	}
	t := report.Table{Header: []string{"contender", "ns without panics", "ns with", "throughput left"}}
	for _, name := range result.Names() {
		t.Row(name,
			report.Number(result.Median(name, calmCost)),
			report.Number(result.Median(name, panicCost)),
			report.Number(result.Quotient(name, calmCost, name, panicCost)))
	}
	left := result.Quotient(contender.NameTroupe, calmCost, contender.NameTroupe, panicCost)
	return &report.Section{
		Title: "Panics",
		Text: fmt.Sprintf("One task in %d panics, 64 workers, 1 producer. Troupe restarts the worker, ants"+
			" replaces it, pond and the bare channel recover. Proto.Actor's router did not always come to an end.", panicEvery),
		Tables:  []report.Table{t},
		Targets: []report.Target{{What: "throughput left", Limit: 0.5, Measured: left, AtLeast: true}},
	}, nil
}

// panicking is work of which one task in so many panics.
func panicking(every int) func(done func()) contender.Work {
	return func(done func()) contender.Work {
		panics := func() {
			done()
			panic("one of the tasks that panic")
		}
		choose := func(n int) func() {
			if n%every == every-1 {
				return panics
			}
			return done
		}
		return contender.Work{Do: func(n int) { choose(n)() }, Func: choose}
	}
}

// recovering has the handler do what the pool does not.
func recovering(c contender.Contender) contender.Contender {
	open := c.Open
	c.Open = func(size int, work contender.Work) (contender.Pool, error) {
		do := work.Do
		work.Do = func(n int) {
			defer func() { _ = recover() }()
			do(n)
		}
		return open(size, work)
	}
	return c
}
