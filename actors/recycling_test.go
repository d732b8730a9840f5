package actors_test

import (
	"context"
	"runtime"
	"sync"
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
)

func TestAWorkerIsRecycledAfterItsTasks(t *testing.T) {
	for name, dispatch := range map[string]router.Dispatch{"late": router.LeastBusy(), "early": router.RoundRobin()} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var s workshop
				var mu sync.Mutex
				tasks := make(map[int]int)
				pool := newWorkshopPool(t, &s, actors.WithSize(2), actors.WithMaxTasks(7), actors.WithDispatch(dispatch))
				for range 1000 {
					require.NoError(t, pool.Tell(t.Context(), func(_ context.Context, c *craftsman) (int, error) {
						mu.Lock()
						defer mu.Unlock()
						tasks[c.n]++
						return 0, nil
					}))
				}
				require.NoError(t, pool.Wait(t.Context()))
				synctest.Wait()
				stats := pool.Stats()
				assert.EqualValues(t, 1000, stats.Succeeded)
				assert.Zero(t, stats.Restarts)
				assert.Equal(t, 2, stats.Size)
				made, closed := s.count()
				assert.Equal(t, made, closed+2)
				assert.EqualValues(t, closed, stats.Recycled)
				mu.Lock()
				defer mu.Unlock()
				full := 0
				for n, count := range tasks {
					assert.LessOrEqual(t, count, 7, "worker %d", n)
					if count == 7 {
						full++
					}
				}
				assert.EqualValues(t, full, stats.Recycled, "each is recycled after exactly 7 tasks")
			})
		})
	}
}

func TestOldWorkersAreRecycledOneAtATime(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := workshop{produce: func(n int) error {
			if n > 4 {
				time.Sleep(time.Minute)
			}
			return nil
		}}
		pool := newWorkshopPool(t, &s, actors.WithSize(4), actors.WithMaxAge(time.Hour))
		time.Sleep(time.Hour + time.Second)
		for range 4 { // each worker is away for a minute; the others work
			made, closed := s.count()
			assert.Equal(t, made, closed+4)
			begun := time.Now()
			_, err := pool.Ask(t.Context(), number)
			require.NoError(t, err)
			assert.Zero(t, time.Since(begun))
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		assert.EqualValues(t, 4, pool.Stats().Recycled)
		made, closed := s.count()
		assert.Equal(t, 8, made)
		assert.Equal(t, 4, closed)
	})
}

func TestAnIdleWorkerIsClosedUntilItsNextTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var s workshop
		pool := newWorkshopPool(t, &s, actors.WithSize(1), actors.WithIdleTimeout(time.Minute))
		for range 10 {
			time.Sleep(59 * time.Second)
			n, err := pool.Ask(t.Context(), number)
			require.NoError(t, err)
			assert.Equal(t, 1, n, "it was not idle for long enough")
		}
		_, err := pool.Ask(t.Context(), func(context.Context, *craftsman) (int, error) { time.Sleep(time.Hour); return 0, nil })
		require.NoError(t, err)
		time.Sleep(time.Minute + 1)
		made, closed := s.count()
		assert.Equal(t, 1, made)
		assert.Equal(t, 1, closed)
		time.Sleep(time.Hour)
		n, err := pool.Ask(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Recycled)
	})
}

func TestUserActorsAreRecycledByAReplacement(t *testing.T) {
	for name, c := range map[string]struct {
		option actors.Option
		tasks  int
	}{
		"tasks": {actors.WithMaxTasks(10), 10},
		"age":   {actors.WithMaxAge(time.Hour), 0},
		"idle":  {actors.WithIdleTimeout(time.Hour), 1},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				system := pooltest.System()
				defer system.Shutdown()
				var reasons []string
				system.EventStream.Subscribe(func(event any) {
					if stopped, ok := event.(*messages.WorkerStopped); ok {
						reasons = append(reasons, stopped.Reason)
					}
				})
				pid, err := system.Root.SpawnNamed(actors.PropsFromProducer(func() actor.Actor {
					return actor.ReceiveFunc(func(ctx actor.Context) {
						if _, ok := ctx.Message().(string); ok {
							ctx.Respond(ctx.Self().Id)
						}
					})
				}, c.option, actors.WithSize(1)), "pool")
				require.NoError(t, err)
				for range c.tasks {
					_, err := system.Root.RequestFuture(pid, "hello", time.Minute).Result()
					require.NoError(t, err)
				}
				time.Sleep(time.Hour + time.Second)
				answer, err := system.Root.RequestFuture(pid, &messages.GetStats{}, time.Minute).Result()
				require.NoError(t, err)
				stats := answer.(*messages.Stats)
				assert.EqualValues(t, 1, stats.Recycled)
				assert.Zero(t, stats.Replaced)
				assert.Equal(t, 1, stats.Size)
				assert.Equal(t, "pool/supervisor/2", stats.Workers[0].ID)
				if name == "idle" {
					time.Sleep(24 * time.Hour) // an unused actor is not recycled for being idle
				}
				require.NoError(t, system.Root.StopFuture(pid).Wait())
				assert.Equal(t, []string{"recycled", "pool stopped"}, reasons)
			})
		})
	}
}

func TestAnIdlePoolMakesOneStateForOneTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var s workshop
		pool := newWorkshopPool(t, &s, actors.WithSize(8), actors.WithIdleTimeout(time.Minute))
		time.Sleep(time.Hour)
		for range 100 { // a task now and then needs no more than one worker
			_, err := pool.Ask(t.Context(), number)
			require.NoError(t, err)
			time.Sleep(30 * time.Second)
		}
		made, closed := s.count()
		assert.Equal(t, 8+1, made)
		assert.Equal(t, 8, closed)
	})
}

func TestAWorkerThatLeftIsRecycledNoMore(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var gone atomic.Bool
		shrinkAndStop(t, &gone)
		assert.Eventually(t, func() bool { runtime.GC(); return gone.Load() }, 10*time.Minute, time.Minute, "an alarm refers to the pool")
	})
}

// shrinkAndStop stops a pool of actors from which a worker has been removed. gone is set when
// nothing refers to the pool any more.
func shrinkAndStop(t *testing.T, gone *atomic.Bool) {
	t.Helper()
	system := pooltest.System()
	shop := new(workshop) // which the pool refers to
	runtime.AddCleanup(shop, func(b *atomic.Bool) { b.Store(true) }, gone)
	pid := system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
		shop.mu.Lock()
		defer shop.mu.Unlock()
		shop.made++
		return actor.ReceiveFunc(func(actor.Context) {})
	}, actors.WithSize(2), actors.WithIdleTimeout(time.Minute)))
	synctest.Wait()
	_, err := system.Root.RequestFuture(pid, messages.Resize{Size: 1}, time.Second).Result()
	require.NoError(t, err)
	synctest.Wait()
	require.NoError(t, system.Root.StopFuture(pid).Wait())
	system.Shutdown()
}
