package actors_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
)

// submitAhead is how many futures the benchmarks of Submit keep.
const submitAhead = 2 * ratioWorkers

// BenchmarkSubmitWait submits tasks from one goroutine and waits for each of them, in order.
func BenchmarkSubmitWait(b *testing.B) {
	pool := ratioPool(b)
	ctx := context.Background()
	futures := make([]*actors.Future[int], 0, submitAhead)
	wait := func() {
		for _, f := range futures {
			_, err := f.Wait(ctx)
			require.NoError(b, err)
		}
		futures = futures[:0]
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f, err := pool.Submit(ctx, i)
		require.NoError(b, err)
		futures = append(futures, f)
		if len(futures) == submitAhead {
			wait()
		}
	}
	wait()
}
