package telemetry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/telemetry"
)

// read is what a reader of the SDK collects, by name.
func read(t *testing.T, reader sdkmetric.Reader) map[string]metricdata.Metrics {
	t.Helper()
	var collected metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(context.Background(), &collected))
	all := make(map[string]metricdata.Metrics)
	for _, scope := range collected.ScopeMetrics {
		assert.Equal(t, "github.com/troupe-go/troupe/telemetry", scope.Scope.Name)
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// point is the data point that has the attributes.
func point[T int64 | float64](t *testing.T, points []metricdata.DataPoint[T], attributes ...attribute.KeyValue) T {
	t.Helper()
	want := attribute.NewSet(attributes...)
	for _, p := range points {
		if p.Attributes.Equals(&want) {
			return p.Value
		}
	}
	require.Failf(t, "no such point", "%v in %v", attributes, points)
	panic("not reached")
}

func TestOpenTelemetryReadsTheSame(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(telemetry.Histograms(system)))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	registration, err := telemetry.Observe(system, provider)
	require.NoError(t, err)
	assert.Empty(t, read(t, reader), "no pool yet")

	begun := time.Now()
	pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(3), actors.WithQueue(7, actors.Reject))
	eachOutcome(t, pool)
	all, stats := read(t, reader), pool.Stats()
	assert.Len(t, all, 22)
	kitchen := attribute.String("pool", "kitchen")

	submitted := all["troupe.tasks.submitted"].Data.(metricdata.Sum[int64])
	assert.True(t, submitted.IsMonotonic)
	assert.Equal(t, "{task}", all["troupe.tasks.submitted"].Unit)
	assert.Equal(t, stats.Submitted, point(t, submitted.DataPoints, kitchen))
	settled := all["troupe.tasks.settled"].Data.(metricdata.Sum[int64])
	assert.Len(t, settled.DataPoints, messages.Outcomes)
	assert.EqualValues(t, 1, point(t, settled.DataPoints, kitchen, attribute.String("outcome", "timed_out")))
	rejected := all["troupe.tasks.rejected"].Data.(metricdata.Sum[int64])
	assert.Len(t, rejected.DataPoints, messages.Reasons+1)
	assert.EqualValues(t, 1, point(t, rejected.DataPoints, kitchen, attribute.String("reason", "canceled")))
	workers := all["troupe.workers.count"].Data.(metricdata.Sum[int64])
	assert.False(t, workers.IsMonotonic)
	assert.EqualValues(t, 3, point(t, workers.DataPoints, kitchen, attribute.String("state", "idle")))
	capacity := all["troupe.queue.capacity"].Data.(metricdata.Gauge[float64])
	assert.InDelta(t, 7, point(t, capacity.DataPoints, kitchen), 0)
	assert.Contains(t, all, "troupe.queue.depth")

	run := all["troupe.tasks.run"].Data.(metricdata.Histogram[float64])
	assert.Equal(t, "s", all["troupe.tasks.run"].Unit)
	assert.Equal(t, metricdata.CumulativeTemporality, run.Temporality)
	require.Len(t, run.DataPoints, 1)
	h := run.DataPoints[0]
	assert.EqualValues(t, stats.RunTime.Count, h.Count)
	assert.Positive(t, h.Sum)
	require.Len(t, h.BucketCounts, len(h.Bounds)+1)
	var sum uint64
	for _, n := range h.BucketCounts {
		sum += n
	}
	assert.Equal(t, h.Count, sum)
	assert.True(t, h.StartTime.After(begun), "it begins with the pool")
	assert.True(t, h.StartTime.Before(h.Time))

	require.NoError(t, registration.Unregister())
	left := read(t, reader)
	assert.NotContains(t, left, "troupe.tasks.submitted")
	assert.Contains(t, left, "troupe.tasks.run", "that is the reader's")
}

// The SDK tells pools by their names. For one whose name is another's before anybody has
// read that it is gone, a reader that wants deltas would find less than it had.
func TestNothingIsCountedBackwardWhenAPoolTakesTheNameOfAnother(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		reader := sdkmetric.NewManualReader(sdkmetric.WithTemporalitySelector(
			func(sdkmetric.InstrumentKind) metricdata.Temporality { return metricdata.DeltaTemporality }))
		_, err := telemetry.Observe(system, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		require.NoError(t, err)
		var sum int64
		collect := func() {
			time.Sleep(time.Minute)
			submitted, _ := read(t, reader)["troupe.tasks.submitted"].Data.(metricdata.Sum[int64])
			for _, p := range submitted.DataPoints {
				assert.GreaterOrEqual(t, p.Value, int64(0))
				sum += p.Value
			}
		}
		for _, tasks := range []int{3, 2, 1} {
			pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"))
			for range tasks {
				require.NoError(t, pool.Tell(context.Background(), "soup"))
			}
			collect()
			collect()
			pool.Close()
			<-pool.Done()
			synctest.Wait() // until its name is free
		}
		assert.EqualValues(t, 6, sum)
	})
}

func TestUnboundedQueueHasNoCapacityForOpenTelemetry(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	reader := sdkmetric.NewManualReader()
	_, err := telemetry.Observe(system, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	require.NoError(t, err)
	pooltest.Open(t, system.Root, act, actors.WithQueue(actors.Unbounded, actors.Block))
	all := read(t, reader)
	assert.NotContains(t, all, "troupe.queue.capacity")
	assert.Contains(t, all, "troupe.queue.depth")
}

func TestObservingNothingIsAnError(t *testing.T) {
	_, err := telemetry.Observe(nil, sdkmetric.NewMeterProvider())
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
	_, err = telemetry.Observe(pooltest.System(), nil)
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
	_, err = telemetry.Histograms(nil).Produce(context.Background())
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
}
