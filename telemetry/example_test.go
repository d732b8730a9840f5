package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/telemetry"
)

func greet(_ context.Context, name string) (string, error) {
	if name == "" {
		return "", errors.New("no name")
	}
	return "Hello, " + name, nil
}

func ExampleNewCollector() {
	system := exampleSystem()
	collector, err := telemetry.NewCollector(system)
	if err != nil {
		log.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)

	pool, err := actors.NewPool(system.Root, greet, actors.WithName("greeter"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	_, _ = pool.Ask(context.Background(), "Ophelia")
	_, _ = pool.Ask(context.Background(), "")

	w := httptest.NewRecorder() // what Prometheus gets
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "troupe_tasks_settled_total") && !strings.HasSuffix(line, " 0\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// troupe_tasks_settled_total{outcome="failed",pool="greeter"} 1
	// troupe_tasks_settled_total{outcome="succeeded",pool="greeter"} 1
}

func ExampleObserve() {
	system := exampleSystem()
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(telemetry.Histograms(system))) // or that of an exporter
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	registration, err := telemetry.Observe(system, provider)
	if err != nil {
		log.Fatal(err)
	}

	pool, err := actors.NewPool(system.Root, greet, actors.WithName("greeter"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	_, _ = pool.Ask(context.Background(), "Ophelia")

	var collected metricdata.ResourceMetrics
	err = reader.Collect(context.Background(), &collected)
	fmt.Println(err, registration.Unregister())
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				if m.Name == "troupe.tasks.submitted" {
					fmt.Println(m.Name, data.DataPoints[0].Value)
				}
			case metricdata.Histogram[float64]:
				fmt.Println(m.Name, data.DataPoints[0].Count)
			}
		}
	}
	// Output:
	// <nil> <nil>
	// troupe.tasks.submitted 1
	// troupe.tasks.wait 1
	// troupe.tasks.run 1
}

func ExampleLog() {
	system := exampleSystem()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // what differs from run to run
			switch a.Key {
			case slog.TimeKey, "worker", "wait", "run":
				return slog.Attr{}
			}
			return a
		},
	}))
	stop, err := telemetry.Log(system, logger)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := actors.NewPool(system.Root, greet, actors.WithName("greeter"))
	if err != nil {
		log.Fatal(err)
	}
	_, _ = pool.Ask(context.Background(), "Ophelia")
	_, _ = pool.Ask(context.Background(), "", actors.ID("nobody"))
	pool.Close()
	stop()
	// Output:
	// level=WARN msg="task failed" pool=greeter task_id=nobody attempt=1 outcome=failed error="no name"
}

func ExampleNewTracer() {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)) // or that of an exporter
	tracer, err := telemetry.NewTracer(provider)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := actors.NewPool(exampleSystem().Root, greet, actors.WithName("greeter"), actors.WithTracer(tracer))
	if err != nil {
		log.Fatal(err)
	}
	_, err = pool.Ask(context.Background(), "")
	fmt.Println(err)
	pool.Close()
	for _, span := range spans.Ended() {
		fmt.Println(span.SpanKind(), span.Name(), span.Status().Code)
	}
	// Unordered output:
	// no name
	// producer send greeter Unset
	// consumer process greeter Error
}

func ExamplePublish() {
	err := telemetry.Publish(exampleSystem(), "pools") // on /debug/vars, if the program serves that
	fmt.Println(err)
	err = telemetry.Publish(exampleSystem(), "pools")
	fmt.Println(err)
	// Output:
	// <nil>
	// troupe: invalid option: name "pools" is taken
}

// exampleSystem returns an actor system that does not log.
func exampleSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // the goroutine of a dead letter lives as long
	)
}
