package supervisor_test

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
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
			bubble(t, func(t *testing.T) {
				c := newCrew(t, actors.WithSize(1), actors.WithSupervision(strategy))
				began, at := time.Now(), restarts(c.system)
				failAt := func(when time.Duration) {
					time.Sleep(when - time.Since(began))
					c.do(fail("again"))
				}
				for n := range 6 {
					failAt(time.Duration(n) * 11 * s)
				}
				failAt(65*s + time.Minute - 1)                      // a moment less than the quiet time
				failAt(65*s + time.Minute - 1 + 10*s + time.Minute) // the quiet time, so it begins anew
				time.Sleep(11 * s)
				assert.Equal(t, []time.Duration{1 * s, 13 * s, 26 * s, 41 * s, 54 * s, 65 * s, 135*s - 1, 196*s - 1}, at())
				assert.EqualValues(t, 8, c.stats().Restarts)
			})
		})
	}
}

func TestDelaysWithJitterAreWithinTheBounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(1), actors.WithSupervision(
			supervisor.Backoff{Min: time.Second, Max: time.Minute, Jitter: 0.5, ResetAfter: 24 * time.Hour}))
		at := restarts(c.system)
		var failed []time.Duration
		began := time.Now()
		differ := map[time.Duration]bool{}
		for range 40 {
			failed = append(failed, time.Since(began))
			c.do(fail("again"))
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
			bubble(t, func(t *testing.T) {
				c := newCrew(t, actors.WithSize(3), actors.WithDispatch(dispatch),
					actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
				c.do(fail("once"))
				began, done := time.Now(), 0
				results := make(chan struct{}, 100)
				for range 100 {
					c.system.Root.Send(c.pid, &messages.Task{Payload: deed(nil)}) // of no concern: a worker ignores it
					c.system.Root.Send(c.pid, deed(func(actor.Context) { results <- struct{}{} }))
				}
				for range 100 {
					<-results
					done++
				}
				assert.Zero(t, time.Since(began))
				sidelined := 0
				for _, w := range c.stats().Workers {
					if w.State == messages.WorkerSidelined {
						sidelined++
						assert.Zero(t, w.Queued)
					}
				}
				assert.Equal(t, 1, sidelined)
				time.Sleep(2 * time.Hour)
				for _, w := range c.stats().Workers {
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
			bubble(t, func(t *testing.T) {
				c := newCrew(t, actors.WithSize(1), actors.WithDispatch(dispatch),
					actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
				began, at := time.Now(), time.Duration(0)
				c.do(fail("once"))
				c.do(func(actor.Context) { at = time.Since(began) })
				assert.EqualValues(t, 1, c.stats().Queued)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				assert.Equal(t, time.Hour, at)
			})
		})
	}
}

func TestAPoolStopsWhileRestartsWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(2), actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
		c.do(fail("once"))
		began := time.Now()
		require.NoError(t, c.system.Root.StopFuture(c.pid).Wait())
		assert.Zero(t, time.Since(began))
		letters := events[*actor.DeadLetterEvent](c.system)
		time.Sleep(2 * time.Hour)
		assert.Empty(t, *letters, "nobody is restarted any more")
	})
}

func TestAWorkerThatWaitsForItsRestartCanBeResizedAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCrew(t, actors.WithSize(2), actors.WithDispatch(router.RoundRobin()),
			actors.WithSupervision(supervisor.Backoff{Min: time.Hour, Max: time.Hour}))
		c.do(fail("first"))
		c.do(fail("second"))
		for _, size := range []int{1, 2} {
			require.NoError(t, c.system.Root.RequestFuture(c.pid, &messages.Resize{Size: size}, time.Minute).Wait())
		}
		ran := false
		c.do(func(actor.Context) { ran = true })
		assert.True(t, ran, "the new worker is in the choice")
		time.Sleep(2 * time.Hour)
		stats := c.stats()
		assert.Equal(t, 2, stats.Size)
		assert.EqualValues(t, 1, stats.Restarts)
	})
}

func TestThePoolsBudgetIsSharedByItsWorkers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		strategy := supervisor.OneForOne(supervisor.PoolRestarts(3, time.Minute))
		c := newCrew(t, actors.WithName("crew"), actors.WithSize(4), actors.WithDispatch(router.RoundRobin()), actors.WithSupervision(strategy))
		other := newCrewIn(t, c.system, "other", actors.WithSize(1), actors.WithSupervision(strategy))
		degraded := events[*messages.Degraded](c.system)
		for range 3 {
			c.do(fail("again"))
		}
		assert.Empty(t, *degraded)
		c.do(fail("once too often"))
		require.Len(t, *degraded, 1)
		event := (*degraded)[0]
		assert.Equal(t, [3]any{3, 1, "the pool's restarts spent"}, [3]any{event.Size, event.Lost, event.Reason})
		stats := c.stats()
		assert.Equal(t, [2]int{3, 1}, [2]int{stats.Size, stats.Lost})
		assert.EqualValues(t, 3, stats.Restarts)
		ran := false
		c.do(func(actor.Context) { ran = true })
		assert.True(t, ran, "it goes on with what is left")

		other.do(fail("of another pool"))
		assert.Equal(t, 1, other.stats().Size, "each pool has a budget of its own")

		time.Sleep(time.Minute)
		c.do(fail("later"))
		assert.Equal(t, 3, c.stats().Size, "the budget is for a minute")
		require.NoError(t, c.system.Root.RequestFuture(c.pid, &messages.Resize{Size: 4}, time.Minute).Wait())
		stats = c.stats()
		assert.Equal(t, [2]int{4, 0}, [2]int{stats.Size, stats.Lost}, "a resize makes up for the losses")
	})
}

func TestAPoolsSpentBudgetIsEscalatedIfAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		system := quiet()
		reasons := make(chan any, 1)
		var c crew
		spawned := make(chan *actor.PID, 1)
		props := c.props(actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(
			supervisor.PoolRestartsElseEscalate(1, time.Minute))))
		parent := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				spawned <- ctx.Spawn(props)
			}
		}, actor.WithSupervisor(decided(func(s actor.Supervisor, pool *actor.PID, reason any) {
			reasons <- reason
			s.StopChildren(pool)
		}))))
		pool := <-spawned
		system.Root.Send(pool, fail("first"))
		synctest.Wait()
		assert.Empty(t, reasons)
		system.Root.Send(pool, fail("second"))
		assert.Equal(t, "second", <-reasons)
		require.NoError(t, system.Root.StopFuture(parent).Wait())
	})
}

// decided is a strategy made of a function.
type decided func(s actor.Supervisor, child *actor.PID, reason any)

func (f decided) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	f(s, child, reason)
}

// frail is an actor whose constructor panics while it is to.
func frail(panics *atomic.Bool) actor.Producer {
	return func() actor.Actor {
		if panics.Load() {
			panic("no worker today")
		}
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if d, ok := ctx.Message().(deed); ok {
				d(ctx)
			}
		})
	}
}

// A constructor that panics costs its worker time, and not the pool its life.
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
			bubble(t, func(t *testing.T) {
				system, panics := quiet(), new(atomic.Bool)
				pool := system.Root.Spawn(actors.PropsFromProducer(frail(panics), actors.WithSize(1), actors.WithSupervision(tt.strategy)))
				var ran atomic.Bool
				panics.Store(true)
				system.Root.Send(pool, fail("and its successor cannot start"))
				synctest.Wait()
				system.Root.Send(pool, deed(func(actor.Context) { ran.Store(true) }))
				time.Sleep(tt.outage)
				panics.Store(false)
				time.Sleep(2 * time.Minute)
				c := crew{t: t, system: system, pid: pool}
				stats := c.stats()
				assert.Equal(t, tt.size, stats.Size)
				assert.Equal(t, 1-tt.size, stats.Lost)
				assert.Equal(t, tt.size == 1, ran.Load(), "what was queued has waited")
				require.NoError(t, system.Root.StopFuture(pool).Wait())
			})
		})
	}
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
		_, err := quiet().Root.SpawnNamed((&crew{}).props(actors.WithSupervision(b)), fmt.Sprintf("%p", &b))
		assert.ErrorIs(t, err, messages.ErrInvalidOption, "%+v", b)
	}
	assert.ErrorIs(t, supervisor.OneForOne(supervisor.PoolRestarts(-1, 0)).Validate(), messages.ErrInvalidOption)
	assert.ErrorIs(t, supervisor.OneForOne(supervisor.PoolRestarts(1, -1)).Validate(), messages.ErrInvalidOption)
}

// Outside of a pool the strategy delays restarts as well.
func TestBackoffServesAnyActor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		system := quiet()
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
