package supervision_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestAConstructorThatBlocksStopsNothingElse(t *testing.T) {
	for _, where := range []string{"constructor", "OnInit"} {
		t.Run(where, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				user := newHostile(t)
				opts := []actors.Option{actors.WithSize(2)}
				if where == "OnInit" {
					opts = append(opts, actors.WithWorkerProps(actor.WithOnInit(func(actor.Context) { user.call() })))
				}
				pool := startHostile(t, opts...)
				if where == "constructor" {
					user = pool.hostile
				}
				user.become(user.block)
				began := time.Now()
				err := pool.resize(4)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.ErrorContains(t, err, "constructor has not returned for 1s")
				assert.Equal(t, time.Second, time.Since(began))
				assert.Equal(t, 2, pool.size())

				user.become(nil)
				began = time.Now()
				require.NoError(t, pool.resize(3), "another constructor returns")
				assert.Equal(t, 3, pool.size())
				pool.Do(stopSelf)
				assert.Equal(t, 3, pool.size(), "other workers are replaced")
				require.NoError(t, pool.resize(1))
				assert.Equal(t, 1, pool.size())
				assert.Zero(t, time.Since(began))

				user.release()
				assert.Equal(t, 1, pool.size(), "the late worker is not wanted any more")
				assert.Equal(t, 1, pool.names(), "and its name is free")
			})
		})
	}
}

func TestWorkersMadeBeforeAConstructorThatBlocksJoin(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(1))
		resized := pooltest.Events[*messages.PoolResized](t, pool.System)
		pool.become(func() {
			if pool.called() == 4 {
				pool.block()
			}
		})
		require.ErrorIs(t, pool.resize(9), context.DeadlineExceeded)
		assert.Equal(t, 3, pool.size())
		require.Len(t, resized, 1)
		event := <-resized
		assert.Equal(t, [2]int{1, 3}, [2]int{event.From, event.To})
		pool.release()
		assert.Equal(t, 3, pool.size())
		assert.Equal(t, 4, pool.called(), "the order is canceled")
	})
}

func TestALateWorkerFillsAGap(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		pool.once(pool.block)
		pool.Do(stopSelf)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, pool.size())
		assert.Zero(t, pool.Stats().Replaced)
		pool.release()
		assert.Equal(t, 2, pool.size())
		assert.EqualValues(t, 1, pool.Stats().Replaced)
	})
}

func TestALateWorkerIsDiscardedIfAResizeHasFilledTheGap(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		pool.once(pool.block)
		pool.Do(stopSelf)
		require.NoError(t, pool.resize(3), "the resize waits for the replacement for a second")
		pool.release()
		assert.Equal(t, 3, pool.size())
		assert.Zero(t, pool.Stats().Replaced)
		assert.Equal(t, 3, pool.names())
	})
}

func TestAReplacementDoesNotWaitForAnother(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		pool.once(pool.block)
		pool.Do(stopSelf)
		pool.Do(stopSelf)
		assert.Equal(t, 0, pool.size(), "constructors run one after another")
		time.Sleep(time.Second)
		assert.Equal(t, 1, pool.size())
	})
}

// A pool that has no worker, but will have one, keeps its tasks.
func TestTasksWaitForAConstructorThatBlocks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(1))
		pool.once(pool.block)
		pool.Do(stopSelf)
		time.Sleep(time.Hour)
		ran := false
		pool.Do(func(actor.Context) { ran = true })
		assert.False(t, ran)
		pool.release()
		assert.True(t, ran)
	})
}

func TestConstructorsAtAStartRunOneAfterAnother(t *testing.T) {
	for _, takes := range []time.Duration{300 * time.Millisecond, 3 * time.Second} {
		pooltest.Bubble(t, func(t *testing.T) {
			var running, most atomic.Int64
			began := time.Now()
			pid := pooltest.Spawn(t, pooltest.System().Root, actors.PropsFromProducer(func() actor.Actor {
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(takes)
				running.Add(-1)
				return actor.ReceiveFunc(func(actor.Context) {})
			}, actors.WithSize(8)))
			require.NotNil(t, pid)
			assert.Equal(t, 8*takes, time.Since(began), "all have been spawned")
			assert.EqualValues(t, 1, most.Load())
		})
	}
}

func TestAConstructorThatFailsFailsTheResizeOnly(t *testing.T) {
	for fault, want := range map[string]string{"panics": "no", "exits": "Goexit", "panics nil": "nil"} {
		for _, where := range []string{"constructor", "OnInit"} {
			t.Run(fault+" in "+where, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					user := newHostile(t)
					pool := startHostile(t, actors.WithSize(2),
						actors.WithWorkerProps(actor.WithOnInit(func(actor.Context) { user.call() })))
					if where == "constructor" {
						user = pool.hostile
					}
					user.once(user.faults()[fault])
					err := pool.resize(3)
					assert.ErrorContains(t, err, "worker not started")
					assert.ErrorContains(t, err, want)
					assert.Equal(t, 2, pool.size())
					assert.Equal(t, 2, pool.names(), "the name is free")
					require.NoError(t, pool.resize(3))
				})
			})
		}
	}
}

func TestAConstructorMayCallItsPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		ran := 0
		pool.once(func() {
			assert.Equal(t, 2, pool.ask(&messages.GetStats{}).(*messages.Stats).Size)
			pool.System.Root.Send(pool.PID, pooltest.Deed(func(actor.Context) { ran++ }))
			assert.NoError(t, pool.resize(4), "the next in turn, after this one has failed")
		})
		assert.ErrorIs(t, pool.resize(3), context.DeadlineExceeded)
		assert.Equal(t, 4, pool.size())
		assert.Equal(t, 1, ran)

		pool.become(func() { _ = pool.resize(9) })
		assert.ErrorIs(t, pool.resize(8), context.DeadlineExceeded, "each waits for the next")
		pool.become(nil)
		time.Sleep(time.Hour)
		assert.NoError(t, pool.resize(7))
		assert.Equal(t, 7, pool.size())
	})
}

func TestFewConstructorsThatBlockAreRunAtATime(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		pool.become(pool.block)
		for range 100 {
			require.ErrorIs(t, pool.resize(3), context.DeadlineExceeded)
		}
		assert.Equal(t, 2+16, pool.called())
		require.NoError(t, pool.resize(1), "no constructor is needed")
		pool.become(nil)
		pool.release()
		require.NoError(t, pool.resize(3))
		assert.Equal(t, 3, pool.size())
	})
}

func TestAConstructorThatExitsAtTheStartIsAnError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		_, err := pooltest.System().Root.SpawnNamed(
			actors.PropsFromProducer(func() actor.Actor { runtime.Goexit(); return nil }), "workers")
		assert.ErrorContains(t, err, "Goexit")
	})
}
