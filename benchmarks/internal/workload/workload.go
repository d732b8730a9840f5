// Package workload has what the contenders are put to, one workload a file.
package workload

import (
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

// An Env is what a workload is run with.
type Env struct {
	// Runs is the number of rounds.
	Runs int
	// Quick asks for a fraction of the work, to see that it runs.
	Quick bool
	// Log tells of the progress.
	Log func(format string, args ...any)
}

// scale is the amount of work to do where the full amount is given.
func (e Env) scale(full int) int {
	const fraction = 20
	if e.Quick {
		return full / fraction
	}
	return full
}

// few bounds the number of rounds of a workload that takes long or varies little.
func (e Env) few(rounds int) int { return min(e.Runs, rounds) }

// A Workload measures one kind of load.
type Workload struct {
	// Name is what the flag -only matches.
	Name string
	Run  func(Env) (*report.Section, error)
}

// All are the workloads, in the order of the document.
func All() []Workload {
	return []Workload{
		{"send", Send},
		{"hash", Hash},
		{"request", Request},
		{"hold", Hold},
		{"foreign", Foreign},
		{"tell", Tell},
		{"ask", Ask},
		{"submit", Submit},
		{"each", Each},
		{"group", Group},
		{"funcs", Funcs},
		{"limit", Limit},
		{"go", Go},
		{"do", Do},
		{"state", State},
		{"options", Options},
		{"panics", Panics},
		{"backlog", Backlog},
		{"idle", Idle},
		{"stats", Stats},
		{"resize", Resize},
		{"skew", Skew},
		{"locks", Locks},
		{"spin", Spin},
		{"sizes", Sizes},
	}
}

// compare tries contenders by rounds.
func compare(
	runs int, contenders []contender.Contender, trial func(contender.Contender) (measure.Sample, error),
) (*measure.Comparison, error) {
	byName := make(map[string]contender.Contender, len(contenders))
	for _, c := range contenders {
		byName[c.Name] = c
	}
	return measure.Compare(runs, contender.Names(contenders), func(name string) (measure.Sample, error) {
		return trial(byName[name])
	})
}

// A load is a number of tasks that all contenders are told alike.
type load struct {
	size, producers, tasks int
	// work is what a task is; it calls done once.
	work func(done func()) contender.Work
}

// noop is the least a task can be.
func noop(done func()) contender.Work { return contender.Same(done) }

// run opens a pool, warms it up and has it do the tasks. Each trial has a pool of its
// own, so that nobody's garbage collections have the idle workers of others to scan.
func (l load) run(c contender.Contender) (measure.Sample, error) {
	count := measure.NewCountdown()
	pool, err := c.Open(l.size, l.work(count.Done))
	if err != nil {
		return nil, err
	}
	do := func(tasks int) error {
		count.Start(tasks)
		if err := produce(pool, l.producers, tasks); err != nil {
			return err
		}
		return count.Wait()
	}
	if err := do(max(2*l.size, l.tasks/10)); err != nil {
		return nil, err
	}
	sample, err := measure.Timed(l.tasks, func() error { return do(l.tasks) })
	if err != nil {
		return nil, err
	}
	return sample, pool.Close()
}

// produce submits tasks from a number of goroutines, or from this one if it is one.
func produce(pool contender.Pool, producers, tasks int) error {
	from := func(first int) error {
		for n := first; n < tasks; n += producers {
			if err := pool.Tell(n); err != nil {
				return err
			}
		}
		return nil
	}
	if producers == 1 {
		return from(0)
	}
	var group errgroup.Group
	for first := range producers {
		group.Go(func() error { return from(first) })
	}
	return group.Wait()
}
