package actors_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

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
