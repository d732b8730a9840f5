package dashboard_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// BenchmarkCost has a pool do tasks of 10 µs, by turns without a dashboard and with one
// that a client follows through a real connection, and reports the throughput with it as a
// share of that without: the median of the rounds' shares. Run it with -benchtime 1x; it
// takes about a minute.
func BenchmarkCost(b *testing.B) {
	const rounds = 9
	tasks := int(2 * time.Second / (10 * time.Microsecond) * time.Duration(runtime.GOMAXPROCS(0)))
	loops := calibrate(10 * time.Microsecond)
	for b.Loop() {
		var shares []float64
		for round := range 2 * rounds {
			// Whichever is first in one pair is second in the next.
			first := tasksPerSecond(b, tasks, loops, round%2 == 0)
			second := tasksPerSecond(b, tasks, loops, round%2 == 1)
			if round%2 == 0 {
				shares = append(shares, first/second)
			} else {
				shares = append(shares, second/first)
			}
		}
		slices.Sort(shares)
		b.ReportMetric(shares[len(shares)/2], "share")
		b.ReportMetric(shares[len(shares)/4], "share-q1")
		b.ReportMetric(shares[len(shares)*3/4], "share-q3")
	}
}

func tasksPerSecond(b *testing.B, tasks, loops int, watched bool) float64 {
	system := pooltest.System()
	pool, err := actors.NewPool(system.Root, func(_ context.Context, loops int) (int, error) { return spin(loops), nil },
		actors.WithName("p"), actors.WithSize(runtime.GOMAXPROCS(0)))
	require.NoError(b, err)
	defer func() {
		pool.Close()
		<-pool.Done()
	}()
	if watched {
		d := dashboard.New(system)
		defer d.Close()
		server := httptest.NewServer(d)
		defer server.Close()
		response, err := http.Get(server.URL + "/events")
		require.NoError(b, err)
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, response.Body) // until the server is closed
		}()
		defer func() { <-read }()
		defer func() { _ = response.Body.Close() }()
	}
	start := time.Now()
	for range tasks {
		if err := pool.Tell(context.Background(), loops); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, pool.Wait(context.Background()))
	return float64(tasks) / time.Since(start).Seconds()
}

// spin computes, and does not look at the clock: what takes its processor away makes it
// take longer.
func spin(loops int) (sum int) {
	for i := range loops {
		sum ^= sum<<1 + i
	}
	return sum
}

// calibrate says how many loops take so long when nothing else runs.
func calibrate(d time.Duration) int {
	best := 0
	for range 20 {
		start := time.Now()
		runtime.KeepAlive(spin(1_000_000))
		best = max(best, int(1_000_000*d/time.Since(start)))
	}
	return best
}
