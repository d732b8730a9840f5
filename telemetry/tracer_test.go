package telemetry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/telemetry"
)

// A recording has the spans of a test.
type recording struct {
	spans    *tracetest.SpanRecorder
	provider *sdktrace.TracerProvider
}

func record(t testing.TB) (recording, actors.Option) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	tracer, err := telemetry.NewTracer(provider)
	require.NoError(t, err)
	return recording{spans, provider}, actors.WithTracer(tracer)
}

// start starts a span of the test's own.
func (r recording) start(ctx context.Context, name string) (context.Context, trace.Span) {
	return r.provider.Tracer("test").Start(ctx, name)
}

// named are the ended spans of a name, in the order they ended.
func (r recording) named(name string) []sdktrace.ReadOnlySpan {
	var list []sdktrace.ReadOnlySpan
	for _, s := range r.spans.Ended() {
		if s.Name() == name {
			list = append(list, s)
		}
	}
	return list
}

func (r recording) one(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	list := r.named(name)
	require.Len(t, list, 1, name)
	return list[0]
}

func attr(s sdktrace.ReadOnlySpan, key attribute.Key) string {
	set := attribute.NewSet(s.Attributes()...)
	v, _ := set.Value(key)
	return v.String()
}

func TestTaskIsTracedFromItsSubmissionToItsEnd(t *testing.T) {
	timelimit.Set(t)
	ctx := context.Background()
	for name, submit := range map[string]func(context.Context, *actors.Pool[string, string]) error{
		"ask": func(ctx context.Context, pool *actors.Pool[string, string]) error {
			_, err := pool.Ask(ctx, "well", actors.ID("a"), actors.Key("k"))
			return err
		},
		"submit": func(ctx context.Context, pool *actors.Pool[string, string]) error {
			future, err := pool.Submit(ctx, "well", actors.ID("a"), actors.Key("k"))
			require.NoError(t, err)
			_, err = future.Wait(ctx)
			return err
		},
		"tell": func(ctx context.Context, pool *actors.Pool[string, string]) error {
			err := pool.Tell(ctx, "well", actors.ID("a"), actors.Key("k"))
			return errors.Join(err, pool.Wait(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, traced := record(t)
			system := pooltest.System()
			pool := pooltest.Open(t, system.Root, func(ctx context.Context, in string) (string, error) {
				_, own := r.start(ctx, "own")
				defer own.End()
				return act(ctx, in)
			}, actors.WithName("kitchen"), traced)
			ctx, order := r.start(ctx, "order")
			require.NoError(t, submit(ctx, pool))
			order.End()

			send, process, own := r.one(t, "send kitchen"), r.one(t, "process kitchen"), r.one(t, "own")
			assert.Equal(t, trace.SpanKindProducer, send.SpanKind())
			assert.Equal(t, order.SpanContext().SpanID(), send.Parent().SpanID())
			assert.Equal(t, trace.SpanKindConsumer, process.SpanKind())
			assert.Equal(t, send.SpanContext().SpanID(), process.Parent().SpanID())
			require.Len(t, process.Links(), 1)
			assert.Equal(t, send.SpanContext().SpanID(), process.Links()[0].SpanContext.SpanID())
			assert.Equal(t, process.SpanContext().SpanID(), own.Parent().SpanID())
			assert.Equal(t, order.SpanContext().TraceID(), own.SpanContext().TraceID())
			for _, s := range []sdktrace.ReadOnlySpan{send, process} {
				assert.Equal(t, "troupe", attr(s, "messaging.system"))
				assert.Equal(t, "kitchen", attr(s, "messaging.destination.name"))
				assert.Equal(t, "a", attr(s, "messaging.message.id"))
				assert.Equal(t, "k", attr(s, "troupe.task.key"))
				assert.Equal(t, codes.Unset, s.Status().Code)
				assert.Empty(t, attr(s, "error.type"))
			}
			assert.Equal(t, "send", attr(send, "messaging.operation.name"))
			assert.Equal(t, "send", attr(send, "messaging.operation.type"))
			assert.Equal(t, "process", attr(process, "messaging.operation.name"))
			assert.Equal(t, "process", attr(process, "messaging.operation.type"))
			assert.Equal(t, "1", attr(process, "troupe.attempt"))
			assert.Equal(t, "succeeded", attr(process, "troupe.outcome"))
			assert.NotEmpty(t, attr(process, "troupe.worker"))
		})
	}
}

func TestSpanAndBaggageTravelInTheHeaders(t *testing.T) {
	timelimit.Set(t)
	r, traced := record(t)
	system := pooltest.System()
	baggages := make(chan string, 1)
	seen := make(chan map[string]string, 1)
	pid := system.Root.Spawn(actors.PropsFromHandler(func(ctx context.Context, in string) (string, error) {
		task, _ := actors.TaskFromContext(ctx)
		seen <- task.Headers
		baggages <- baggage.FromContext(ctx).Member("guest").Value()
		return in, nil
	}, actors.WithName("kitchen"), traced))
	t.Cleanup(func() { assert.NoError(t, system.Root.StopFuture(pid).Wait()) })

	const remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	headers := map[string]string{"traceparent": remote, "tracestate": "a=b", "baggage": "guest=7", "mine": "x"}
	_, err := system.Root.RequestFuture(pid, &messages.Task{Payload: "soup", Headers: headers}, time.Minute).Result()
	require.NoError(t, err)

	assert.Equal(t, "7", <-baggages)
	got := <-seen
	send, process := r.one(t, "send kitchen"), r.one(t, "process kitchen")
	assert.Equal(t, "b7ad6b7169203331", send.Parent().SpanID().String())
	assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", process.SpanContext().TraceID().String())
	assert.Equal(t, "x", got["mine"])
	assert.Equal(t, "a=b", got["tracestate"])
	assert.Contains(t, got["traceparent"], send.SpanContext().SpanID().String())
	assert.Equal(t, map[string]string{"traceparent": remote, "tracestate": "a=b", "baggage": "guest=7", "mine": "x"},
		headers, "the sender's own are left alone")
}

func TestSubmittersOwnSpanAndBaggageGoFirst(t *testing.T) {
	timelimit.Set(t)
	r, traced := record(t)
	seen, states := make(chan baggage.Baggage, 1), make(chan string, 1)
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, in string) (string, error) {
		task, _ := actors.TaskFromContext(ctx)
		states <- task.Headers["tracestate"]
		seen <- baggage.FromContext(ctx)
		return in, nil
	}, actors.WithName("kitchen"), traced)
	own, err := baggage.Parse("guest=1")
	require.NoError(t, err)
	ctx, order := r.start(baggage.ContextWithBaggage(context.Background(), own), "order")
	defer order.End()
	_, err = pool.Ask(ctx, "soup",
		actors.Header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
		actors.Header("tracestate", "a=b"), actors.Header("baggage", "guest=7"))
	require.NoError(t, err)
	assert.Equal(t, "1", (<-seen).Member("guest").Value())
	send := r.one(t, "send kitchen")
	assert.Equal(t, order.SpanContext().SpanID(), send.Parent().SpanID())
	assert.Empty(t, send.SpanContext().TraceState().String(), "the header's belongs to another trace")
	assert.Empty(t, <-states, "so it is taken out")
}

func TestFurtherAttemptIsATraceOfItsOwn(t *testing.T) {
	timelimit.Set(t)
	r, traced := record(t)
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, in string) (string, error) {
		if actors.Attempt(ctx) == 1 {
			return "", pooltest.ErrTask
		}
		return in, nil
	}, actors.WithName("kitchen"), traced, actors.WithRetry(actors.Retry{Attempts: 2, On: actors.AnyError}))
	_, err := pool.Ask(context.Background(), "soup")
	require.NoError(t, err)

	send, attempts := r.one(t, "send kitchen"), r.named("process kitchen")
	require.Len(t, attempts, 2)
	first, second := attempts[0], attempts[1]
	assert.Equal(t, codes.Error, first.Status().Code)
	assert.Equal(t, pooltest.ErrTask.Error(), first.Status().Description)
	assert.Equal(t, "*errors.errorString", attr(first, "error.type"))
	assert.Equal(t, send.SpanContext().TraceID(), first.SpanContext().TraceID())
	assert.NotEqual(t, send.SpanContext().TraceID(), second.SpanContext().TraceID())
	assert.False(t, second.Parent().IsValid())
	require.Len(t, second.Links(), 1)
	assert.Equal(t, send.SpanContext().SpanID(), second.Links()[0].SpanContext.SpanID())
	assert.Equal(t, "2", attr(second, "troupe.attempt"))
	assert.Equal(t, codes.Unset, second.Status().Code)
}

func TestPanicIsAnExceptionWithItsStack(t *testing.T) {
	timelimit.Set(t)
	r, traced := record(t)
	pool := pooltest.Open(t, pooltest.System().Root, act, actors.WithName("kitchen"), traced)
	require.NoError(t, pool.Tell(context.Background(), "panic"))
	require.NoError(t, pool.Wait(context.Background()))
	process := r.one(t, "process kitchen")
	assert.Equal(t, codes.Error, process.Status().Code)
	assert.Equal(t, "panicked", attr(process, "error.type"))
	require.Len(t, process.Events(), 1)
	event := process.Events()[0]
	assert.Equal(t, "exception", event.Name)
	set := attribute.NewSet(event.Attributes...)
	stack, _ := set.Value("exception.stacktrace")
	assert.Contains(t, stack.AsString(), "telemetry_test.act")
}

// One text that is not in UTF-8 has an exporter that speaks Protocol Buffers drop all the
// spans that it was to export with it.
func TestAllThatSpansSayIsInUTF8(t *testing.T) {
	timelimit.Set(t)
	r, traced := record(t)
	pool := pooltest.Open(t, pooltest.System().Root, func(context.Context, string) (string, error) { return "", errors.New("burnt \xff") },
		actors.WithName("kitchen\xff"), traced)
	_, err := pool.Ask(context.Background(), "soup", actors.ID("soup\xff"), actors.Key("key\xff"))
	require.Error(t, err)
	require.Len(t, r.spans.Ended(), 2)
	for _, span := range r.spans.Ended() {
		assert.True(t, utf8.ValidString(span.Name()), "%q", span.Name())
		assert.True(t, utf8.ValidString(span.Status().Description), "%q", span.Status().Description)
		attrs := span.Attributes()
		for _, e := range span.Events() {
			attrs = append(attrs, e.Attributes...)
		}
		for _, a := range attrs {
			assert.True(t, utf8.ValidString(a.Value.String()), "%s: %q", a.Key, a.Value.String())
		}
	}
}

func TestSpanHasTheTasksOutcomeAlsoIfTheHandlerSaysOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		caller  bool // the task runs in its caller
		end     func(*actors.Pool[string, string])
		timeout time.Duration
		says    error
		outcome string
		is      error
	}{
		"a success too late":           {timeout: time.Millisecond, outcome: "timed_out", is: messages.ErrTaskTimeout},
		"a failure too late":           {timeout: time.Millisecond, says: pooltest.ErrTask, outcome: "timed_out", is: messages.ErrTaskTimeout},
		"a success in its caller":      {caller: true, timeout: time.Millisecond, outcome: "timed_out", is: messages.ErrTaskTimeout},
		"a success of a closed pool":   {end: func(p *actors.Pool[string, string]) { go p.Close() }, outcome: "canceled", is: messages.ErrCanceled},
		"its own error when it closed": {end: func(p *actors.Pool[string, string]) { go p.Close() }, says: pooltest.ErrTask, outcome: "canceled", is: messages.ErrCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system := pooltest.System()
				r, traced := record(t)
				settled := make(chan struct{})
				options := []actors.Option{actors.WithName("kitchen"), actors.WithSize(1), traced}
				if c.caller {
					options = append(options, actors.WithQueue(0, actors.CallerRuns))
				}
				pool := pooltest.Open(t, system.Root, func(ctx context.Context, in string) (string, error) {
					if in == "soup" && c.end != nil {
						c.end(poolOf(ctx))
					}
					<-settled
					return in, c.says
				}, options...)
				ctx := context.WithValue(context.Background(), poolKey{}, pool)
				if c.caller {
					require.NoError(t, pool.Tell(ctx, "block"))
				}
				_, err := pool.Ask(ctx, "soup", actors.Timeout(c.timeout), actors.ID("soup"))
				close(settled)
				require.ErrorIs(t, err, c.is)
				pool.Close()
				<-pool.Done()
				synctest.Wait() // for the handler of one that runs in its caller
				for _, process := range r.named("process kitchen") {
					if attr(process, "messaging.message.id") != "soup" {
						continue
					}
					assert.Equal(t, c.outcome, attr(process, "troupe.outcome"))
					assert.Equal(t, c.outcome, attr(process, "error.type"))
					assert.Contains(t, process.Status().Description, c.is.Error())
					return
				}
				assert.Fail(t, "the span has not ended")
			})
		})
	}
}

type poolKey struct{}

// poolOf is the pool that the caller has put into the context.
func poolOf(ctx context.Context) *actors.Pool[string, string] {
	return ctx.Value(poolKey{}).(*actors.Pool[string, string])
}

func TestRejectionIsTheErrorOfTheSubmission(t *testing.T) {
	timelimit.Set(t)
	r, traced := record(t)
	pool := pooltest.Open(t, pooltest.System().Root, act, actors.WithName("kitchen"), traced, actors.WithSize(1), actors.WithQueue(1, actors.Reject))
	pool.Pause()
	var err error
	for err == nil {
		err = pool.Tell(context.Background(), "soup")
	}
	require.ErrorIs(t, err, messages.ErrQueueFull)
	sent := r.named("send kitchen")
	last := sent[len(sent)-1]
	assert.Equal(t, codes.Error, last.Status().Code)
	assert.Equal(t, err.Error(), last.Status().Description)
	assert.Equal(t, "queue_full", attr(last, "error.type"))
	for _, accepted := range sent[:len(sent)-1] {
		assert.Equal(t, codes.Unset, accepted.Status().Code)
	}
}

func TestEverySpanEndsAndHasItsOwnParent(t *testing.T) {
	timelimit.Set(t)
	r, traced := record(t)
	pool := pooltest.Open(t, pooltest.System().Root, act, actors.WithName("kitchen"), traced, actors.WithSize(4))
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			for range 100 {
				ctx, order := r.start(context.Background(), "order")
				_, err := pool.Ask(ctx, "soup")
				assert.NoError(t, err)
				order.End()
			}
		})
	}
	askers.Wait()
	assert.Len(t, r.spans.Ended(), 2400)
	assert.Len(t, r.spans.Started(), 2400)
	traces := make(map[trace.TraceID]int)
	for _, s := range r.spans.Ended() {
		traces[s.SpanContext().TraceID()]++
	}
	assert.Len(t, traces, 800)
	for _, n := range traces {
		assert.Equal(t, 3, n)
	}
}

func TestPropagatorIsReplaced(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	tracer, err := telemetry.NewTracer(provider, telemetry.WithPropagator(propagation.Baggage{}))
	require.NoError(t, err)
	headers, _ := tracer.Submitted(context.Background(), router.Traced{Pool: "kitchen", Headers: map[string]string{"traceparent": "mine"}})
	assert.Equal(t, map[string]string{"traceparent": "mine"}, headers)
}

func TestTracerOptionsThatMakeNoSenseAreErrors(t *testing.T) {
	_, err := telemetry.NewTracer(nil)
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
	provider := sdktrace.NewTracerProvider()
	_, err = telemetry.NewTracer(provider, nil)
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
	_, err = telemetry.NewTracer(provider, telemetry.WithPropagator(nil))
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
}

func TestTellWithoutATracerAllocatesNothing(t *testing.T) {
	timelimit.Set(t)
	pool := pooltest.Open(t, pooltest.System().Root, func(context.Context, int) (any, error) { return nil, nil }, actors.WithSize(1))
	ctx := context.Background()
	const tells = actors.DefaultCapacity / 2 // none waits for room, which allocates
	run := func() {
		for range tells {
			_ = pool.Tell(ctx, 1)
		}
		_ = pool.Wait(ctx)
	}
	run()
	assert.Less(t, testing.AllocsPerRun(20, run), 10.0, "for %d tasks: Wait allocates", tells)
}
