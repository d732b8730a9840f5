package router_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// succeeded is how many tasks each worker has succeeded with, in dispatch order.
func succeeded(stats messages.Stats) (counts []int64) {
	for _, w := range stats.Workers {
		counts = append(counts, w.Succeeded)
	}
	return counts
}

// ledger is the part of the statistics that must add up, and the rejections.
type ledger struct {
	Submitted, Queued, Running, Succeeded, Canceled, Dropped, Rejected int64
}

func ledgerOf(stats messages.Stats) ledger {
	return ledger{
		stats.Submitted, stats.Queued, stats.Running, stats.Succeeded,
		stats.Canceled, stats.Dropped, stats.Rejected,
	}
}

// tellAll submits 0 to n-1 in this order, each from a goroutine of its own since
// it may have to wait, and returns when nothing moves any more. It is for bubbles.
func tellAll(t *testing.T, pool *actors.Pool[int, int], n int) {
	t.Helper()
	for i := range n {
		go func() {
			err := pool.Tell(context.Background(), i)
			if err != nil && !errors.Is(err, messages.ErrQueueFull) && !errors.Is(err, messages.ErrPoolStopped) {
				t.Errorf("task %d: %v", i, err)
			}
		}()
		synctest.Wait()
	}
}
