package router_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

var errAttempt = errors.New("this attempt fails")

// retries is a policy for tasks that fail once; the second attempt is a second later.
func retries() actors.Option {
	return actors.WithRetry(router.Retry{Attempts: 2, Min: time.Second, Max: time.Second, On: router.AnyError})
}

// failsOnce is a handler whose negative tasks fail at their first attempt. All
// other attempts wait for the gate.
func failsOnce(g *pooltest.Gate) actors.Handler[int, int] {
	return func(ctx context.Context, n int) (int, error) {
		if n < 0 && actors.Attempt(ctx) == 1 {
			return 0, errAttempt
		}
		return g.Handle(ctx, n)
	}
}

func TestADueRetryIgnoresAFullShare(t *testing.T) {
	for _, overflow := range []router.Overflow{
		router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
	} {
		t.Run(overflow.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(2), actors.WithDispatch(byKey()),
					actors.WithQueue(4, overflow), retries())
				retried, err := pool.Submit(t.Context(), -1, to(0))
				require.NoError(t, err)
				synctest.Wait()
				require.EqualValues(t, 1, pool.Stats().Delayed)
				for n := range 5 { // worker 0 is full, with or without the retry's place
					_ = pool.Tell(t.Context(), n, to(0), actors.NoWait())
					synctest.Wait()
				}
				before := pool.Stats()
				time.Sleep(2 * time.Second)
				stats := pool.Stats()
				assert.Zero(t, stats.Delayed, "it is due")
				assert.Equal(t, before.Queued, stats.Queued)
				assert.Equal(t, before.Dropped, stats.Dropped)
				close(g.Open)
				_, err = retried.Wait(t.Context())
				require.NoError(t, err)
				require.NoError(t, pool.Wait(t.Context()))
			})
		})
	}
}

func TestDropOldestSparesRetries(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), byKey()} {
		for _, due := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/due=%t", dispatch, due), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					g := pooltest.NewGate()
					pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(1), actors.WithDispatch(dispatch),
						actors.WithQueue(2, router.DropOldest), retries())
					retried, err := pool.Submit(t.Context(), -1, to(0))
					require.NoError(t, err)
					synctest.Wait()
					require.NoError(t, pool.Tell(t.Context(), 0, to(0)))
					synctest.Wait()
					if due {
						time.Sleep(2 * time.Second)
					}
					var futures []*actors.Future[int]
					for n := range 5 {
						f, err := pool.Submit(t.Context(), n, to(0))
						require.NoError(t, err)
						futures = append(futures, f)
						synctest.Wait()
					}
					_, settled := retried.Outcome()
					assert.False(t, settled, "the retry was accepted before all of them")
					for n, f := range futures { // one place is left beside the retry
						outcome, settled := f.Outcome()
						assert.Equal(t, n < 4, settled && outcome == messages.Dropped, "task %d", n)
					}
					close(g.Open)
					_, err = retried.Wait(t.Context())
					require.NoError(t, err)
					require.NoError(t, pool.Wait(t.Context()))
				})
			})
		}
	}
}

// Where only retries are queued, there is no victim but the newcomer.
func TestDropOldestDropsTheNewcomerBehindRetries(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), byKey()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(1), actors.WithDispatch(dispatch),
					actors.WithQueue(1, router.DropOldest), retries())
				retried, err := pool.Submit(t.Context(), -1, to(0))
				require.NoError(t, err)
				synctest.Wait()
				require.NoError(t, pool.Tell(t.Context(), 0, to(0)))
				synctest.Wait()
				newcomer, err := pool.Submit(t.Context(), 1, to(0))
				require.NoError(t, err)
				synctest.Wait()
				outcome, _ := newcomer.Outcome()
				assert.Equal(t, messages.Dropped, outcome)
				close(g.Open)
				_, err = retried.Wait(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

func TestWaitingRetriesCountAgainstTheCapacity(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), byKey()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(2), actors.WithDispatch(dispatch),
					actors.WithQueue(4, router.Reject),
					actors.WithRetry(router.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour, On: router.AnyError}))
				for n := range 4 {
					require.NoError(t, pool.Tell(t.Context(), -1, to(n%2)))
					synctest.Wait()
				}
				require.EqualValues(t, 4, pool.Stats().Delayed)
				for n := range 2 {
					require.NoError(t, pool.Tell(t.Context(), n, to(n)), "both workers are idle")
					synctest.Wait()
				}
				for n := range 2 {
					require.ErrorIs(t, pool.Tell(t.Context(), n, to(n)), messages.ErrQueueFull)
				}
				close(g.Open)
				time.Sleep(2 * time.Hour)
				assert.Equal(t, ledger{Submitted: 6, Succeeded: 6, Rejected: 2}, ledgerOf(pool.Stats()))
			})
		})
	}
}
