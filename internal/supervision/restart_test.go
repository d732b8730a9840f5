package supervision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestAStopEndsThePoolThatAConstructorKeepsFromStarting(t *testing.T) {
	for _, wait := range []time.Duration{time.Millisecond, time.Minute} {
		t.Run(wait.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				user, root := newHostile(t), pooltest.System().Root
				failed := make(chan error, 1)
				user.become(func() {
					if user.called() == 2 {
						user.block()
					}
				})
				spawn := func() {
					_, err := root.SpawnNamed(actors.PropsFromProducer(user.produce, actors.WithSize(3)), "workers")
					failed <- err
				}
				go spawn()
				pause(wait)
				assert.Empty(t, failed)
				pid := root.ActorSystem().NewLocalPID("workers")
				root.Stop(pid)
				assert.ErrorIs(t, <-failed, messages.ErrPoolStopped)

				user.become(nil)
				spawn()
				require.NoError(t, <-failed, "the names are free")
				require.NoError(t, root.StopFuture(pid).Wait())
				user.release()
				_, exists := root.ActorSystem().ProcessRegistry.GetLocal("workers/supervisor/2")
				assert.False(t, exists, "a worker that comes after the end")
			})
		})
	}
}

// A restart by the parent spawns all workers again, and nobody waits for them.
func TestAConstructorThatBlocksInARestartStopsNothingElse(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(3))
		pool.become(func() {
			if pool.called() == 5 {
				pool.block()
			}
		})
		pool.post(&actor.Restart{})
		assert.Equal(t, 0, pool.size(), "they join together")
		time.Sleep(time.Second)
		assert.Equal(t, 1, pool.size())
		require.NoError(t, pool.resize(2))
		assert.Equal(t, 2, pool.size())
		pool.release()
		assert.Equal(t, 2, pool.size())
		pool.become(pool.block)
		pool.post(&actor.Restart{})
		time.Sleep(time.Minute)
		assert.Equal(t, 2, pool.size())
	})
}

func TestAResizeOutlivesARestartOfThePool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		pool.once(pool.block)
		answers := make(chan error, 2)
		for _, size := range []int{3, 4} { // the first waits for its worker, the second for its turn
			go func() { answers <- pool.resize(size) }()
			synctest.Wait()
		}
		pool.post(&actor.Restart{})
		require.Len(t, answers, 2)
		assert.NoError(t, <-answers)
		assert.NoError(t, <-answers)
		assert.Equal(t, 4, pool.size())
	})
}

func TestAResizeIsAnsweredWhenThePoolStops(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		pool.once(pool.block)
		answers := make(chan error, 2)
		for _, size := range []int{3, 4} {
			go func() { answers <- pool.resize(size) }()
			synctest.Wait()
		}
		pool.end()
		assert.ErrorIs(t, <-answers, messages.ErrPoolStopped)
		assert.ErrorIs(t, <-answers, messages.ErrPoolStopped)
	})
}

func TestARequestIsCarriedOutOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(2))
		require.NoError(t, pool.resize(5))
		pool.System.Root.Send(pool.PID, &protorouter.AdjustPoolSize{Change: 1})
		assert.Equal(t, 6, pool.size())
		pool.post(&actor.Restart{})
		assert.Equal(t, 6, pool.size())
	})
}

func TestAWorkerThatComesAfterTheEndIsDiscarded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithSize(1))
		pool.once(pool.block)
		pool.Do(stopSelf)
		pool.end()
		pool.release()
		assert.Zero(t, pool.names())
	})
}

func TestAWorkerThatComesWhileThePoolStopsIsDiscarded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		user, root := newHostile(t), pooltest.System().Root
		pid := root.SpawnPrefix(actors.PropsFromProducer(func() actor.Actor {
			user.call()
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*actor.Stopping); ok {
					time.Sleep(time.Second)
				}
			})
		}, actors.WithSize(1)), "workers")
		user.become(user.block)
		root.Send(pid, &messages.Resize{Size: 2})
		synctest.Wait()
		stopped := root.StopFuture(pid)
		synctest.Wait()
		user.release()
		require.NoError(t, stopped.Wait())
		_, exists := root.ActorSystem().ProcessRegistry.GetLocal(pid.Id + "/supervisor/2")
		assert.False(t, exists)
	})
}

// A worker whose constructor blocks keeps its name.
func TestNamesGoOnAfterARestart(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		user := newHostile(t)
		pool := startHostile(t, actors.WithSize(3), actors.WithWorkerProps(actor.WithOnInit(func(actor.Context) { user.call() })))
		user.once(user.block)
		require.ErrorIs(t, pool.resize(4), context.DeadlineExceeded)
		for range 2 {
			pool.post(&actor.Restart{})
			require.NoError(t, pool.resize(5), "no name is taken")
		}
	})
}
