package jetstream_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/telemetry"
)

// What the handler does is seen in the trace of whoever submitted the task, with a
// tracer of the pool or without one.
func TestTheTraceOfTheSubmitterGoesOnInTheHandler(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	tracer, err := telemetry.NewTracer(provider)
	require.NoError(t, err)
	for name, opts := range map[string][]actors.Option{
		"without a tracer": nil,
		"with a tracer":    {actors.WithTracer(tracer)},
	} {
		t.Run(name, func(t *testing.T) {
			q := queue(t, open(t, t.TempDir()))
			member, err := baggage.NewMember("tenant", "blue")
			require.NoError(t, err)
			bag, err := baggage.New(member)
			require.NoError(t, err)
			ctx, span := provider.Tracer("test").Start(baggage.ContextWithBaggage(t.Context(), bag), "submit")
			_, err = q.Submit(ctx, 1)
			require.NoError(t, err)
			span.End()
			attach(t, q, pool(t, func(ctx context.Context, n int) (int, error) {
				assert.Equal(t, span.SpanContext().TraceID(), trace.SpanContextFromContext(ctx).TraceID())
				assert.Equal(t, "blue", baggage.FromContext(ctx).Member("tenant").Value())
				_, ok := jetstream.DeliveryFromContext(ctx)
				assert.True(t, ok)
				return n, nil
			}, opts...))
			eventually(t, q, empty)
			assert.Zero(t, inspect(t, q).Dead)
		})
	}
	kinds := make(map[trace.SpanKind]bool)
	for _, span := range recorder.Ended() {
		kinds[span.SpanKind()] = true
	}
	assert.True(t, kinds[trace.SpanKindProducer] && kinds[trace.SpanKindConsumer], "%v", kinds)
}
