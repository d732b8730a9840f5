package telemetry

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// TracerOption configures a [Tracer].
type TracerOption interface{ apply(*Tracer) error }

type tracerOption func(*Tracer) error

func (o tracerOption) apply(t *Tracer) error { return o(t) }

// WithPropagator says how spans and baggage are written into a task's headers. The default
// is W3C Trace Context and W3C Baggage.
func WithPropagator(propagator propagation.TextMapPropagator) TracerOption {
	return tracerOption(func(t *Tracer) error {
		if propagator == nil {
			return invalid.Option("propagator is nil")
		}
		t.propagator = propagator
		return nil
	})
}

// Tracer has tasks traced with OpenTelemetry; it is given to pools with
// actors.WithTracer. It is safe for concurrent use, and one does for many pools.
//
// A submission is a span "send <pool>", which ends when the task has been accepted or
// rejected or, where it runs in its caller, has run there: a child of the span in the
// submitter's context or, if that has none, of the one in the task's headers. Each attempt is a span "process <pool>", linked to it: the first
// is its child, a further one begins a trace of its own. The context travels in the task's
// headers, and the handler's context has the attempt's span and the baggage. The span of a
// handler that never returns is never ended.
//
// Attributes are those of the conventions for messaging, and troupe.task.key,
// troupe.worker, troupe.attempt and troupe.outcome.
type Tracer struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
}

var _ router.Tracer = (*Tracer)(nil)

// NewTracer returns a tracer whose spans are the provider's. A provider or an option that
// is nil is an error that wraps messages.ErrInvalidOption.
func NewTracer(provider trace.TracerProvider, opts ...TracerOption) (*Tracer, error) {
	if provider == nil {
		return nil, invalid.Option("tracer provider is nil")
	}
	t := &Tracer{
		tracer:     provider.Tracer(scope),
		propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
	}
	for i, o := range opts {
		if o == nil {
			return nil, invalid.Option("option %d is nil", i)
		}
		if err := o.apply(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Submitted implements actors.Tracer.
func (t *Tracer) Submitted(ctx context.Context, task router.Traced) (map[string]string, func(error)) {
	ctx, span := t.tracer.Start(t.origin(ctx, task.Headers), "send "+utf8(task.Pool),
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attributesOf(task, "send")...))
	headers := make(map[string]string, len(task.Headers)+2)
	maps.Copy(headers, task.Headers)
	for _, field := range t.propagator.Fields() { // those of where the task comes from
		delete(headers, field)
	}
	t.propagator.Inject(ctx, propagation.MapCarrier(headers))
	return headers, func(err error) {
		defer span.End()
		if err != nil {
			fail(span, messages.ReasonOf(err).String(), err)
		}
	}
}

// origin is ctx with what the headers know of where the task comes from, and ctx does not.
func (t *Tracer) origin(ctx context.Context, headers map[string]string) context.Context {
	origin := t.propagator.Extract(ctx, propagation.MapCarrier(headers))
	if span := trace.SpanFromContext(ctx); span.SpanContext().IsValid() {
		origin = trace.ContextWithSpan(origin, span)
	}
	if known := baggage.FromContext(ctx); known.Len() > 0 {
		origin = baggage.ContextWithBaggage(origin, known)
	}
	return origin
}

// Begun implements actors.Tracer.
func (t *Tracer) Begun(ctx context.Context, task router.Traced) (context.Context, func(messages.Outcome, error)) {
	ctx = t.propagator.Extract(ctx, propagation.MapCarrier(task.Headers))
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributesOf(task, "process")...),
	}
	if sent := trace.SpanContextFromContext(ctx); sent.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: sent}))
	}
	if task.Attempt > 1 {
		options = append(options, trace.WithNewRoot())
	}
	ctx, span := t.tracer.Start(ctx, "process "+utf8(task.Pool), options...)
	return ctx, func(outcome messages.Outcome, err error) {
		defer span.End()
		span.SetAttributes(attribute.String("troupe.outcome", snake(outcome)))
		if err != nil {
			fail(span, errorType(outcome, err), err)
		}
	}
}

// utf8 is a text of the user's as exporters want it: some drop every span that they were
// to export with one that has anything else.
func utf8(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

func attributesOf(task router.Traced, operation string) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		attribute.String("messaging.system", "troupe"),
		attribute.String("messaging.operation.name", operation),
		attribute.String("messaging.operation.type", operation),
		attribute.String("messaging.destination.name", utf8(task.Pool)),
	}
	for _, known := range [...]attribute.KeyValue{
		attribute.String("messaging.message.id", utf8(task.ID)),
		attribute.String("troupe.task.key", utf8(task.Key)),
		attribute.String("troupe.worker", utf8(task.Worker)),
	} {
		if known.Value.AsString() != "" {
			attrs = append(attrs, known)
		}
	}
	if task.Attempt > 0 {
		attrs = append(attrs, attribute.Int("troupe.attempt", task.Attempt))
	}
	return attrs
}

// errorType is the type of the handler's own error, or else the outcome.
func errorType(outcome messages.Outcome, err error) string {
	if outcome == messages.Failed {
		return fmt.Sprintf("%T", err)
	}
	return snake(outcome)
}

// fail records an error: what was wrong, with the stack if it was a panic.
func fail(span trace.Span, kind string, err error) {
	span.SetAttributes(attribute.String("error.type", kind))
	text := utf8(err.Error())
	span.SetStatus(codes.Error, text)
	event := []attribute.KeyValue{
		attribute.String("exception.type", fmt.Sprintf("%T", err)), attribute.String("exception.message", text),
	}
	if stack := stackOf(err); stack != "" {
		event = append(event, attribute.String("exception.stacktrace", stack))
	}
	span.AddEvent("exception", trace.WithAttributes(event...))
}
