package workload

import (
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
	"github.com/troupe-go/troupe/router"
)

const (
	idleWorkers = 20_000
	leastIdle   = 5_000 // fewer do not show in the figures of the whole process

	idleHandler = "Troupe, a handler"
	idleLate    = "Troupe, user actors, least-busy"
	idleEarly   = "Troupe, user actors, round-robin"
	idleRoutee  = "Proto.Actor routees"

	spawnTime measure.Metric = "spawn"
	idleBytes measure.Metric = "bytes"
)

// Idle spawns a great many workers that have nothing to do.
func Idle(e Env) (*report.Section, error) {
	workers := max(e.scale(idleWorkers), leastIdle)
	e.Log("idle: %d workers", workers)
	open := idlePools(workers)
	names := []string{idleLate, idleEarly, idleRoutee, idleHandler, contender.NameAnts, contender.NameChannel}
	descriptors(workers)
	result, err := measure.Compare(e.Runs, names, func(name string) (measure.Sample, error) {
		return spawn(open[name], workers)
	})
	if err != nil {
		return nil, err
	}
	t := report.Table{Header: []string{"contender", "µs a worker to spawn", "bytes a worker"}}
	for _, name := range names {
		t.Row(name, report.Number(result.Median(name, spawnTime)), report.Number(result.Median(name, idleBytes)))
	}
	section := &report.Section{
		Title: fmt.Sprintf("%d idle workers", workers),
		Text: "Bytes of heap and stacks, without the descriptor that the runtime keeps of each goroutine. ants spawns" +
			" workers as tasks come, so it is given as many that block. A worker of Proto.Actor has a goroutine only while" +
			" it has a message. The user's actor is the same in Troupe's pools and in Proto.Actor's.",
		Tables:  []report.Table{t},
		Figures: []report.Figure{bytesChart("idle.svg", "Bytes an idle worker", result, idleBytes)},
	}
	for _, name := range []string{idleLate, idleEarly} {
		section.Targets = append(section.Targets,
			report.Target{
				What: name + ", bytes by a routee's", Limit: 1.5, Measured: result.Ratio(idleBytes, name, idleRoutee),
			},
			report.Target{
				What: name + ", spawn time by a routee's", Limit: 1.5, Measured: result.Ratio(spawnTime, name, idleRoutee),
			})
	}
	return section, nil
}

// An opener opens a pool, waits until its workers are there, and returns what stops it.
type opener func() (stop func() error, err error)

// idlePools returns an opener for each contender.
func idlePools(workers int) map[string]opener {
	return map[string]opener{
		idleLate:              idleActors(contender.TroupeActors(idleLate, router.LeastBusy()), workers),
		idleEarly:             idleActors(contender.TroupeActors(idleEarly, router.RoundRobin()), workers),
		idleRoutee:            idleActors(contender.ProtoActorPool(), workers),
		idleHandler:           idleFuncs(contender.Troupe(), workers),
		contender.NameAnts:    idleFuncs(contender.Ants(), workers),
		contender.NameChannel: idleFuncs(contender.ChannelWithRoom(1), workers),
	}
}

func idleActors(c contender.ActorContender, workers int) opener {
	return func() (func() error, error) {
		pool, err := c.Open(workers, func() actor.Actor { return &receiver{} })
		if err != nil {
			return nil, err
		}
		return pool.Close, nil
	}
}

func idleFuncs(c contender.Contender, workers int) opener {
	return func() (func() error, error) {
		g := newGate()
		pool, err := c.Open(workers, g.before(contender.Same(func() {})))
		if err != nil {
			return nil, err
		}
		if c.Lazy {
			if err := g.hold(pool, workers); err != nil {
				return nil, err
			}
		}
		g.release()
		return pool.Close, nil
	}
}

// spawn measures a pool from before it is opened.
func spawn(open opener, workers int) (measure.Sample, error) {
	before := memory()
	start := time.Now()
	stop, err := open()
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	after := memory()
	used := float64(after.HeapAlloc+after.StackInuse) - float64(before.HeapAlloc+before.StackInuse)
	return measure.Sample{
		spawnTime: float64(took.Nanoseconds()) / 1e3 / float64(workers),
		idleBytes: used / float64(workers),
	}, stop()
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
