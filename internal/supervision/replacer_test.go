package supervision_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// frail produces actors, and panics while panics is set.
func frail(panics *atomic.Bool) actor.Producer {
	return func() actor.Actor {
		if panics.Load() {
			panic("no worker today")
		}
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if d, ok := ctx.Message().(pooltest.Deed); ok {
				d(ctx)
			}
		})
	}
}

// If a constructor panics, the start is retried; the pool keeps running.
func TestAConstructorThatPanicsIsTriedAgain(t *testing.T) {
	backoff := supervisor.Backoff{Min: time.Second, Max: time.Minute}
	stops := supervisor.Decider(func(error) actor.Directive { return actor.StopDirective })
	for name, tt := range map[string]struct {
		strategy actor.SupervisorStrategy
		outage   time.Duration
		size     int // in the end
	}{
		"restarted with backoff, a long outage": {backoff, 24 * time.Hour, 1},
		"replaced with backoff, a long outage":  {supervisor.OneForOne(backoff, stops), 24 * time.Hour, 1},
		"replaced without, a short outage":      {supervisor.OneForOne(stops), 10 * time.Second, 1},
		"replaced without, a long outage":       {supervisor.OneForOne(stops), 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool, panics := pooltest.NewActors(t), new(atomic.Bool)
				pool.PID = pool.System.Root.Spawn(actors.PropsFromProducer(frail(panics), actors.WithSize(1), actors.WithSupervision(tt.strategy)))
				var ran atomic.Bool
				panics.Store(true)
				pool.Do(pooltest.Fail("and its successor cannot start"))
				pool.Do(func(actor.Context) { ran.Store(true) })
				time.Sleep(tt.outage)
				panics.Store(false)
				time.Sleep(2 * time.Minute)
				stats := pool.Stats()
				assert.Equal(t, tt.size, stats.Size)
				assert.Equal(t, 1-tt.size, stats.Lost)
				assert.Equal(t, tt.size == 1, ran.Load(), "the queued task has waited")
				require.NoError(t, pool.System.Root.StopFuture(pool.PID).Wait())
			})
		})
	}
}

func TestLastWorkerGoneIsSaid(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))))
		pool.Do(pooltest.Fail("the end"))
		answer, err := pool.System.Root.RequestFuture(pool.PID, pooltest.Deed(func(actor.Context) {}), time.Minute).Result()
		require.NoError(t, err)
		require.IsType(t, &messages.Result{}, answer)
		assert.ErrorIs(t, answer.(*messages.Result).Err, messages.ErrNoWorkers)

		// A resize brings the pool back, with a new budget.
		_, err = pool.System.Root.RequestFuture(pool.PID, &messages.Resize{Size: 2}, time.Minute).Result()
		require.NoError(t, err)
		done := false
		pool.Do(func(actor.Context) { done = true })
		assert.True(t, done)
	})
}
