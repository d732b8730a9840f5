package workload

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
	"github.com/troupe-go/troupe/router"
)

const (
	statsTasks   = 10 // for each worker, so that it has something to report
	statsWorkers = 20_000
)

// Stats takes snapshots of pools that have done some tasks.
func Stats(e Env) (*report.Section, error) {
	sizes := []int{64, 1024, 10_000}
	e.Log("stats: %v workers", sizes)
	dispatches := map[string]router.Dispatch{
		contender.NameLeastBusy: router.LeastBusy(), contender.NameRoundRobin: router.RoundRobin(),
	}
	names := []string{contender.NameLeastBusy, contender.NameRoundRobin}
	// A trial goes through all sizes, so that these can be compared within a round.
	result, err := measure.Compare(e.Runs, names, func(name string) (measure.Sample, error) {
		sample := make(measure.Sample, len(sizes))
		for _, size := range sizes {
			perWorker, err := snapshots(size, dispatches[name])
			if err != nil {
				return nil, err
			}
			sample[costOf(size)] = perWorker
		}
		return sample, nil
	})
	if err != nil {
		return nil, err
	}
	t := report.Table{Title: "µs a worker", Header: []string{"pool"}}
	for _, size := range sizes {
		t.Header = append(t.Header, strconv.Itoa(size))
	}
	section := &report.Section{
		Title: "Stats with all workers",
		Text: fmt.Sprintf("Every worker has done about %d tasks and the pool is at rest. The time of one Stats is divided by the"+
			" number of workers.", statsTasks),
	}
	for _, name := range names {
		row := []string{name}
		for _, size := range sizes {
			cost := result.Median(name, costOf(size))
			row = append(row, report.Number(cost))
			section.Targets = append(section.Targets, report.Target{
				What: fmt.Sprintf("%s, µs for each of %d workers", name, size), Limit: 0.2, Measured: cost,
			})
		}
		t.Row(row...)
	}
	section.Tables = []report.Table{t}
	return section, nil
}

// snapshots returns the µs that a snapshot takes for each worker.
func snapshots(size int, dispatch router.Dispatch) (float64, error) {
	pool, err := contender.NewTroupe(size, func(int) {}, actors.WithDispatch(dispatch))
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	for n := range statsTasks * size {
		if err := pool.Tell(context.Background(), n); err != nil {
			return 0, err
		}
	}
	if err := pool.Wait(context.Background()); err != nil {
		return 0, err
	}
	times := max(statsWorkers/size, 4)
	var took time.Duration
	for range times {
		start := time.Now()
		stats := pool.Stats()
		took += time.Since(start)
		if len(stats.Workers) != size {
			return 0, fmt.Errorf("the snapshot has %d of %d workers", len(stats.Workers), size)
		}
	}
	return float64(took.Nanoseconds()) / 1e3 / float64(times*size), nil
}
