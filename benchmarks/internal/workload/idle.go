package workload

import (
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	idleRuns = 3 // it takes long, and memory varies little

	spawnTime measure.Metric = "spawn"
	idleBytes measure.Metric = "bytes"
)

// Idle spawns a great many workers that have nothing to do.
func Idle(e Env) (*report.Section, error) {
	workers := e.scale(100_000)
	e.Log("idle: %d workers", workers)
	contenders := []contender.Contender{
		contender.Troupe(), contender.Ants(), contender.ProtoActor(), contender.Channel(contender.DefaultBuffer),
	}
	descriptors(workers)
	result, err := compare(min(e.Runs, idleRuns), contenders, func(c contender.Contender) (measure.Sample, error) {
		return spawn(c, workers)
	})
	if err != nil {
		return nil, err
	}
	t := report.Table{Header: []string{"contender", "µs a worker to spawn", "bytes a worker"}}
	for _, name := range result.Names() {
		t.Row(name, report.Number(result.Median(name, spawnTime)), report.Number(result.Median(name, idleBytes)))
	}
	return &report.Section{
		Title: fmt.Sprintf("%d idle workers", workers),
		Text: "Bytes of heap and stacks, without the descriptor that the runtime keeps of each goroutine. ants spawns" +
			" workers as tasks come, so it is given as many that block. A worker of Proto.Actor has a goroutine only while" +
			" it has a message.",
		Tables:  []report.Table{t},
		Figures: []report.Figure{bytesChart("idle.svg", "Bytes an idle worker", result, idleBytes)},
	}, nil
}

// spawn opens a pool and sees to it that its workers are there.
func spawn(c contender.Contender, workers int) (measure.Sample, error) {
	g := newGate()
	before := memory()
	start := time.Now()
	pool, err := c.Open(workers, g.before(contender.Same(func() {})))
	if err != nil {
		return nil, err
	}
	if c.Lazy {
		if err := g.hold(pool, workers); err != nil {
			return nil, err
		}
	}
	took := time.Since(start)
	g.release()
	after := memory()
	used := float64(after.HeapAlloc+after.StackInuse) - float64(before.HeapAlloc+before.StackInuse)
	return measure.Sample{
		spawnTime: float64(took.Nanoseconds()) / 1e3 / float64(workers),
		idleBytes: used / float64(workers),
	}, pool.Close()
}

// descriptors has the runtime make its descriptors of so many goroutines, which it
// never frees, so that not only the first contender pays for them.
func descriptors(goroutines int) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() { <-stop })
	}
	close(stop)
	all.Wait()
}
