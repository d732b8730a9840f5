package workload

import (
	"fmt"
	"math"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	panicEvery  = 100
	panicSize   = 64
	panicSlices = 10
	panicTasks  = 20_000 // in each slice

	// Tasks with these numbers do nothing, or panic.
	calmTask   = 0
	stormyTask = 1

	calmCost  measure.Metric = "without"
	panicCost measure.Metric = "with"
	onePanic  measure.Metric = "a panic"
)

// Panics has one task in a hundred panic. Proto.Actor's router is left out: a worker
// that it restarts sometimes never looks at its mailbox again, and the run never ends.
func Panics(e Env) (*report.Section, error) {
	e.Log("panics: 1 in %d", panicEvery)
	contenders := []contender.Contender{
		contender.Troupe(), contender.Ants(), contender.Pond(), recovering(contender.Channel()),
	}
	trial := panicTrial{tasks: max(e.scale(panicTasks), 10*panicEvery)}
	result, err := compare(e.Runs, contenders, trial.run)
	if err != nil {
		return nil, err
	}
	t := report.Table{Header: []string{"contender", "ns without panics", "ns with", "throughput left", "µs a panic"}}
	for _, name := range result.Names() {
		t.Row(name,
			report.Number(result.Median(name, calmCost)),
			report.Number(result.Median(name, panicCost)),
			report.Number(result.Quotient(name, calmCost, name, panicCost)),
			report.Number(result.Median(name, onePanic)))
	}
	return &report.Section{
		Title: "Panics",
		Text: fmt.Sprintf("One task in %d panics, %d workers, 1 producer. Troupe restarts the worker, ants replaces it, pond and"+
			" the bare channel recover. Proto.Actor's router did not always come to an end. A trial alternates %d times between"+
			" tasks of which none panics and tasks of which some do. A panic costs the difference between the two.",
			panicEvery, panicSize, panicSlices),
		Tables: []report.Table{t},
		Targets: []report.Target{
			{
				What:     "a task, 1 in 100 of which panics, by ants'",
				Limit:    1.5,
				Measured: result.Ratio(panicCost, contender.NameTroupe, contender.NameAnts),
			},
			{
				What:     "a panic and the restart, by ants' panic and replacement",
				Limit:    1.5,
				Measured: panicRatio(result),
			},
		},
	}, nil
}

// panicRatio divides medians, since the difference of two times varies much from round
// to round. The target is missed if ants' panics have no cost that can be measured.
func panicRatio(result *measure.Comparison) float64 {
	ours, theirs := result.Median(contender.NameTroupe, onePanic), result.Median(contender.NameAnts, onePanic)
	if theirs <= 0 {
		return math.Inf(1)
	}
	return max(ours, 0) / theirs
}

// A panicTrial does so many tasks in each slice.
type panicTrial struct{ tasks int }

func (p panicTrial) run(c contender.Contender) (measure.Sample, error) {
	count := measure.NewCountdown()
	pool, err := c.Open(panicSize, panicking(count.Done))
	if err != nil {
		return nil, err
	}
	slice := func(storm bool) (time.Duration, error) {
		count.Start(p.tasks)
		start := time.Now()
		for n := range p.tasks {
			task := calmTask
			if storm && n%panicEvery == panicEvery-1 {
				task = stormyTask
			}
			if err := pool.Tell(task); err != nil {
				return 0, err
			}
		}
		err := count.Wait()
		return time.Since(start), err
	}
	if _, err := slice(true); err != nil {
		return nil, err
	}
	var took [2]time.Duration
	for i := range 2 * panicSlices {
		d, err := slice(i%2 == 1)
		if err != nil {
			return nil, err
		}
		took[i%2] += d
	}
	tasks := float64(p.tasks * panicSlices)
	calm, stormy := float64(took[0].Nanoseconds())/tasks, float64(took[1].Nanoseconds())/tasks
	return measure.Sample{
		calmCost:  calm,
		panicCost: stormy,
		onePanic:  (stormy - calm) * panicEvery / 1e3,
	}, pool.Close()
}

// panicking is work in which the stormy tasks panic.
func panicking(done func()) contender.Work {
	panics := func() {
		done()
		panic("one of the tasks that panic")
	}
	choose := func(n int) func() {
		if n == stormyTask {
			return panics
		}
		return done
	}
	return contender.Work{Do: func(n int) { choose(n)() }, Func: choose}
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
