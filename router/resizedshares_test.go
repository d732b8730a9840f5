package router_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

func TestAWorkerAboveItsNewShareGetsNothingMore(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		l := newLanes(t, 4)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(8, router.Reject))
		for n := range 5 { // one runs, four fill the share of worker 0
			require.NoError(t, pool.Tell(t.Context(), n, to(0)))
			synctest.Wait()
		}
		tell := func(worker, n int) error { return pool.Tell(t.Context(), n, to(worker)) }
		require.ErrorIs(t, tell(0, -1), messages.ErrQueueFull)

		require.NoError(t, pool.Resize(t.Context(), 4))
		assert.Equal(t, []int{4, 0, 0, 0}, queuedPerWorker(pool.Stats()), "it keeps what it has")
		for left := 4; left >= 2; left-- {
			require.Equal(t, left, pool.Stats().Workers[0].Queued)
			require.ErrorIs(t, tell(0, -1), messages.ErrQueueFull, "the new share is two")
			l.step(0)
		}
		require.NoError(t, tell(0, 5), "one is queued")
		require.ErrorIs(t, tell(0, -1), messages.ErrQueueFull)
		for n := range 3 { // the others have the new share as well
			require.NoError(t, tell(3, 10+n))
			synctest.Wait()
		}
		require.ErrorIs(t, tell(3, -1), messages.ErrQueueFull)

		require.NoError(t, pool.Resize(t.Context(), 2))
		require.NoError(t, tell(0, 6), "shares grow again")
		close(l.steps[0])
		close(l.steps[3])
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, between(0, 7), l.of(0))
		assert.ElementsMatch(t, between(10, 13), l.of(3))
	})
}

// Round-robin passes over a worker that is above its new share.
func TestRoundRobinPassesOverAWorkerAboveItsShare(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(1), actors.WithDispatch(router.RoundRobin()),
			actors.WithQueue(8, router.Reject))
		for n := range 5 { // one runs, four are queued
			require.NoError(t, pool.Tell(t.Context(), n))
			synctest.Wait()
		}
		require.NoError(t, pool.Resize(t.Context(), 4))
		for n := range 7 { // three start, four are queued
			require.NoError(t, pool.Tell(t.Context(), n))
			synctest.Wait()
		}
		queued := queuedPerWorker(pool.Stats())
		assert.Equal(t, 4, queued[0], "the new share is two")
		for _, n := range queued[1:] {
			assert.Contains(t, []int{1, 2}, n)
		}
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 12, pool.Stats().Succeeded)
	})
}

// What leaving workers hand back was accepted before: it fits in any case.
func TestAShrinkingPoolKeepsWhatItAccepted(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random(), router.ConsistentHash()} {
		for _, overflow := range []router.Overflow{
			router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
		} {
			t.Run(fmt.Sprintf("%v/%v", dispatch, overflow), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					g := pooltest.NewGate()
					pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(8), actors.WithDispatch(dispatch), actors.WithQueue(16, overflow))
					for n := range 24 { // keyless tasks take turns under consistent hashing
						require.NoError(t, pool.Tell(t.Context(), n, actors.NoWait()))
						synctest.Wait()
					}
					for _, size := range []int{3, 1, 5} {
						require.NoError(t, pool.Resize(t.Context(), size))
						stats := pool.Stats()
						require.EqualValues(t, 24, stats.Submitted)
						require.Zero(t, stats.Dropped)
					}
					close(g.Open)
					require.NoError(t, pool.Wait(t.Context()))
					assert.Equal(t, ledger{Submitted: 24, Succeeded: 24}, ledgerOf(pool.Stats()))
				})
			})
		}
	}
}
