package telemetry

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/meter"
)

// Histograms produces those of the waiting and running times of a system's pools,
// troupe.tasks.wait and troupe.tasks.run in seconds, for a reader of the OpenTelemetry
// SDK, to which it is given by its option WithProducer: the API has no observable
// histogram. They are cumulative, whatever the reader prefers, and begin with the pool: one
// that takes the name of another starts from zero. It is safe for concurrent use. If the system
// is nil, producing is an error that wraps messages.ErrInvalidOption.
func Histograms(system *actor.ActorSystem) sdkmetric.Producer {
	p := &producer{system: system, bounds: bounds()}
	for _, bound := range p.bounds {
		p.seconds = append(p.seconds, bound.Seconds())
	}
	return p
}

type producer struct {
	system  *actor.ActorSystem
	bounds  []time.Duration
	seconds []float64 // the same
}

// Produce implements sdkmetric.Producer.
func (p *producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	if p.system == nil {
		return nil, errNoSystem()
	}
	var wait, run []metricdata.HistogramDataPoint[float64]
	for _, entry := range directory.Pools(p.system) {
		snapshot, pool := entry.Snapshot(), attribute.NewSet(attribute.String("pool", entry.Label))
		wait = append(wait, p.point(pool, entry.Since, snapshot.Stats.At, snapshot.Wait))
		run = append(run, p.point(pool, entry.Since, snapshot.Stats.At, snapshot.Run))
	}
	if len(wait) == 0 {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{
		Scope: instrumentation.Scope{Name: scope},
		Metrics: []metricdata.Metrics{
			histogram(waitOTel, waitHelp, wait),
			histogram(runOTel, runHelp, run),
		},
	}}, nil
}

func histogram(name, help string, points []metricdata.HistogramDataPoint[float64]) metricdata.Metrics {
	return metricdata.Metrics{
		Name: name, Description: help, Unit: "s",
		Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points},
	}
}

func (p *producer) point(pool attribute.Set, since, at time.Time, h meter.Histogram) metricdata.HistogramDataPoint[float64] {
	point := metricdata.HistogramDataPoint[float64]{
		Attributes: pool, StartTime: since, Time: at,
		Count: uint64(h.Count), Sum: h.Sum / nanoseconds, Bounds: p.seconds,
	}
	below := uint64(0)
	for _, n := range h.AtMost(p.bounds...) {
		point.BucketCounts = append(point.BucketCounts, n-below)
		below = n
	}
	point.BucketCounts = append(point.BucketCounts, point.Count-below)
	return point
}
