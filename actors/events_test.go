package actors_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

func TestEventsTellOfWorkersAndSizes(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		system := root.ActorSystem()
		started := pooltest.Events[*messages.WorkerStarted](t, system)
		restarted := pooltest.Events[*messages.WorkerRestarted](t, system)
		ended := pooltest.Events[*messages.WorkerStopped](t, system)
		resized := pooltest.Events[*messages.PoolResized](t, system)
		over := pooltest.Events[*messages.PoolStopped](t, system)

		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithName("events"), actors.WithSize(2))
		assert.Len(t, started, 2)
		assert.Equal(t, "events", (<-started).Pool)
		_, err := pool.Ask(t.Context(), -1)
		require.Error(t, err)
		r := <-restarted
		assert.Equal(t, pooltest.ErrTask, r.Reason)

		require.NoError(t, pool.Resize(t.Context(), 1))
		synctest.Wait()
		assert.Equal(t, &messages.PoolResized{Pool: "events", From: 2, To: 1, Reason: "requested"}, <-resized)
		assert.Len(t, ended, 1)
		require.NoError(t, pool.Tell(t.Context(), 1))
		_, err = pool.Shutdown(t.Context())
		require.NoError(t, err)
		<-pool.Done()
		assert.Len(t, ended, 2)
		assert.Equal(t, &messages.PoolStopped{Pool: "events", Report: messages.DrainReport{Finished: 1}}, <-over)
	})
}

func TestASubscriberThatPanicsHarmsNobody(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		sub := root.ActorSystem().EventStream.Subscribe(func(event any) {
			if _, ours := event.(*actor.DeadLetterEvent); !ours {
				panic("subscriber")
			}
		})
		defer root.ActorSystem().EventStream.Unsubscribe(sub)
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(1), actors.WithHealth(time.Second),
			actors.WithSupervision(supervisor.OneForOne(supervisor.Decider(func(err error) actor.Directive {
				if errors.Is(err, pooltest.ErrTask) {
					return actor.StopDirective
				}
				return actor.RestartDirective
			}))))
		_, err := pool.Ask(t.Context(), -1)
		require.ErrorIs(t, err, pooltest.ErrTask)
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		stats := pool.Stats()
		assert.Equal(t, [2]int64{1, 0}, [2]int64{stats.Replaced, stats.Restarts}, "what the strategy decides is done")
		require.NoError(t, pool.Resize(t.Context(), 3))
		_, err = pool.Shutdown(t.Context())
		require.NoError(t, err)
		<-pool.Done()
	})
}
