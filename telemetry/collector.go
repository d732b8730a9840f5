package telemetry

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/meter"
)

// Collector has the metrics of an actor system's pools for Prometheus. It is to be
// registered, and starts nothing by itself. It is safe for concurrent use.
//
// All metrics have the label "pool". Every outcome, reason and state is always there,
// also with 0. The capacity of an unbounded queue is +Inf.
type Collector struct {
	system    *actor.ActorSystem
	facts     []described
	wait, run *prometheus.Desc
	bounds    []time.Duration
}

var _ prometheus.Collector = (*Collector)(nil)

// described is a fact as Prometheus knows it.
type described struct {
	fact
	desc *prometheus.Desc
}

// NewCollector returns a collector for the pools of a system. A nil system is an error
// that wraps messages.ErrInvalidOption.
func NewCollector(system *actor.ActorSystem) (*Collector, error) {
	if system == nil {
		return nil, errNoSystem()
	}
	c := &Collector{
		system: system,
		wait:   prometheus.NewDesc(waitPrometheus, waitHelp, []string{"pool"}, nil),
		run:    prometheus.NewDesc(runPrometheus, runHelp, []string{"pool"}, nil),
		bounds: bounds(),
	}
	for _, f := range facts() {
		labels := []string{"pool"}
		if f.label != "" {
			labels = append(labels, f.label)
		}
		c.facts = append(c.facts, described{f, prometheus.NewDesc(f.prometheus, f.help, labels, nil)})
	}
	return c, nil
}

func errNoSystem() error { return invalid.Option("actor system is nil") }

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, f := range c.facts {
		descs <- f.desc
	}
	descs <- c.wait
	descs <- c.run
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	for _, entry := range directory.Pools(c.system) {
		snapshot, pool := entry.Snapshot(), entry.Label
		for _, f := range c.facts {
			f.read(&snapshot.Stats, func(figure float64, of string) { metrics <- f.metric(figure, pool, of) })
		}
		metrics <- c.histogram(c.wait, snapshot.Wait, pool)
		metrics <- c.histogram(c.run, snapshot.Run, pool)
	}
}

func (f *described) metric(figure float64, pool, of string) prometheus.Metric {
	labels := []string{pool, of}
	if f.label == "" {
		labels = labels[:1]
	}
	value := prometheus.GaugeValue
	if f.kind == counter {
		value = prometheus.CounterValue
	}
	return prometheus.MustNewConstMetric(f.desc, value, figure, labels...) // as many labels as described, in UTF-8
}

func (c *Collector) histogram(desc *prometheus.Desc, h meter.Histogram, pool string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(c.bounds))
	for i, n := range h.AtMost(c.bounds...) {
		buckets[c.bounds[i].Seconds()] = n
	}
	return prometheus.MustNewConstHistogram(desc, uint64(h.Count), h.Sum/nanoseconds, buckets, pool) // likewise
}
