package workload

import (
	"fmt"
	"runtime"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/chart"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	backlogSize    = 64
	backlogPayload = 8 // bytes: an int, or the pointer to a function
	withTimeout    = "Troupe, a timeout each"

	queuedBytes measure.Metric = "bytes"
	firstCost   measure.Metric = "first"
	lastCost    measure.Metric = "last"
	drainCost   measure.Metric = "drain"
	shortDrain  measure.Metric = "drain of a short backlog"
)

// Backlog queues a million tasks while no worker takes any, and then lets go.
func Backlog(e Env) (*report.Section, error) {
	b := backlog{tasks: e.scale(1_000_000), part: e.scale(10_000)}
	room := b.tasks + backlogSize
	queue := actors.WithQueue(room, actors.Block)
	timeout := [][]actors.TaskOption{{actors.Timeout(time.Hour)}}
	contenders := []contender.Contender{
		contender.Troupe(queue), contender.TroupeTasks(withTimeout, timeout, queue),
		contender.Pond(), contender.Workerpool(), contender.ProtoActor(), contender.ChannelWithRoom(room),
	}
	e.Log("backlog: %d tasks", b.tasks)
	result, err := compare(e.Runs, contenders, b.trial)
	if err != nil {
		return nil, err
	}
	return &report.Section{
		Title: fmt.Sprintf("A backlog of %d tasks", b.tasks),
		Text: fmt.Sprintf("%d workers, all of which are held. The bytes are what a queued task takes beyond its payload; for"+
			" pond and workerpool, a closure for each task would come on top. The others block, so they have no backlog. First"+
			" and last are ns a submission in the first and last tenth, of whose parts of %d the median counts; drain is ns a"+
			" task once the workers are let go.",
			backlogSize, b.part),
		Tables: []report.Table{b.table(result)},
		Targets: []report.Target{
			{What: "bytes a queued task", Limit: 80, Measured: result.Median(contender.NameTroupe, queuedBytes)},
			{What: "bytes a queued task with a timeout", Limit: 105, Measured: result.Median(withTimeout, queuedBytes)},
		},
		Figures: []report.Figure{bytesChart("queued.svg", "Bytes a queued task", result, queuedBytes)},
	}, nil
}

type backlog struct{ tasks, part int }

func (b backlog) table(result *measure.Comparison) report.Table {
	t := report.Table{Header: []string{
		"contender", "bytes", "first", "last", "last by first", "drain", fmt.Sprintf("drain by that of %d", b.part),
	}}
	for _, name := range result.Names() {
		t.Row(name,
			report.Number(result.Median(name, queuedBytes)),
			report.Number(result.Median(name, firstCost)),
			report.Number(result.Median(name, lastCost)),
			report.Number(result.Quotient(name, lastCost, name, firstCost)),
			report.Number(result.Median(name, drainCost)),
			report.Number(result.Quotient(name, drainCost, name, shortDrain)))
	}
	return t
}

func (b backlog) trial(c contender.Contender) (measure.Sample, error) {
	short, err := b.fillAndDrain(c, b.part)
	if err != nil {
		return nil, err
	}
	sample, err := b.fillAndDrain(c, b.tasks)
	if err != nil {
		return nil, err
	}
	sample[shortDrain] = short[drainCost]
	return sample, nil
}

// fillAndDrain does so with a pool of its own, whose queue has to grow.
func (b backlog) fillAndDrain(c contender.Contender, tasks int) (measure.Sample, error) {
	count, g := measure.NewCountdown(), newGate()
	before := memory().HeapAlloc
	pool, err := c.Open(backlogSize, g.before(contender.Same(count.Done)))
	if err != nil {
		return nil, err
	}
	if err := g.hold(pool, backlogSize); err != nil {
		return nil, err
	}
	count.Start(tasks)
	times := make([]float64, 0, tasks/b.part)
	for first := 0; first < tasks; first += b.part {
		start := time.Now()
		for n := first; n < first+b.part; n++ {
			if err := pool.Tell(n); err != nil {
				return nil, err
			}
		}
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(b.part))
	}
	after := memory().HeapAlloc
	start := time.Now()
	g.release()
	if err := count.Wait(); err != nil {
		return nil, err
	}
	drain := time.Since(start)
	// Of a tenth the median part counts: a collection of garbage falls into some parts
	// of any run, and always into the same.
	tenth := max(len(times)/10, 1)
	return measure.Sample{
		queuedBytes: (float64(after)-float64(before))/float64(tasks) - backlogPayload,
		firstCost:   measure.Median(times[:tenth]),
		lastCost:    measure.Median(times[len(times)-tenth:]),
		drainCost:   float64(drain.Nanoseconds()) / float64(tasks),
	}, pool.Close()
}

// memory is what is in use once all garbage is gone: a second collection frees what
// the first one has left in sync.Pools.
func memory() runtime.MemStats {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}

func bytesChart(file, title string, result *measure.Comparison, metric measure.Metric) report.Figure {
	bars := chart.Bars{Title: title, Y: "bytes"}
	for _, name := range result.Names() {
		bars.Bars = append(bars.Bars, chart.Bar{Name: name, Value: result.Median(name, metric)})
	}
	return report.Figure{File: file, Title: title, Draw: bars.Draw}
}
