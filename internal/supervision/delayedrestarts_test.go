package supervision_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

func TestAPoolStopsWhileRestartsWait(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(2), actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
		pool.Do(pooltest.Fail("once"))
		began := time.Now()
		require.NoError(t, pool.System.Root.StopFuture(pool.PID).Wait())
		assert.Zero(t, time.Since(began))
		letters := pooltest.Events[*actor.DeadLetterEvent](t, pool.System)
		time.Sleep(2 * time.Hour)
		assert.Empty(t, letters, "nobody is restarted any more")
	})
}

func TestAWorkerThatWaitsForItsRestartCanBeResizedAway(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(2), actors.WithDispatch(router.RoundRobin()),
			actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
		pool.Do(pooltest.Fail("first"))
		pool.Do(pooltest.Fail("second"))
		for _, size := range []int{1, 2} {
			require.NoError(t, pool.System.Root.RequestFuture(pool.PID, &messages.Resize{Size: size}, time.Minute).Wait())
		}
		ran := false
		pool.Do(func(actor.Context) { ran = true })
		assert.True(t, ran, "the new worker is in the choice")
		time.Sleep(2 * time.Hour)
		stats := pool.Stats()
		assert.Equal(t, 2, stats.Size)
		assert.EqualValues(t, 1, stats.Restarts)
	})
}
