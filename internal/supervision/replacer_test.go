package supervision_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// stopsAfter produces actors that stop themselves after n tasks.
func stopsAfter(n int, stop func(actor.Context), handled *atomic.Int64) actor.Producer {
	return func() actor.Actor {
		left := n
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(int); !ok {
				return
			}
			handled.Add(1)
			if left--; left == 0 {
				stop(ctx)
			}
		})
	}
}

// A worker that stops itself is replaced, its queue goes on, nothing is dropped,
// and the parent is not asked.
func TestWorkersThatStopThemselvesAreReplaced(t *testing.T) {
	const tasks = 1000
	stops := map[string]func(actor.Context){
		"Stop":   func(ctx actor.Context) { ctx.Stop(ctx.Self()) },
		"Poison": func(ctx actor.Context) { ctx.Poison(ctx.Self()) },
	}
	dispatches := []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.Random(), router.ConsistentHash()}
	for _, tt := range []struct{ workers, life int }{{4, 10}, {4, 1}, {1, 10}} {
		for name, stop := range stops {
			for _, dispatch := range dispatches {
				t.Run(fmt.Sprintf("%s/%v/%d workers, each for %d tasks", name, dispatch, tt.workers, tt.life), func(t *testing.T) {
					pooltest.Bubble(t, func(t *testing.T) {
						pool := pooltest.NewActors(t)
						var handled, asked atomic.Int64
						props := actors.PropsFromProducer(stopsAfter(tt.life, stop, &handled),
							actors.WithSize(tt.workers), actors.WithDispatch(dispatch), actors.WithQueue(tasks, actors.Reject))
						root := pool.System.Root
						_, pool.PID = pooltest.SpawnUnder(t, root, props,
							pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { asked.Add(1) }))
						root.Send(pool.PID, &messages.Pause{})
						synctest.Wait()
						for n := range tasks {
							root.Send(pool.PID, n)
						}
						require.EqualValues(t, tasks, pool.Stats().Queued)
						root.Send(pool.PID, &messages.Resume{})
						synctest.Wait()

						stats := pool.Stats()
						assert.EqualValues(t, tasks, handled.Load())
						assert.EqualValues(t, tasks, stats.Succeeded)
						assert.Zero(t, stats.Dropped)
						assert.Equal(t, [2]int{tt.workers, 0}, [2]int{stats.Size, stats.Lost})
						assert.Zero(t, asked.Load())
					})
				})
			}
		}
	}
}

// Such workers would be started forever.
func TestWorkersThatStopWithoutAnySettledTaskAreLost(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.NewActors(t)
		var started atomic.Int64
		pool.PID = pool.System.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*actor.Started); ok {
					started.Add(1)
					ctx.Stop(ctx.Self())
				}
			})
		}, actors.WithSize(2)))
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [2]int{0, 2}, [2]int{stats.Size, stats.Lost})
		assert.EqualValues(t, 12, started.Load(), "ten replacements in a row")
		require.NoError(t, pool.System.Root.StopFuture(pool.PID).Wait())
	})
}
