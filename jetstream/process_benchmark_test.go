package jetstream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/jetstream"
	"github.com/troupe-go/troupe/jetstream/local"
)

// A millisecond is what a process of the benchmark is told: to work for so long at each
// task, or to wait.
type millisecond struct {
	URLs    []string
	Queue   string
	Workers int
	Works   bool
}

func (m *millisecond) handle(_ context.Context, n int) (int, error) {
	if !m.Works {
		time.Sleep(time.Millisecond)
		return n, nil
	}
	spins := 0
	for begun := time.Now(); time.Since(begun) < time.Millisecond; {
		spins++
	}
	return spins, nil
}

// serve is the role of such a process.
func serve(ctx context.Context, text string) error {
	var m millisecond
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return err
	}
	store, err := jetstream.Open(ctx, jetstream.WithURL(m.URLs...))
	if err != nil {
		return err
	}
	queue, err := jetstream.NewQueue[int](ctx, store, m.Queue)
	if err != nil {
		return err
	}
	pool, err := actors.NewPool(quietSystem().Root, m.handle, actors.WithSize(m.Workers))
	if err != nil {
		return err
	}
	if _, err := jetstream.Attach(queue, pool); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, readyLine)
	<-ctx.Done()
	return store.Close(context.Background())
}

// Tasks of 1 ms, done by two processes and by one, from submission until the server
// knows that all are done; the ratio of the rates is the median of the rounds'.
func BenchmarkTwoProcesses(b *testing.B) {
	for name, m := range map[string]millisecond{"waiting": {Workers: 4}, "working": {Workers: 1, Works: true}} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithTimeout(b.Context(), patience)
			defer cancel()
			servers, err := local.Start(ctx, b.TempDir(), 1)
			require.NoError(b, err)
			defer func() { require.NoError(b, servers.Close()) }()
			m.URLs = servers.URLs()
			store, err := jetstream.Open(b.Context(), jetstream.WithURL(m.URLs...), jetstream.WithLogger(quiet()))
			require.NoError(b, err)
			defer func() { require.NoError(b, store.Close(context.Background())) }()

			one, two := m.crew(b, store, 1), m.crew(b, store, 2)
			var ratios, rates []float64
			for b.Loop() {
				alone, both := one(), two()
				ratios = append(ratios, alone.Seconds()/both.Seconds())
				rates = append(rates, crewTasks/alone.Seconds())
			}
			b.ReportMetric(median(ratios), "ratio")
			b.ReportMetric(median(rates), "tasks/s-by-one")
		})
	}
}

const crewTasks = 2000

// crew starts processes, and returns what has them do the tasks of a round.
func (m *millisecond) crew(b *testing.B, store *jetstream.Store, processes int) func() time.Duration {
	b.Helper()
	told := *m
	told.Queue = fmt.Sprintf("by-%d", processes)
	q, err := jetstream.NewQueue[int](b.Context(), store, told.Queue)
	require.NoError(b, err)
	text, err := json.Marshal(told)
	require.NoError(b, err)
	for range processes {
		ready := make(chan struct{})
		p, err := local.Spawn(serveRole, string(text), func(line string) {
			if line == readyLine {
				close(ready)
			}
		})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, p.Kill()) })
		<-ready
	}
	items := make([]jetstream.Item[int], crewTasks)
	return func() time.Duration {
		begun := time.Now()
		_, err := q.SubmitBatch(b.Context(), items...)
		require.NoError(b, err)
		for {
			stats, err := q.Inspect(b.Context())
			require.NoError(b, err)
			if empty(stats) {
				return time.Since(begun)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
