package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// The ledger holds in every snapshot while tasks of every outcome are submitted
// and canceled and the pool is resized, paused and at last closed. All waiters are
// told, and what they hear agrees with the ledger.
func TestTheLedgerHoldsInEverySnapshotAndNobodyIsLeftWaiting(t *testing.T) {
	timelimit.Set(t)
	first := router.Custom(func(_ router.TaskView, workers router.Workers) int { return workers.Len() - 1 })
	for _, tt := range []struct {
		dispatch router.Dispatch
		capacity int
		overflow actors.Overflow
	}{
		{router.LeastBusy(), 16, actors.Block},
		{router.LeastBusy(), 0, actors.CallerRuns},
		{router.RoundRobin(), 4, actors.DropOldest},
		{router.RoundRobin(), 4, actors.Block},
		{router.Random(), 4, actors.DropNewest},
		{router.ConsistentHash(), 16, actors.Reject},
		{first, 16, actors.Block},
	} {
		t.Run(fmt.Sprintf("%v/%v", tt.dispatch, tt.overflow), func(t *testing.T) {
			pool := pooltest.Open(t, pooltest.System().Root, mischief, actors.WithSize(3),
				actors.WithDispatch(tt.dispatch), actors.WithQueue(tt.capacity, tt.overflow))

			var meddlers sync.WaitGroup
			over := make(chan struct{})
			meddle := func(f func(i int)) {
				meddlers.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-over:
							return
						default:
							f(i)
							runtime.Gosched()
						}
					}
				})
			}
			var before messages.Stats
			meddle(func(int) {
				now := pool.Stats()
				checkSnapshot(t, before, now)
				before = now
			})
			meddle(func(i int) { _ = pool.Resize(context.Background(), 1+i%5) })
			meddle(func(int) { pool.Pause(); pool.Resume() })

			var accepted, rejected atomic.Int64
			var heard [messages.Outcomes + 1]atomic.Int64
			var submitters sync.WaitGroup
			for range 4 {
				submitters.Go(func() {
					for n := range 150 {
						if n == 120 {
							pool.Close()
						}
						f, err := pool.Submit(context.Background(), n, actors.Key(fmt.Sprint(n%7)),
							actors.Priority(n%3), actors.Timeout(time.Millisecond))
						if err != nil {
							rejected.Add(1)
							continue
						}
						accepted.Add(1)
						if n%5 == 0 {
							f.Cancel()
						}
						submitters.Go(func() {
							_, err := f.Wait(context.Background())
							heard[pooltest.OutcomeOf(err)].Add(1)
						})
					}
				})
			}
			submitters.Wait()
			close(over)
			meddlers.Wait()

			<-pool.Done()
			stats := pool.Stats()
			checkSnapshot(t, before, stats)
			assert.Equal(t, accepted.Load(), stats.Submitted, "submitted")
			assert.Equal(t, rejected.Load(), stats.Rejected, "rejected")
			for o, n := range pooltest.Outcomes(&stats) {
				assert.Equal(t, n, heard[o].Load(), "told of %v", o)
			}
		})
	}
}

// mischief ends in all the ways a handler can.
func mischief(ctx context.Context, n int) (int, error) {
	switch n % 8 {
	case 1:
		return 0, pooltest.ErrTask
	case 2:
		panic(n)
	case 3:
		runtime.Goexit()
	case 4:
		<-ctx.Done()
		return 0, context.Cause(ctx)
	}
	return n, nil
}

// checkSnapshot checks what holds in every snapshot, and from one to a later one.
func checkSnapshot(t *testing.T, before, now messages.Stats) {
	t.Helper()
	ok := now.Balanced() && now.Queued >= 0 && now.Running >= 0 && now.Busy >= 0 && now.Idle >= 0 &&
		now.Submitted >= before.Submitted && now.Rejected >= before.Rejected && now.OldestQueued >= 0 &&
		now.Restarts >= before.Restarts
	was := pooltest.Outcomes(&before)
	for o, n := range pooltest.Outcomes(&now) {
		ok = ok && n >= was[o]
	}
	if !ok {
		t.Errorf("impossible snapshot:\n%+v\nafter\n%+v", now, before)
	}
}
