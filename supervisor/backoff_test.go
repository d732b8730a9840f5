package supervisor_test

import (
	"fmt"
	"math"
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

// restarts returns when workers were restarted, since now.
func restarts(system *actor.ActorSystem) func() []time.Duration {
	began := time.Now()
	var at []time.Duration
	system.EventStream.Subscribe(func(event any) {
		if _, ok := event.(*messages.WorkerRestarted); ok {
			at = append(at, time.Since(began))
		}
	})
	return func() []time.Duration { synctest.Wait(); return at }
}

func TestRestartsAreDelayedExponentially(t *testing.T) {
	const s = time.Second
	backoff := supervisor.Backoff{Min: s, Max: 10 * s, ResetAfter: time.Minute}
	for name, strategy := range map[string]actor.SupervisorStrategy{
		"strategy": backoff,
		"option":   supervisor.OneForOne(backoff),
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(strategy))
				began, at := time.Now(), restarts(pool.System)
				failAt := func(when time.Duration) {
					time.Sleep(when - time.Since(began))
					pool.Do(pooltest.Fail("again"))
				}
				for n := range 6 {
					failAt(time.Duration(n) * 11 * s)
				}
				failAt(65*s + time.Minute - 1)                      // a moment less than the quiet time
				failAt(65*s + time.Minute - 1 + 10*s + time.Minute) // the quiet time, so the delays start over
				time.Sleep(11 * s)
				assert.Equal(t, []time.Duration{1 * s, 13 * s, 26 * s, 41 * s, 54 * s, 65 * s, 135*s - 1, 196*s - 1}, at())
				assert.EqualValues(t, 8, pool.Stats().Restarts)
			})
		})
	}
}

func TestDelaysWithJitterAreWithinTheBounds(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithSupervision(
			supervisor.Backoff{Min: time.Second, Max: time.Minute, Jitter: 0.5, ResetAfter: 24 * time.Hour}))
		at := restarts(pool.System)
		var failed []time.Duration
		began := time.Now()
		differ := map[time.Duration]bool{}
		for range 40 {
			failed = append(failed, time.Since(began))
			pool.Do(pooltest.Fail("again"))
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		require.Len(t, at(), 40)
		for i := range failed {
			delay := at()[i] - failed[i]
			assert.GreaterOrEqual(t, delay, time.Second)
			assert.LessOrEqual(t, delay, time.Minute)
			differ[delay] = true
		}
		assert.Greater(t, len(differ), 30)
	})
}

// While a worker waits for its restart, the others take its queue over, and are
// given what would be its share.
func TestThePoolServesWithTheOtherWorkersMeanwhile(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.Random(), router.ConsistentHash()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.StartActors(t, actors.WithSize(3), actors.WithDispatch(dispatch),
					actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
				pool.Do(pooltest.Fail("once"))
				began, done := time.Now(), 0
				results := make(chan struct{}, 100)
				for range 100 {
					pool.System.Root.Send(pool.PID, &messages.Task{Payload: pooltest.Deed(nil)}) // of no concern: a worker ignores it
					pool.System.Root.Send(pool.PID, pooltest.Deed(func(actor.Context) { results <- struct{}{} }))
				}
				for range 100 {
					<-results
					done++
				}
				assert.Zero(t, time.Since(began))
				sidelined := 0
				for _, w := range pool.Stats().Workers {
					if w.State == messages.WorkerSidelined {
						sidelined++
						assert.Zero(t, w.Queued)
					}
				}
				assert.Equal(t, 1, sidelined)
				time.Sleep(2 * time.Hour)
				for _, w := range pool.Stats().Workers {
					assert.Equal(t, messages.WorkerIdle, w.State)
				}
			})
		})
	}
}

// With nobody else there, the tasks wait for the restart.
func TestALoneWorkersQueueWaitsForItsRestart(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.StartActors(t, actors.WithSize(1), actors.WithDispatch(dispatch),
					actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
				began, at := time.Now(), time.Duration(0)
				pool.Do(pooltest.Fail("once"))
				pool.Do(func(actor.Context) { at = time.Since(began) })
				assert.EqualValues(t, 1, pool.Stats().Queued)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				assert.Equal(t, time.Hour, at)
			})
		})
	}
}

func TestThePoolsBudgetIsSharedByItsWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		strategy := supervisor.OneForOne(supervisor.PoolRestarts(3, time.Minute))
		pool := pooltest.StartActors(t, actors.WithName("workers"), actors.WithSize(4), actors.WithDispatch(router.RoundRobin()), actors.WithSupervision(strategy))
		other := pooltest.StartActorsIn(t, pool.System, "other", actors.WithSize(1), actors.WithSupervision(strategy))
		degraded := pooltest.Events[*messages.Degraded](t, pool.System)
		for range 3 {
			pool.Do(pooltest.Fail("again"))
		}
		assert.Empty(t, degraded)
		pool.Do(pooltest.Fail("once too often"))
		require.Len(t, degraded, 1)
		event := <-degraded
		assert.Equal(t, [3]any{3, 1, "the pool's restarts spent"}, [3]any{event.Size, event.Lost, event.Reason})
		stats := pool.Stats()
		assert.Equal(t, [2]int{3, 1}, [2]int{stats.Size, stats.Lost})
		assert.EqualValues(t, 3, stats.Restarts)
		ran := false
		pool.Do(func(actor.Context) { ran = true })
		assert.True(t, ran, "it goes on with what is left")

		other.Do(pooltest.Fail("of another pool"))
		assert.Equal(t, 1, other.Stats().Size, "each pool has a budget of its own")

		time.Sleep(time.Minute)
		pool.Do(pooltest.Fail("later"))
		assert.Equal(t, 3, pool.Stats().Size, "the budget is for a minute")
		require.NoError(t, pool.System.Root.RequestFuture(pool.PID, &messages.Resize{Size: 4}, time.Minute).Wait())
		stats = pool.Stats()
		assert.Equal(t, [2]int{4, 0}, [2]int{stats.Size, stats.Lost}, "a resize makes up for the losses")
	})
}

func TestAPoolsSpentBudgetIsEscalatedIfAskedFor(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.NewActors(t)
		reasons := make(chan any, 1)
		props := pool.Props(actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(
			supervisor.PoolRestartsElseEscalate(1, time.Minute))))
		_, pool.PID = pooltest.SpawnUnder(t, pool.System.Root, props,
			pooltest.Strategy(func(s actor.Supervisor, pool *actor.PID, reason any) {
				reasons <- reason
				s.StopChildren(pool)
			}))
		pool.Do(pooltest.Fail("first"))
		assert.Empty(t, reasons)
		pool.Do(pooltest.Fail("second"))
		assert.Equal(t, "second", <-reasons)
	})
}

func TestBadBackoffIsAnError(t *testing.T) {
	for _, b := range []supervisor.Backoff{
		{},
		{Min: -1, Max: 1},
		{Min: 2, Max: 1},
		{Min: 1, Max: 1, Jitter: 1.5},
		{Min: 1, Max: 1, Jitter: math.NaN()},
		{Min: 1, Max: 1, ResetAfter: -1},
	} {
		assert.ErrorIs(t, b.Validate(), messages.ErrInvalidOption, "%+v", b)
		assert.ErrorIs(t, supervisor.AllForOne(b).Validate(), messages.ErrInvalidOption, "%+v", b)
		_, err := pooltest.System().Root.SpawnNamed(pooltest.NewActors(t).Props(actors.WithSupervision(b)), fmt.Sprintf("%p", &b))
		assert.ErrorIs(t, err, messages.ErrInvalidOption, "%+v", b)
	}
	assert.ErrorIs(t, supervisor.OneForOne(supervisor.PoolRestarts(-1, 0)).Validate(), messages.ErrInvalidOption)
	assert.ErrorIs(t, supervisor.OneForOne(supervisor.PoolRestarts(1, -1)).Validate(), messages.ErrInvalidOption)
}

// Outside of a pool the strategy delays restarts as well.
func TestBackoffServesAnyActor(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		began := time.Now()
		started := make(chan time.Duration, 10)
		parent := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *actor.Started:
				ctx.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					switch ctx.Message().(type) {
					case *actor.Started:
						started <- time.Since(began)
					case string:
						panic("again")
					}
				}))
			case string:
				ctx.Send(ctx.Children()[0], "fail")
			}
		}, actor.WithSupervisor(supervisor.Backoff{Min: time.Second, Max: time.Hour, ResetAfter: time.Hour})))
		for range 3 {
			system.Root.Send(parent, "fail")
			time.Sleep(10 * time.Second)
		}
		for _, want := range []time.Duration{0, time.Second, 12 * time.Second, 24 * time.Second} {
			assert.Equal(t, want, <-started)
		}
		require.NoError(t, system.Root.StopFuture(parent).Wait())
	})
}
