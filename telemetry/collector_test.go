package telemetry_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/telemetry"
)

func registry(t testing.TB, system *actor.ActorSystem) *prometheus.Registry {
	t.Helper()
	c, err := telemetry.NewCollector(system)
	require.NoError(t, err)
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(c))
	return r
}

// scrape is what Prometheus would get.
func scrape(t testing.TB, r *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	text, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return string(text)
}

// families is a scrape as Prometheus's own parser reads it.
func families(t testing.TB, r *prometheus.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(scrape(t, r)))
	require.NoError(t, err)
	return parsed
}

// find is the metric of a family that has the labels, given as name and value by turns.
func find(t testing.TB, family *dto.MetricFamily, labels ...string) *dto.Metric {
	t.Helper()
	for _, m := range family.GetMetric() {
		have := make(map[string]string)
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		all := len(have) == len(labels)/2
		for i := 0; i < len(labels); i += 2 {
			all = all && have[labels[i]] == labels[i+1]
		}
		if all {
			return m
		}
	}
	require.Failf(t, "no such metric", "%s%v", family.GetName(), labels)
	return nil
}

// value is what the metric of a family says, be it a counter or a gauge.
func value(t testing.TB, all map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	m := find(t, all[name], labels...)
	if all[name].GetType() == dto.MetricType_COUNTER {
		return m.GetCounter().GetValue()
	}
	require.Equal(t, dto.MetricType_GAUGE, all[name].GetType(), name)
	return m.GetGauge().GetValue()
}

func TestMetricsPassPrometheussLinter(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	eachOutcome(t, pooltest.Open(t, system.Root, act, actors.WithName("kitchen")))
	problems, err := promlint.New(strings.NewReader(scrape(t, registry(t, system)))).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestMetricsSayWhatStatsSay(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(3), actors.WithQueue(7, actors.Reject),
		actors.WithRetry(actors.Retry{Attempts: 2, On: actors.AnyError}))
	eachOutcome(t, pool)
	pool.Pause()
	for range 8 {
		require.NoError(t, pool.Tell(context.Background(), "queued"))
		if pool.Stats().Queued == 7 {
			break
		}
	}
	require.ErrorIs(t, pool.Tell(context.Background(), "one too many"), messages.ErrQueueFull)

	r := registry(t, system)
	all, stats := families(t, r), pool.Stats()
	is := func(want float64, name string, labels ...string) {
		t.Helper()
		assert.InDelta(t, want, value(t, all, name, append(labels, "pool", "kitchen")...), 1e-9, "%s%v", name, labels)
	}
	is(float64(stats.Submitted), "troupe_tasks_submitted_total")
	for outcome, n := range map[string]int64{
		"succeeded": stats.Succeeded, "failed": stats.Failed, "panicked": stats.Panicked, "timed_out": stats.TimedOut,
		"canceled": stats.Canceled, "dropped": stats.Dropped, "quarantined": stats.Quarantined,
	} {
		is(float64(n), "troupe_tasks_settled_total", "outcome", outcome)
	}
	assert.Len(t, all["troupe_tasks_settled_total"].GetMetric(), messages.Outcomes)
	for reason := range messages.Reason(messages.Reasons + 1) {
		is(float64(stats.Rejections[reason]), "troupe_tasks_rejected_total", "reason", reason.String())
	}
	assert.EqualValues(t, 2, stats.Rejected, "one was canceled before, one found the queue full")
	is(float64(stats.Retries), "troupe_task_retries_total")
	assert.EqualValues(t, 2, stats.Retries)
	is(0, "troupe_tasks_running")
	is(float64(stats.Queued), "troupe_queue_depth")
	is(7, "troupe_queue_capacity")
	is(3, "troupe_workers", "state", "idle")
	for _, state := range []string{"busy", "suspended", "stopping", "sidelined"} {
		is(0, "troupe_workers", "state", state)
	}
	is(float64(stats.Restarts), "troupe_worker_restarts_total")
	assert.EqualValues(t, 1, stats.Restarts, "for the panic")
	is(0, "troupe_workers_replaced_total")
	is(0, "troupe_workers_recycled_total")
	is(0, "troupe_workers_lost")
	is(0, "troupe_handlers_abandoned")
	is(0, "troupe_handlers_overdue")
	is(3, "troupe_reported", "name", "done")
	is(0, "troupe_quarantine_tasks")
	is(1, "troupe_pool_paused")
	is(0, "troupe_longest_running_task_seconds")
	assert.Positive(t, value(t, all, "troupe_queue_oldest_age_seconds", "pool", "kitchen"))
	utilization := value(t, all, "troupe_utilization_ratio", "pool", "kitchen")
	assert.True(t, utilization > 0 && utilization <= 1, "%v", utilization)
	for _, name := range []string{"troupe_task_wait_seconds", "troupe_task_run_seconds"} {
		assert.EqualValues(t, stats.RunTime.Count, find(t, all[name], "pool", "kitchen").GetHistogram().GetSampleCount())
	}
	assert.Len(t, all, 22, "and no other family")
}

func TestHistogramsAddUp(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		takes := func(_ context.Context, d time.Duration) (any, error) { time.Sleep(d); return nil, nil }
		pool := pooltest.Open(t, system.Root, takes, actors.WithName("kitchen"), actors.WithSize(1))
		for range 5 {
			_, err := pool.Ask(context.Background(), 2*time.Millisecond)
			require.NoError(t, err)
		}
		_, err := pool.Ask(context.Background(), 20*time.Millisecond)
		require.NoError(t, err)
		synctest.Wait() // the last task is measured

		h := find(t, families(t, registry(t, system))["troupe_task_run_seconds"], "pool", "kitchen").GetHistogram()
		assert.EqualValues(t, 6, h.GetSampleCount())
		assert.InDelta(t, 0.03, h.GetSampleSum(), 1e-6)
		buckets := h.GetBucket()
		require.Len(t, buckets, 20, "19 and the one without bound")
		var below uint64
		for _, b := range buckets {
			assert.GreaterOrEqual(t, b.GetCumulativeCount(), below)
			below = b.GetCumulativeCount()
			if b.GetUpperBound() == 0.001 {
				assert.Zero(t, b.GetCumulativeCount(), "none was as short")
			}
			if b.GetUpperBound() == 600 {
				assert.EqualValues(t, 6, b.GetCumulativeCount(), "none was longer")
			}
		}
		assert.True(t, math.IsInf(buckets[19].GetUpperBound(), 1))
		assert.Equal(t, h.GetSampleCount(), below)
		assert.InDelta(t, 1e-6, buckets[0].GetUpperBound(), 1e-12)
	})
}

func TestUnboundedQueueHasInfiniteCapacity(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithQueue(actors.Unbounded, actors.Block))
	all := families(t, registry(t, system))
	assert.True(t, math.IsInf(value(t, all, "troupe_queue_capacity", "pool", "kitchen"), 1))
}

func TestPoolThatHasStoppedLeaves(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	r := registry(t, system)
	assert.Empty(t, families(t, r), "no pool yet")
	pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"))
	pooltest.Open(t, system.Root, act, actors.WithName("laundry"))
	assert.Len(t, families(t, r)["troupe_tasks_submitted_total"].GetMetric(), 2)
	pool.Close()
	<-pool.Done()
	left := families(t, r)["troupe_tasks_submitted_total"]
	assert.Len(t, left.GetMetric(), 1)
	find(t, left, "pool", "laundry")
}

func TestPoolsOfOneNameHaveLabelsOfTheirOwn(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	for range 2 {
		pid := system.Root.Spawn(actors.PropsFromHandler(act, actors.WithName("odd\xffname")))
		t.Cleanup(func() { assert.NoError(t, system.Root.StopFuture(pid).Wait()) })
	}
	family := families(t, registry(t, system))["troupe_queue_depth"]
	assert.Len(t, family.GetMetric(), 2)
	find(t, family, "pool", "odd\ufffdname")
}

func TestNilSystemIsAnError(t *testing.T) {
	_, err := telemetry.NewCollector(nil)
	assert.ErrorIs(t, err, messages.ErrInvalidOption)
}

func TestBusyPoolIsScrapedAThousandTimes(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	pool := pooltest.Open(t, system.Root, act, actors.WithName("kitchen"), actors.WithSize(2))
	over := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				assert.NoError(t, pool.Tell(context.Background(), "well"))
			}
		}
	})
	r := registry(t, system)
	var scrapers sync.WaitGroup
	for range 4 {
		scrapers.Go(func() {
			for range 250 {
				all, err := r.Gather() // the pedantic registry checks each metric
				assert.NoError(t, err)
				assert.GreaterOrEqual(t, len(all), 20, "all but what nobody may have reported yet")
			}
		})
	}
	scrapers.Wait()
	close(over)
	teller.Wait()
}
