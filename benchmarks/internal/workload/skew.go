package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/benchmarks/internal/chart"
	"github.com/troupe-go/troupe/benchmarks/internal/contender"
	"github.com/troupe-go/troupe/benchmarks/internal/measure"
	"github.com/troupe-go/troupe/benchmarks/internal/report"
)

const (
	skewSize  = 64
	skewLoad  = 0.7
	skewShort = 100 * time.Microsecond
	skewLong  = 10 * time.Millisecond
	longEvery = 100

	median   measure.Metric = "p50"
	p99      measure.Metric = "p99"
	p999     measure.Metric = "p99.9"
	occupied measure.Metric = "load"
	meanTime measure.Metric = "ns of service"
)

// Skew has tasks come at times of their own, most of them short and a few very long:
// a pool that binds tasks to workers early makes short ones wait behind long ones.
func Skew(e Env) (*report.Section, error) {
	const seconds = 1.2
	mean, err := meanService(e.scale(50_000))
	if err != nil {
		return nil, err
	}
	rate := rateOf(mean)
	s := newSchedule(e.scale(int(rate*seconds)), rate)
	e.Log("skew: a task takes %v on average, so %.0f come in a second", mean, rate)
	large := actors.WithQueue(1<<20, actors.Block)
	contenders := append([]contender.Contender{contender.Troupe(large), contender.TroupeRoundRobin(large)}, contender.All()[1:]...)
	latencies := make(map[string]*hdrhistogram.Histogram, len(contenders))
	for _, c := range contenders {
		latencies[c.Name] = newHistogram()
	}
	result, err := compare(e.Runs, contenders, func(c contender.Contender) (measure.Sample, error) {
		e.Log("skew: %s", c.Name)
		return s.run(c, latencies[c.Name])
	})
	if err != nil {
		return nil, err
	}
	return &report.Section{
		Title: "Latency under skewed load",
		Text: fmt.Sprintf("%d workers. Tasks wait: %v, but %v for exactly 1 in %d. They come by one schedule with exponential"+
			" gaps, whatever the pool does (open loop), at %.0f a second: %.0f %% of what the workers can do, given the"+
			" %v that a task really takes on average. Milliseconds from the time that a task was due to come to its end. The load is"+
			" the share of the workers' time that was really spent on tasks.",
			skewSize, skewShort, skewLong, longEvery, rate, 100*skewLoad, mean.Round(time.Microsecond)),
		Tables:  []report.Table{skewTable(result)},
		Targets: skewTargets(result),
		Figures: []report.Figure{{
			File:  "latency.svg",
			Title: "Latency under skewed load, by percentile",
			Draw:  latencyChart(contender.Names(contenders), latencies).Draw,
		}},
	}, nil
}

func skewTable(result *measure.Comparison) report.Table {
	t := report.Table{Header: []string{"contender", "p50", "p99", "p99.9", "Troupe's p99 by theirs", "load"}}
	for _, name := range result.Names() {
		t.Row(name,
			report.Number(result.Median(name, median)),
			report.Number(result.Median(name, p99)),
			report.Number(result.Median(name, p999)),
			report.Number(result.Ratio(p99, contender.NameTroupe, name)),
			fmt.Sprintf("%.0f %%", 100*result.Median(name, occupied)))
	}
	return t
}

func skewTargets(result *measure.Comparison) []report.Target {
	var worst float64
	for _, name := range append(contender.Names(contender.Peers()), contender.NameProtoActor) {
		worst = max(worst, result.Ratio(p99, contender.NameTroupe, name))
	}
	return []report.Target{
		{
			What:     "p99, least-busy by round-robin",
			Limit:    0.2,
			Measured: result.Ratio(p99, contender.NameTroupe, contender.NameRoundRobin),
		},
		{What: "p99 by the best peer's", Limit: 1.05, Measured: worst},
	}
}

// meanService measures how long tasks really take at the load that is meant. Timers
// are later the busier the machine, so the rate of tasks depends on how long these
// take, and this on the rate: halfway steps from the nominal duration come to where
// the two agree.
func meanService(tasks int) (time.Duration, error) {
	const steps = 6
	mean := ((longEvery-1)*skewShort + skewLong) / longEvery
	for range steps {
		s := newSchedule(tasks, rateOf(mean))
		sample, err := s.run(contender.Channel(), newHistogram())
		if err != nil {
			return 0, err
		}
		mean = time.Duration(math.Sqrt(float64(mean) * sample[meanTime]))
	}
	return mean, nil
}

// rateOf is how many tasks must come in a second for the load that is meant.
func rateOf(mean time.Duration) float64 { return skewLoad * skewSize / mean.Seconds() }

// service is how long a task is to wait, by its place in a hundred.
func service(place int) time.Duration {
	if place == 0 {
		return skewLong
	}
	return skewShort
}

// A schedule says when each task comes and how long it is to take. All contenders
// have the same.
type schedule struct {
	due  []time.Duration
	take []time.Duration
}

func newSchedule(tasks int, rate float64) *schedule {
	tasks -= tasks % longEvery
	random := rand.New(rand.NewPCG(3, 4))
	s := &schedule{due: make([]time.Duration, tasks), take: make([]time.Duration, tasks)}
	var at float64
	for i, place := range random.Perm(tasks) {
		at += random.ExpFloat64() / rate
		s.due[i] = time.Duration(at * float64(time.Second))
		s.take[i] = service(place % longEvery)
	}
	return s
}

// run has a contender do the tasks as they come, and adds their latencies to all that
// it had before.
func (s *schedule) run(c contender.Contender, all *hdrhistogram.Histogram) (measure.Sample, error) {
	var (
		start   time.Time
		count   = measure.NewCountdown()
		g       = newGate()
		latency = make([]time.Duration, len(s.due))
		service = make([]time.Duration, len(s.due))
		funcs   = make([]func(), len(s.due))
	)
	do := func(n int) {
		begin := time.Since(start)
		time.Sleep(s.take[n])
		end := time.Since(start)
		latency[n], service[n] = end-s.due[n], end-begin
		count.Done()
	}
	for n := range funcs {
		funcs[n] = func() { do(n) }
	}
	pool, err := c.Open(skewSize, g.before(contender.Work{Do: do, Func: func(n int) func() { return funcs[n] }}))
	if err != nil {
		return nil, err
	}
	if err := g.hold(pool, skewSize); err != nil { // now all workers are there
		return nil, err
	}
	g.release()
	runtime.GC()
	count.Start(len(s.due))
	start = time.Now()
	if err := s.produce(pool, start); err != nil {
		return nil, err
	}
	if err := count.Wait(); err != nil {
		return nil, err
	}
	elapsed := time.Since(start)
	sample, err := s.sample(latency, service, elapsed, all)
	if err != nil {
		return nil, err
	}
	return sample, pool.Close()
}

// produce tells each task when it is due. It yields rather than sleeps until then,
// since a timer would be later than the next task.
func (s *schedule) produce(pool contender.Pool, start time.Time) error {
	for n, due := range s.due {
		for time.Since(start) < due {
			runtime.Gosched()
		}
		if err := pool.Tell(n); err != nil {
			return err
		}
	}
	return nil
}

func (s *schedule) sample(
	latency, service []time.Duration, elapsed time.Duration, all *hdrhistogram.Histogram,
) (measure.Sample, error) {
	h := newHistogram()
	var busy time.Duration
	for n := range latency {
		if err := h.RecordValue(latency[n].Nanoseconds()); err != nil {
			return nil, err
		}
		busy += service[n]
	}
	all.Merge(h)
	return measure.Sample{
		median:   millis(h, 50),
		p99:      millis(h, 99),
		p999:     millis(h, 99.9),
		meanTime: float64(busy.Nanoseconds()) / float64(len(s.due)),
		occupied: busy.Seconds() / (skewSize * elapsed.Seconds()),
	}, nil
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(10*time.Minute), 3)
}

func millis(h *hdrhistogram.Histogram, percentile float64) float64 {
	return float64(h.ValueAtQuantile(percentile)) / float64(time.Millisecond)
}

// latencyChart has the percentiles on an axis that stretches the far end: each decade
// is one nine more.
func latencyChart(names []string, latencies map[string]*hdrhistogram.Histogram) chart.Lines {
	l := chart.Lines{
		Title: "Latency under skewed load",
		X:     "percentile",
		Y:     "ms",
		XTicks: []chart.Tick{
			{Value: 1, Label: "0"},
			{Value: 2, Label: "50"},
			{Value: 10, Label: "90"},
			{Value: 100, Label: "99"},
			{Value: 1000, Label: "99.9"},
			{Value: 10_000, Label: "99.99"},
		},
	}
	for _, name := range names {
		line := chart.Line{Name: name}
		for exponent := 0.0; exponent <= 4; exponent += 0.25 {
			inverse := math.Pow(10, exponent)
			y := millis(latencies[name], 100-100/inverse)
			line.Points = append(line.Points, chart.Point{X: inverse, Y: y})
		}
		l.Lines = append(l.Lines, line)
	}
	return l
}
