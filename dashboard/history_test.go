package dashboard_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

func TestHistoryIsFiveMinutesLongAtMost(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, func(context.Context, int) (int, error) {
			time.Sleep(100 * time.Millisecond)
			return 0, pooltest.ErrTask
		}, actors.WithName("p"), actors.WithSize(2))
		stop := make(chan struct{})
		var client sync.WaitGroup
		client.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, err := p.Ask(context.Background(), 0)
					assert.ErrorIs(t, err, pooltest.ErrTask)
				}
			}
		})
		time.Sleep(10 * time.Minute)
		close(stop)
		client.Wait()
		points := answer[history](t, d, "/history?pool=p").Points
		require.Len(t, points, 300)
		for i, p := range points {
			if i > 0 {
				assert.InDelta(t, 1, *p[0]-*points[i-1][0], 0.001, "a second each")
			}
			assert.InDelta(t, 10, *p[1], 1, "throughput")
			assert.InDelta(t, 10, *p[2], 1, "of which went wrong")
			assert.InDelta(t, 2, *p[6], 0, "size")
			assert.InDelta(t, 0.5, *p[7], 0.01, "utilization")
			assert.InDelta(t, 0.1, *p[12], 0.001, "p95 of the running times")
		}
	})
}

// Tasks fail and succeed, a thousand a second, each with an ID and a length of its own, and
// a reader does not read.
func TestWhatItKeepsIsBoundedHoweverManyTasksThereAre(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		heap := func() int64 {
			synctest.Wait()
			least := int64(pooltest.Heap())
			for range 3 { // buffers that are reused outlive two collections
				least = min(least, int64(pooltest.Heap()))
			}
			return least
		}
		p := pooltest.Open(t, system.Root, func(_ context.Context, in int) (int, error) {
			time.Sleep(time.Duration(in) * time.Microsecond)
			if in%2 == 0 {
				return 0, fmt.Errorf("number %d: %w", in, pooltest.ErrTask)
			}
			return 0, nil
		}, actors.WithName("p"), actors.WithSize(8))
		seconds := func(n int) {
			for i := range n {
				for j := range 1000 {
					in := i*7919 + j*104729
					require.NoError(t, p.Tell(t.Context(), in%5_000, actors.ID(strconv.Itoa(in))))
				}
				time.Sleep(time.Second)
			}
		}
		seconds(30) // the pool keeps 200 kB of its own by then
		before := heap()
		d := show(t, system)
		s := follow(t, d)
		defer s.end()
		_, ok := s.next(t)
		require.True(t, ok)
		seconds(120)
		get(d, "/tasks?pool=p")
		kept := heap() - before
		t.Logf("%d kB a pool", kept>>10)
		assert.Less(t, kept, int64(2<<20), "slices and maps double when they grow")
		seconds(90)
		get(d, "/tasks?pool=p")
		more := heap() - before - kept
		t.Logf("%d kB more after 90,000 more tasks", more>>10)
		assert.Less(t, more, int64(512<<10), "six bytes a task; as many points of the charts have come, and the collector is never quite done")
	})
}

func TestQuantilesAreThoseOfTheLastTenSeconds(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		d := show(t, system)
		p := pooltest.Open(t, system.Root, func(_ context.Context, in time.Duration) (int, error) {
			time.Sleep(in)
			return 0, nil
		}, actors.WithName("p"))
		_, err := p.Ask(t.Context(), time.Second)
		require.NoError(t, err)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.Nil(t, now(t, d).Pools[0].Point[12], "nothing was done")
		_, err = p.Ask(t.Context(), 10*time.Millisecond)
		require.NoError(t, err)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.InDelta(t, 0.01, *now(t, d).Pools[0].Point[13], 0.0001)
	})
}
