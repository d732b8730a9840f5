package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	"github.com/troupe-go/troupe/supervisor"
)

// A workshop makes stateful workers and records what happens to them.
type workshop struct {
	produce func(n int) error // called for the n-th worker, from 1; nil: every worker can be made
	close   func() error      // nil: Close succeeds

	mu     sync.Mutex
	made   int
	closed map[int]int // how often each worker was closed
	faults []string
}

// A craftsman is a worker of a workshop. Its tasks are functions.
type craftsman struct {
	shop  *workshop
	n     int
	id    string
	tasks int
	busy  bool
	done  bool
}

type craft func(ctx context.Context, c *craftsman) (int, error)

func (s *workshop) make(ctx context.Context) (*craftsman, error) {
	s.mu.Lock()
	s.made++
	n := s.made
	s.mu.Unlock()
	if s.produce != nil {
		if err := s.produce(n); err != nil {
			return nil, err
		}
	}
	return &craftsman{shop: s, n: n, id: actors.WorkerID(ctx)}, nil
}

func (s *workshop) fault(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, text)
}

func (s *workshop) count() (made, closed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.closed {
		closed += n
	}
	return s.made, closed
}

// check checks that each worker was closed once.
func (s *workshop) check(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Empty(t, s.faults)
	for n := 1; n <= s.made; n++ {
		assert.LessOrEqual(t, s.closed[n], 1, "worker %d", n)
	}
}

func (c *craftsman) Handle(ctx context.Context, do craft) (int, error) {
	if c.busy || c.done {
		c.shop.fault(fmt.Sprintf("worker %d got a task: busy %v, closed %v", c.n, c.busy, c.done))
	}
	if id := actors.WorkerID(ctx); id != c.id {
		c.shop.fault(fmt.Sprintf("worker of %q got a task of %q", c.id, id))
	}
	c.busy = true
	defer func() { c.busy = false }()
	c.tasks++
	return do(ctx, c)
}

func (c *craftsman) Close() error {
	if c.busy {
		c.shop.fault("closed while busy")
	}
	c.done = true
	c.shop.mu.Lock()
	if c.shop.closed == nil {
		c.shop.closed = make(map[int]int)
	}
	c.shop.closed[c.n]++
	c.shop.mu.Unlock()
	if c.shop.close != nil {
		return c.shop.close()
	}
	return nil
}

// number returns the number of the worker that runs it.
func number(_ context.Context, c *craftsman) (int, error) { return c.n, nil }

func newWorkshopPool(t *testing.T, s *workshop, opts ...actors.Option) *actors.Pool[craft, int] {
	t.Helper()
	pool, err := actors.NewPoolOf(nil, s.make, append([]actors.Option{actors.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		<-pool.Done()
		s.check(t)
	})
	return pool
}

var errProduce = errors.New("no database")

func TestEachWorkerHasAStateThatIsClosedOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var s workshop
		pool := newWorkshopPool(t, &s, actors.WithSize(3))
		seen := make(map[int]bool)
		for n, err := range pool.Map(t.Context(), func(yield func(craft) bool) {
			for range 100 {
				if !yield(number) {
					return
				}
			}
		}) {
			require.NoError(t, err)
			seen[n] = true
		}
		assert.LessOrEqual(t, len(seen), 3)
		synctest.Wait() // a worker that is stopped at once makes no state
		_, err := pool.Shutdown(t.Context())
		require.NoError(t, err)
		<-pool.Done()
		made, closed := s.count()
		assert.Equal(t, 3, made)
		assert.Equal(t, 3, closed, "all are closed before Done is")
	})
}

func TestAStateIsClosedBeforeARestart(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic("task") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var s workshop
				pool := newWorkshopPool(t, &s, actors.WithSize(1))
				_, err := pool.Ask(t.Context(), func(context.Context, *craftsman) (int, error) { fail(); return 0, nil })
				require.ErrorAs(t, err, new(*messages.PanicError))
				n, err := pool.Ask(t.Context(), number)
				require.NoError(t, err)
				assert.Equal(t, 2, n)
				made, closed := s.count()
				assert.Equal(t, 2, made)
				assert.Equal(t, 1, closed)
				synctest.Wait()
				assert.EqualValues(t, 1, pool.Stats().Restarts)
				assert.Zero(t, pool.Stats().Recycled)
			})
		})
	}
}

func TestResumeKeepsTheState(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var s workshop
		resume := actor.NewOneForOneStrategy(10, time.Minute, func(any) actor.Directive { return actor.ResumeDirective })
		pool := newWorkshopPool(t, &s, actors.WithSize(1), actors.WithSupervision(resume))
		_, err := pool.Ask(t.Context(), func(context.Context, *craftsman) (int, error) { panic("task") })
		require.Error(t, err)
		n, err := pool.Ask(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestAFailedStartIsLeftToTheStrategy(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errProduce }, "panic": func() error { panic(errProduce) },
		"Goexit": func() error { runtime.Goexit(); return nil },
	} {
		for strategy, supervision := range map[string]actor.SupervisorStrategy{
			"restart": supervisor.OneForOne(),
			"resume":  actor.NewOneForOneStrategy(10, time.Minute, func(any) actor.Directive { return actor.ResumeDirective }),
			"backoff": supervisor.Backoff{Min: time.Second, Max: time.Minute},
		} {
			t.Run(name+" and "+strategy, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					s := workshop{produce: func(n int) error {
						if n <= 3 {
							return fail()
						}
						return nil
					}}
					pool := newWorkshopPool(t, &s, actors.WithSize(1), actors.WithSupervision(supervision))
					n, err := pool.Ask(t.Context(), number)
					require.NoError(t, err)
					assert.Equal(t, 4, n)
				})
			})
		}
	}
}

func TestErrNoWorkersWrapsTheErrorOfProduce(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errProduce }, "panic": func() error { panic(errProduce) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				s := workshop{produce: func(int) error { time.Sleep(time.Second); return fail() }}
				pool := newWorkshopPool(t, &s, actors.WithSize(2))
				future, err := pool.Submit(t.Context(), number)
				require.NoError(t, err, "it waits for a worker")
				_, err = future.Wait(t.Context())
				require.ErrorIs(t, err, messages.ErrNoWorkers)
				require.ErrorIs(t, err, errProduce)
				_, err = pool.Ask(t.Context(), number)
				require.ErrorIs(t, err, messages.ErrNoWorkers)
				require.ErrorIs(t, err, errProduce)
				synctest.Wait()
				stats := pool.Stats()
				assert.Equal(t, 2, stats.Lost)
				assert.True(t, stats.Balanced())
			})
		})
	}
}

func TestNewPoolOfDoesNotWaitForProduce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := workshop{produce: func(int) error { time.Sleep(time.Hour); return nil }}
		begun := time.Now()
		pool := newWorkshopPool(t, &s, actors.WithSize(1))
		assert.Zero(t, time.Since(begun))
		_, err := pool.Ask(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, time.Hour, time.Since(begun))
		assert.Less(t, pool.Stats().RunTime.Max, time.Second, "the time of produce is not that of a task")
	})
}

func TestTheContextOfProduceEndsWithTheWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var kept context.Context
		closed := false
		pool, err := actors.NewPoolOf(nil, func(ctx context.Context) (*closer, error) {
			kept = ctx
			return &closer{close: func() { closed = true; assert.NoError(t, ctx.Err(), "Close may still use it") }}, nil
		}, actors.WithSize(1))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		require.NoError(t, kept.Err())
		pool.Close()
		<-pool.Done()
		assert.True(t, closed)
		assert.Error(t, kept.Err())
	})
}

func TestAStopEndsTheContextOfAProduceThatRuns(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, err := actors.NewPoolOf(nil, func(ctx context.Context) (*closer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, actors.WithSize(2), actors.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		future, err := pool.Submit(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		pool.Close()
		<-pool.Done()
		_, err = future.Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrDropped)
	})
}

// closer is a worker that does nothing.
type closer struct{ close func() }

func (c *closer) Handle(context.Context, int) (int, error) { return 0, nil }
func (c *closer) Close() error                             { c.close(); return nil }

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

func TestAnAbandonedWorkerIsClosedWhenItsHandlerReturns(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var s workshop
		pool := newWorkshopPool(t, &s, actors.WithSize(1), actors.WithWatchdog(actors.Watchdog{Grace: time.Second}))
		_, err := pool.Ask(t.Context(), func(context.Context, *craftsman) (int, error) { time.Sleep(time.Hour); return 0, nil },
			actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		n, err := pool.Ask(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		_, closed := s.count()
		assert.Zero(t, closed)
		time.Sleep(2 * time.Hour)
		_, closed = s.count()
		assert.Equal(t, 1, closed)
	})
}

func TestCloseMayDoAnything(t *testing.T) {
	for name, does := range map[string]func() error{
		"panics": func() error { panic("close") }, "exits": func() error { runtime.Goexit(); return nil },
		"fails": func() error { return errProduce },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				s := workshop{close: does}
				pool := newWorkshopPool(t, &s, actors.WithSize(1), actors.WithMaxTasks(1))
				for range 3 {
					_, err := pool.Ask(t.Context(), number)
					require.NoError(t, err)
				}
				synctest.Wait()
				_, err := pool.Shutdown(t.Context())
				require.NoError(t, err)
				<-pool.Done()
				made, closed := s.count()
				assert.Equal(t, 4, made)
				assert.Equal(t, 4, closed)
			})
		})
	}
}

func TestPropsFromWorkersAnswerActors(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		defer system.Shutdown()
		var s workshop
		pid, err := system.Root.SpawnNamed(actors.PropsFromWorkers(s.make, actors.WithSize(1)), "pool")
		require.NoError(t, err)
		answer, err := system.Root.RequestFuture(pid, craft(number), time.Minute).Result()
		require.NoError(t, err)
		assert.Equal(t, 1, answer.(*messages.Result).Value)
		require.NoError(t, system.Root.StopFuture(pid).Wait())
		_, closed := s.count()
		assert.Equal(t, 1, closed)
	})
}

func TestOptionsThatMakeNoSenseForStateAreErrors(t *testing.T) {
	handler := func(context.Context, int) (int, error) { return 0, nil }
	for name, option := range map[string]actors.Option{
		"tasks": actors.WithMaxTasks(1), "age": actors.WithMaxAge(1), "idle": actors.WithIdleTimeout(1),
	} {
		_, err := actors.New(handler, option)
		require.ErrorIs(t, err, messages.ErrInvalidOption, name)
	}
	var s workshop
	for name, option := range map[string]actors.Option{
		"tasks": actors.WithMaxTasks(0), "age": actors.WithMaxAge(0), "idle": actors.WithIdleTimeout(-1),
		"caller runs": actors.WithQueue(1, actors.CallerRuns),
	} {
		_, err := actors.NewPoolOf(nil, s.make, option)
		require.ErrorIs(t, err, messages.ErrInvalidOption, name)
	}
	_, err := actors.NewPoolOf[*craftsman, craft, int](nil, nil)
	require.ErrorIs(t, err, messages.ErrInvalidOption)
}

func TestANilWorkerIsAFailedStart(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, err := actors.NewPoolOf(nil, func(context.Context) (actors.Worker[int, int], error) { return nil, nil },
			actors.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 1)
		require.ErrorIs(t, err, messages.ErrNoWorkers)
		require.ErrorIs(t, err, messages.ErrInvalidOption)
		pool.Close()
	})
}

func TestWorkerIDNamesTheWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, err := actors.New(func(ctx context.Context, _ int) (string, error) { return actors.WorkerID(ctx), nil }, actors.WithSize(1))
		require.NoError(t, err)
		id, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, pool.Stats().Workers[0].ID, id)
		pool.Close()
		assert.Empty(t, actors.WorkerID(t.Context()))
	})
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

func TestATaskDoesNotWaitForASlowStartAlone(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		hung := make(chan struct{})
		s := workshop{produce: func(n int) error {
			if n == 4 {
				<-hung
			}
			return nil
		}}
		pool := newWorkshopPool(t, &s, actors.WithSize(3), actors.WithIdleTimeout(time.Minute))
		time.Sleep(time.Hour)
		begun := time.Now()
		n, err := pool.Ask(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, 5, n, "another worker has taken the task")
		assert.LessOrEqual(t, time.Since(begun), time.Second)
		close(hung)
	})
}

func TestIdleWorkersAreStartedForAsManyTasksAsWait(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		s := workshop{produce: func(int) error { time.Sleep(50 * time.Millisecond); return nil }}
		pool := newWorkshopPool(t, &s, actors.WithSize(8), actors.WithIdleTimeout(time.Minute))
		time.Sleep(time.Hour)
		begun := time.Now()
		for range 4 {
			require.NoError(t, pool.Tell(t.Context(), func(context.Context, *craftsman) (int, error) {
				time.Sleep(10 * time.Second)
				return 0, nil
			}))
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.Less(t, time.Since(begun), 11*time.Second, "they ran side by side")
		made, _ := s.count()
		assert.Equal(t, 8+4, made)
	})
}

func TestTasksDoNotWaitForAWorkerThatIsSlowToStart(t *testing.T) {
	for name, dispatch := range map[string]router.Dispatch{
		"round-robin": router.RoundRobin(), "random": router.Random(), "hashed": router.ConsistentHash(), "late": router.LeastBusy(),
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				hung := make(chan struct{})
				s := workshop{produce: func(n int) error {
					if n == 2 {
						<-hung
					}
					return nil
				}}
				pool := newWorkshopPool(t, &s, actors.WithSize(3), actors.WithDispatch(dispatch))
				begun := time.Now()
				for i := range 100 {
					require.NoError(t, pool.Tell(t.Context(), number, actors.Key(fmt.Sprint(i))))
				}
				require.NoError(t, pool.Wait(t.Context()))
				assert.LessOrEqual(t, time.Since(begun), time.Second)
				close(hung)
				synctest.Wait()
				for _, w := range pool.Stats().Workers {
					assert.Equal(t, messages.WorkerIdle, w.State)
				}
			})
		})
	}
}

func TestAPoolThatIsClosedDuringAStartLeavesNoTimer(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var gone atomic.Bool
		closeDuringStart(t, &gone)
		assert.Eventually(t, func() bool { runtime.GC(); return gone.Load() }, time.Minute, time.Second, "a timer refers to the pool")
	})
}

// closeDuringStart closes a pool while its worker starts. gone is set when nothing refers to
// the pool any more.
func closeDuringStart(t *testing.T, gone *atomic.Bool) {
	t.Helper()
	shop := new(workshop) // which the pool refers to
	runtime.AddCleanup(shop, func(b *atomic.Bool) { b.Store(true) }, gone)
	pool, err := actors.NewPoolOf(nil, func(ctx context.Context) (*craftsman, error) {
		<-ctx.Done()
		time.Sleep(time.Second) // the state is made after the pool was closed
		return shop.make(ctx)
	}, actors.WithMaxAge(time.Hour), actors.WithIdleTimeout(time.Hour))
	require.NoError(t, err)
	synctest.Wait()
	pool.Close()
	<-pool.Done()
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
