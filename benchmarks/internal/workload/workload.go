// Package workload has what the contenders are put to, one workload a file.
package workload

import (
	"fmt"

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

// A Workload measures one kind of load.
type Workload struct {
	Name string
	Run  func(Env) (*report.Section, error)
}

// All are the workloads, in the order of the document.
func All() []Workload {
	return []Workload{
		{"tell", Tell},
		{"ask", Ask},
		{"spin", Spin},
		{"skew", Skew},
		{"backlog", Backlog},
		{"idle", Idle},
		{"panics", Panics},
		{"options", Options},
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
		count.Wait()
		return nil
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

// A cell is a column of a table.
type cell struct {
	label  string
	result *measure.Comparison
}

// medians is the table of a metric.
func medians(title string, cells []cell, metric measure.Metric) report.Table {
	return table(title, cells, func(result *measure.Comparison, name string) string {
		return report.Number(result.Median(name, metric))
	})
}

// ratios is the table of one contender's cost by each other's.
func ratios(cells []cell, name string) report.Table {
	title := fmt.Sprintf("%s's time by theirs; below 1, %s is faster", name, name)
	return table(title, cells, func(result *measure.Comparison, base string) string {
		return report.Number(result.Ratio(measure.Nanoseconds, name, base))
	})
}

func table(title string, cells []cell, figure func(result *measure.Comparison, name string) string) report.Table {
	t := report.Table{Title: title, Header: []string{"contender"}}
	for _, c := range cells {
		t.Header = append(t.Header, c.label)
	}
	for _, name := range cells[0].result.Names() {
		row := []string{name}
		for _, c := range cells {
			row = append(row, figure(c.result, name))
		}
		t.Row(row...)
	}
	return t
}

// troupeBy is Troupe's time by another's in each cell.
func troupeBy(cells []cell, base string) []float64 {
	all := make([]float64, len(cells))
	for i, c := range cells {
		all[i] = c.result.Ratio(measure.Nanoseconds, contender.NameTroupe, base)
	}
	return all
}

// troupeByBest is Troupe's time by that of the best of others in each cell.
func troupeByBest(cells []cell, others ...string) []float64 {
	best := make([]float64, len(cells))
	for _, other := range others {
		for i, ratio := range troupeBy(cells, other) {
			best[i] = max(best[i], ratio)
		}
	}
	return best
}

// troupeMost is the most that Troupe's median of a metric is in any cell.
func troupeMost(cells []cell, metric measure.Metric) float64 {
	var most float64
	for _, c := range cells {
		most = max(most, c.result.Median(contender.NameTroupe, metric))
	}
	return most
}
