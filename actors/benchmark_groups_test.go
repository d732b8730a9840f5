package actors_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
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

// BenchmarkGroup submits tasks to a group and waits for them, without reading their answers
// or with that.
func BenchmarkGroup(b *testing.B) {
	b.Run("funcs", func(b *testing.B) {
		pool, err := actors.NewFuncPool(pooltest.System().Root, actors.WithSize(ratioWorkers))
		require.NoError(b, err)
		defer pool.Close()
		f := func(context.Context) error { return nil }
		b.ReportAllocs()
		g := pool.Group(context.Background())
		for i := 1; b.Loop(); i++ {
			g.Go(f)
			if i%submitAhead == 0 {
				require.NoError(b, g.Wait())
			}
		}
		require.NoError(b, g.Wait())
	})
	b.Run("answers", func(b *testing.B) {
		pool := ratioPool(b)
		b.ReportAllocs()
		g := pool.Group(context.Background())
		take := func() {
			for a := range g.Answers() {
				if a.Err != nil {
					b.Fatal(a.Err)
				}
			}
		}
		for i := 1; b.Loop(); i++ {
			if err := g.Submit(i); err != nil {
				b.Fatal(err)
			}
			if i%submitAhead == 0 {
				take()
			}
		}
		take()
	})
}

// upTo yields the numbers below n.
func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// BenchmarkEach and BenchmarkMap run tasks whose answers are read by one loop.
func BenchmarkEach(b *testing.B) {
	pool := ratioPool(b)
	b.ReportAllocs()
	for a := range pool.Each(context.Background(), upTo(b.N)) {
		if a.Err != nil {
			b.Fatal(a.Err)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	pool := ratioPool(b)
	b.ReportAllocs()
	for _, err := range pool.Map(context.Background(), upTo(b.N)) {
		if err != nil {
			b.Fatal(err)
		}
	}
}
