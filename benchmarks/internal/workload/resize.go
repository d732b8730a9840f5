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
	resizeLarge = 64
	resizeSmall = 8
	resizeTasks = 100_000
	resizeKeys  = 1000
	restFor     = 200 * time.Millisecond

	atRest   = "at rest"
	resizing = "64 → 8 → 64 workers"

	tellWait    measure.Metric = "Tell"
	loadWait    measure.Metric = "Load"
	timeoutLate measure.Metric = "timeout"
	longestWait measure.Metric = "longest"
	resizeTime  measure.Metric = "resize"
)

// Resize changes the size of a pool with a long queue of keyed tasks, most of which
// have to move to another worker, and watches how long others wait for the pool.
func Resize(e Env) (*report.Section, error) {
	e.Log("resize: %d keyed tasks queued", resizeTasks)
	names := []string{atRest, resizing}
	result, err := measure.Compare(e.Runs, names, func(name string) (measure.Sample, error) {
		return resizeTrial(name == resizing)
	})
	if err != nil {
		return nil, err
	}
	t := report.Table{
		Title:  "ms, the longest of a round",
		Header: []string{"pool", "a Tell", "a Load", "a timeout late by", "both resizes"},
	}
	for _, name := range names {
		row := []string{name}
		for _, metric := range []measure.Metric{tellWait, loadWait, timeoutLate, resizeTime} {
			row = append(row, report.Number(result.Median(name, metric)))
		}
		t.Row(row...)
	}
	return &report.Section{
		Title: "A resize under consistent hashing",
		Text: fmt.Sprintf("%d tasks of %d keys are queued and no worker takes any. Every millisecond another goroutine does a"+
			" Tell with NoWait and a Load, and submits a task with a timeout of %v, which is due while it is queued. The first"+
			" row shows what the machine itself adds.", resizeTasks, resizeKeys, probeTimeout),
		Tables: []report.Table{t},
		Targets: []report.Target{
			{What: "the longest that anybody waits, ms", Limit: 50, Measured: result.Median(resizing, longestWait)},
		},
	}, nil
}

// resizeTrial fills a pool, watches it while it is resized or left alone, and lets the
// tasks run.
func resizeTrial(resize bool) (measure.Sample, error) {
	ctx := context.Background()
	open := make(chan struct{})
	pool, err := contender.NewTroupe(resizeLarge, func(int) { <-open },
		actors.WithDispatch(router.ConsistentHash()), actors.WithQueue(actors.Unbounded, actors.Block))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	keys := make([]actors.TaskOption, resizeKeys)
	for i := range keys {
		keys[i] = actors.Key("key-" + strconv.Itoa(i))
	}
	for n := range resizeTasks {
		if err := pool.Tell(ctx, n, keys[n%len(keys)]); err != nil {
			return nil, err
		}
	}
	probe := startProbe(pool, keys)
	start := time.Now()
	if resize {
		for _, size := range []int{resizeSmall, resizeLarge} {
			if err := pool.Resize(ctx, size); err != nil {
				return nil, err
			}
		}
	} else {
		time.Sleep(restFor)
	}
	took := time.Since(start)
	sample, err := probe.stop()
	if err != nil {
		return nil, err
	}
	sample[resizeTime] = milliseconds(took)
	if size := pool.Load().Size; size != resizeLarge {
		return nil, fmt.Errorf("the pool has %d workers", size)
	}
	close(open)
	return sample, pool.Wait(ctx)
}
