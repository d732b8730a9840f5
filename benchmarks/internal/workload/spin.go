package workload

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	spinSize = 64
	spinRuns = 3 // the tasks themselves take most of the time
)

// Spin has tasks that compute for a while.
func Spin(e Env) (*report.Section, error) {
	perMicrosecond := calibrate()
	e.Log("spin: %.0f iterations a µs", perMicrosecond)
	var cells []cell
	section := &report.Section{
		Title: "Tasks that compute",
		Text: fmt.Sprintf("%d workers, 1 producer. A task is a calibrated loop that reads no clock. The figures are"+
			" elapsed time by tasks, so two processors do tasks of 10 µs in 5 µs each at best. Medians of %d rounds.",
			spinSize, e.few(spinRuns)),
	}
	for _, length := range []struct {
		micros, tasks int
		held          bool // to a target
	}{
		{1, 60_000, false},
		{10, 15_000, true},
		{100, 1_500, true},
	} {
		e.Log("spin: %d µs", length.micros)
		iterations := int(perMicrosecond * float64(length.micros))
		l := load{size: spinSize, producers: 1, tasks: e.scale(length.tasks), work: func(done func()) contender.Work {
			return contender.Same(func() {
				spin(iterations)
				done()
			})
		}}
		result, err := compare(e.few(spinRuns), contender.All(), l.run)
		if err != nil {
			return nil, err
		}
		c := cell{fmt.Sprintf("%d µs", length.micros), result}
		cells = append(cells, c)
		if length.held {
			section.Targets = append(section.Targets, report.Target{
				What:     "by the bare channel at " + c.label,
				Limit:    1.05,
				Measured: result.Ratio(measure.Nanoseconds, contender.NameTroupe, contender.NameChannel),
			})
		}
	}
	section.Tables = []report.Table{
		medians("ns a task", cells, measure.Nanoseconds),
		ratios(cells, contender.NameTroupe),
	}
	return section, nil
}

// calibrate returns how many iterations spin makes in a microsecond, going by the
// quickest of several trials: the others were disturbed.
func calibrate() float64 {
	const (
		trials     = 20
		iterations = 1_000_000
	)
	best := time.Duration(math.MaxInt64)
	for range trials {
		start := time.Now()
		spin(iterations)
		best = min(best, time.Since(start))
	}
	return iterations / (float64(best.Nanoseconds()) / 1e3)
}

// spin computes. Each step needs the one before, and the result is used, so none can be
// left out.
//
//go:noinline
func spin(iterations int) {
	x := uint64(1)
	for range iterations {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	runtime.KeepAlive(x)
}
