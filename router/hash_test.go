package router_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// workersOf asks which worker each of n keys belongs to.
func workersOf(t *testing.T, system *actor.ActorSystem, pool *actor.PID, n int) (workers []string) {
	t.Helper()
	for i := range n {
		answer := pooltest.Result(t, system, pool, &messages.Task{Payload: i, Key: fmt.Sprint("key ", i)})
		require.NoError(t, answer.Err)
		workers = append(workers, answer.Worker)
	}
	return workers
}

// hashing makes a pool with consistent hashing that is closed with the bubble.
func hashing[In any](t *testing.T, size int, handler actors.Handler[In, In]) (*actor.ActorSystem, *actors.Pool[In, In]) {
	t.Helper()
	system := pooltest.System()
	pool, err := actors.NewPool(system.Root, handler, actors.WithSize(size), actors.WithDispatch(router.ConsistentHash()))
	require.NoError(t, err)
	t.Cleanup(func() { pool.Close(); <-pool.Done() })
	return system, pool
}

func TestSameKeySameWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system, pool := hashing(t, 5, pooltest.Echo[int])
		once := workersOf(t, system, pool.PID(), 200)
		assert.Equal(t, once, workersOf(t, system, pool.PID(), 200))

		// 200 keys are for all of the five: that one has none is one in 10^19.
		used := map[string]bool{}
		for _, worker := range once {
			used[worker] = true
		}
		assert.Len(t, used, 5)
	})
}

func TestSameKeyInOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const keys, each = 10, 100
		type step struct{ key, n int }
		var seen [keys][]int // one key is one worker's, so each slice has one writer
		_, pool := hashing(t, 4, func(_ context.Context, s step) (step, error) {
			seen[s.key] = append(seen[s.key], s.n)
			return s, nil
		})
		for n := range each {
			for key := range keys {
				require.NoError(t, pool.Tell(t.Context(), step{key, n}, actors.Key(fmt.Sprint(key))))
			}
		}
		require.NoError(t, pool.Wait(t.Context()))
		for key := range keys {
			assert.Equal(t, between(0, each), seen[key])
		}
	})
}

func TestGrowingMovesFewKeysAndOnlyToTheNewWorker(t *testing.T) {
	for _, size := range []int{1, 2, 4, 9} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const keys = 2000
				system, pool := hashing(t, size, pooltest.Echo[int])
				before := workersOf(t, system, pool.PID(), keys)
				old := map[string]bool{}
				for _, w := range pool.Stats().Workers {
					old[w.ID] = true
				}
				require.NoError(t, pool.Resize(t.Context(), size+1))
				after := workersOf(t, system, pool.PID(), keys)

				moved := 0
				for i := range keys {
					if before[i] != after[i] {
						moved++
						require.False(t, old[after[i]], "a key moved from an old worker to another")
					}
				}
				// Eight standard deviations or more of a binomial.
				assert.InDelta(t, 1/float64(size+1), float64(moved)/keys, 0.09)

				// Shrinking again is the way back.
				require.NoError(t, pool.Resize(t.Context(), size))
				assert.Equal(t, before, workersOf(t, system, pool.PID(), keys))
			})
		})
	}
}

// Queued tasks follow their keys when a worker joins, and keep their order.
func TestQueuedTasksMoveWithTheirKeys(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const keys, each = 40, 5
		type step struct{ key, n int }
		var seen [keys][]int
		_, pool := hashing(t, 2, func(_ context.Context, s step) (step, error) {
			seen[s.key] = append(seen[s.key], s.n)
			return s, nil
		})
		pool.Pause()
		for n := range each {
			for key := range keys {
				require.NoError(t, pool.Tell(t.Context(), step{key, n}, actors.Key(fmt.Sprint(key))))
			}
		}
		require.NoError(t, pool.Resize(t.Context(), 3))
		queued := 0
		for _, w := range pool.Stats().Workers {
			assert.Positive(t, w.Queued, "a third of the keys are the new worker's")
			queued += w.Queued
		}
		assert.Equal(t, keys*each, queued)

		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		for key := range keys {
			assert.Equal(t, between(0, each), seen[key])
		}
		assert.Equal(t, ledger{Submitted: keys * each, Succeeded: keys * each}, ledgerOf(pool.Stats()))
	})
}

func TestKeylessTasksTakeTurns(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		_, pool := hashing(t, 4, pooltest.Echo[int])
		pool.Pause()
		for i := range 9 {
			require.NoError(t, pool.Tell(t.Context(), i))
			// One with a key in between does not take a turn.
			require.NoError(t, pool.Tell(t.Context(), i, actors.Key("always the same")))
		}
		queued := []int{}
		keyed := 0
		for _, w := range pool.Stats().Workers {
			queued = append(queued, w.Queued)
		}
		for i, turns := range []int{3, 2, 2, 2} {
			if queued[i] > turns {
				keyed++
				turns += 9
			}
			assert.Equal(t, turns, queued[i])
		}
		assert.Equal(t, 1, keyed)
		pool.Resume()
		synctest.Wait()
	})
}

// letter is a plain message with a key of its own.
type letter struct {
	key   string
	fails bool
}

// Hash is what Proto.Actor's consistent hash router asks for.
func (l letter) Hash() string {
	if l.fails {
		panic("no hash today")
	}
	return l.key
}

func TestPlainMessagesHaveTheirOwnHash(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system, pool := hashing(t, 5, pooltest.Echo[letter])
		for i := range 100 {
			key := fmt.Sprint("key ", i)
			plain := pooltest.Result(t, system, pool.PID(), letter{key: key})
			task := pooltest.Result(t, system, pool.PID(), &messages.Task{Payload: letter{}, Key: key})
			require.NoError(t, plain.Err)
			require.Equal(t, task.Worker, plain.Worker)
		}
		answer := pooltest.Result(t, system, pool.PID(), letter{fails: true})
		assert.Equal(t, messages.Rejected, answer.Outcome)
		assert.ErrorIs(t, answer.Err, messages.ErrInvalidOption)
		assert.ErrorContains(t, answer.Err, "no hash today")
	})
}
