package telemetry

import (
	"context"
	"math"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/invalid"
)

// scope names what makes the metrics and spans, as OpenTelemetry wants it.
const scope = "github.com/troupe-go/troupe/telemetry"

// Observe registers the metrics of a system's pools with OpenTelemetry, as observable
// instruments, until the registration is ended by its Unregister. They are those of the
// [Collector] with names such as troupe.tasks.submitted and troupe.queue.depth, and the
// attributes pool, outcome, reason and state. The capacity of an unbounded queue is not
// observed. For waiting and running times, see [Histograms]. A pool that takes the name of
// another is left out by the first reading: one that asks for deltas is to count it from 0.
//
// A nil system or provider is an error that wraps messages.ErrInvalidOption.
func Observe(system *actor.ActorSystem, provider metric.MeterProvider) (metric.Registration, error) {
	if system == nil {
		return nil, errNoSystem()
	}
	if provider == nil {
		return nil, invalid.Option("meter provider is nil")
	}
	meter := provider.Meter(scope)
	var instruments []instrument
	var all []metric.Observable
	for _, f := range facts() {
		i := instrument{fact: f}
		if err := i.make(meter); err != nil {
			return nil, err
		}
		instruments = append(instruments, i)
		all = append(all, i.observable())
	}
	var names names
	return meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		for _, entry := range names.kept(directory.Pools(system)) {
			snapshot, pool := entry.Snapshot(), attribute.String("pool", entry.Label)
			for _, i := range instruments {
				i.read(&snapshot.Stats, func(figure float64, of string) { i.observe(observer, figure, pool, of) })
			}
		}
		return nil
	}, all...)
}

// instrument is a fact as OpenTelemetry knows it. What can be counted is a whole number.
type instrument struct {
	fact
	whole metric.Int64Observable   // of a counter or a level
	real  metric.Float64Observable // of a gauge
}

func (i *instrument) make(meter metric.Meter) (err error) {
	help, unit := metric.WithDescription(i.help), metric.WithUnit(i.unit)
	switch i.kind {
	case counter:
		i.whole, err = meter.Int64ObservableCounter(i.otel, help, unit)
	case level:
		i.whole, err = meter.Int64ObservableUpDownCounter(i.otel, help, unit)
	default:
		i.real, err = meter.Float64ObservableGauge(i.otel, help, unit)
	}
	return err
}

func (i *instrument) observable() metric.Observable {
	if i.whole != nil {
		return i.whole
	}
	return i.real
}

func (i *instrument) observe(observer metric.Observer, figure float64, pool attribute.KeyValue, of string) {
	attributes := []attribute.KeyValue{pool}
	if i.label != "" {
		attributes = append(attributes, attribute.String(i.label, of))
	}
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	switch {
	case i.whole != nil:
		observer.ObserveInt64(i.whole, int64(figure), set)
	case !math.IsInf(figure, 0): // exporters that write JSON have no word for it
		observer.ObserveFloat64(i.real, figure, set)
	}
}
