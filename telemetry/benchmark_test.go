package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/telemetry"
)

// BenchmarkScrape is what gathering the metrics of one pool costs whoever does it, without
// making text of them.
func BenchmarkScrape(b *testing.B) {
	for _, workers := range []int{2, 10_000} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			system := pooltest.System()
			pool := pooltest.Open(b, system.Root, act, actors.WithSize(workers))
			for range 1000 {
				_, _ = pool.Ask(context.Background(), "well")
			}
			r := registry(b, system)
			for b.Loop() {
				if _, err := r.Gather(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkScraped compares the throughput of tasks of 10 µs with and without somebody who
// scrapes a thousand times a second, by turns. A scraper needs a processor itself, whatever
// it scrapes: so another turn is that of one who scrapes an idle pool of another system
// instead. The ratios are medians of those turn by turn.
func BenchmarkScraped(b *testing.B) {
	const (
		turns = 21
		turn  = 200 * time.Millisecond
	)
	busy := func(context.Context, int) (any, error) {
		begun := time.Now()
		for time.Since(begun) < 10*time.Microsecond {
			continue
		}
		return nil, nil
	}
	system, idle := pooltest.System(), pooltest.System()
	pool := pooltest.Open(b, system.Root, busy, actors.WithSize(1)) // which leaves a processor to the scraper
	pooltest.Open(b, idle.Root, busy, actors.WithSize(1))
	tell := func() float64 {
		before, begun := pool.Stats().Submitted, time.Now()
		for time.Since(begun) < turn {
			require.NoError(b, pool.Tell(context.Background(), 1))
		}
		require.NoError(b, pool.Wait(context.Background()))
		return float64(pool.Stats().Submitted-before) / time.Since(begun).Seconds()
	}
	ours, theirs := registry(b, system), registry(b, idle)
	for b.Loop() {
		var alone, scraped, ratios, controls, scrapes []float64
		for range turns {
			without := tell()
			other, _ := during(b, theirs, tell)
			with, n := during(b, ours, tell)
			alone, scraped, scrapes = append(alone, without), append(scraped, with), append(scrapes, n)
			ratios, controls = append(ratios, with/without), append(controls, with/other)
		}
		b.ReportMetric(median(alone), "tasks/s-alone")
		b.ReportMetric(median(scraped), "tasks/s-scraped")
		b.ReportMetric(median(ratios), "of-alone")
		b.ReportMetric(median(controls), "of-scraping-another")
		b.ReportMetric(median(scrapes), "scrapes/s")
	}
}

// during scrapes at each millisecond while work goes on, and returns what that came to and
// how many scrapes a second there were.
func during(b *testing.B, r *prometheus.Registry, work func() float64) (result, scrapes float64) {
	b.Helper()
	over, ended := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { ended <- n }()
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
				if _, err := r.Gather(); err != nil {
					b.Error(err)
				}
				n++
			}
		}
	}()
	begun := time.Now()
	result = work()
	close(over)
	n := <-ended
	return result, float64(n) / time.Since(begun).Seconds()
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkTell is what tracing costs a task, and that not tracing costs nothing.
func BenchmarkTell(b *testing.B) {
	none := func(context.Context, int) (any, error) { return nil, nil }
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(tracetest.NewNoopExporter()))
	tracer, err := telemetry.NewTracer(provider)
	require.NoError(b, err)
	traced := actors.WithTracer(tracer)
	for name, options := range map[string][]actors.Option{"untraced": nil, "traced": {traced}} {
		b.Run(name, func(b *testing.B) {
			pool := pooltest.Open(b, pooltest.System().Root, none, append(options, actors.WithSize(1))...)
			b.ReportAllocs()
			for b.Loop() {
				_ = pool.Tell(context.Background(), 1)
			}
		})
	}
}
