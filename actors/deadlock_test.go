package actors_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A job is a task for a pool of jobs: the worker calls it.
type job func(ctx context.Context) error

type jobPool = actors.Pool[job, struct{}]

// openJobs starts a pool of jobs.
func openJobs(t *testing.T, opts ...actors.Option) *jobPool {
	return pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, do job) (struct{}, error) { return struct{}{}, do(ctx) }, opts...)
}

// byPriority dispatches a task to the worker whose number is its priority.
func byPriority() actors.Option {
	return actors.WithDispatch(router.Custom(func(task router.TaskView, _ router.Workers) int { return task.Priority }))
}

func idle(context.Context) error { return nil }

func lasting(d time.Duration) job {
	return func(ctx context.Context) error { _, err := pooltest.Sleep(ctx, d); return err }
}

// asking is a job that gives a worker a task after a while and waits for its answer.
func asking(pool **jobPool, after time.Duration, worker int, do job) job {
	return func(ctx context.Context) error {
		if err := lasting(after)(ctx); err != nil {
			return err
		}
		_, err := (*pool).Ask(ctx, do, actors.Priority(worker))
		return err
	}
}

// together is a job that does several at the same time, each in a goroutine, and returns
// when all have been done.
func together(jobs ...job) job {
	return func(ctx context.Context) error {
		errs := make([]error, len(jobs))
		var all sync.WaitGroup
		for i, do := range jobs {
			all.Go(func() { errs[i] = do(ctx) })
		}
		all.Wait()
		return errors.Join(errs...)
	}
}

// ask gives a worker a task within a day and returns its error.
func ask(t *testing.T, pool *jobPool, worker int, do job) func() error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	f, err := pool.Submit(ctx, do, actors.Priority(worker), actors.Timeout(24*time.Hour))
	require.NoError(t, err)
	return func() error {
		defer cancel()
		_, err := f.Wait(ctx)
		return err
	}
}

const second = time.Second

// Worker 0 waits in two goroutines: for worker 2, which takes an hour, and for worker 1,
// which waits for worker 0.
func TestADeadlockIsFoundThroughAnyGoroutineOfAHandler(t *testing.T) {
	for name, after := range map[string][3]time.Duration{
		"closed by the other handler":    {0, second, 2 * second},
		"closed by the second goroutine": {0, 2 * second, second},
		"closed by the first goroutine":  {3 * second, 2 * second, second},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := openJobs(t, actors.WithSize(3), byPriority())
				start := time.Now()
				other := ask(t, pool, 1, asking(&pool, after[2], 0, idle))
				slow := asking(&pool, after[0], 2, lasting(time.Hour))
				err := ask(t, pool, 0, together(slow, asking(&pool, after[1], 1, idle)))()
				assert.Equal(t, time.Hour, time.Since(start).Truncate(time.Hour), "this wait was not vain")
				require.ErrorIs(t, err, messages.ErrDeadlock)
				require.NoError(t, other())
				assert.EqualValues(t, 1, pool.Stats().Canceled, "only one wait was vain")
			})
		})
	}
}

func TestHandlersThatAllWaitInSeveralGoroutinesDoNotHang(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.Random()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := openJobs(t, actors.WithSize(3), actors.WithDispatch(dispatch))
				inner := together(asking(&pool, 0, 0, idle), asking(&pool, 0, 0, lasting(second)))
				outer := together(asking(&pool, 0, 0, inner), asking(&pool, second, 0, inner), lasting(second))
				start := time.Now()
				for range 20 {
					waits := []func() error{ask(t, pool, 0, outer), ask(t, pool, 0, outer), ask(t, pool, 0, outer)}
					for _, wait := range waits {
						if err := wait(); err != nil {
							assert.ErrorIs(t, err, messages.ErrDeadlock)
						}
					}
				}
				assert.Less(t, time.Since(start), 20*time.Hour)
			})
		})
	}
}

func TestADeadlockThroughTheRunningTaskIsFound(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(3), byPriority())
		start := time.Now()
		err := ask(t, pool, 0, asking(&pool, 0, 1, asking(&pool, second, 0, idle)))()
		require.ErrorIs(t, err, messages.ErrDeadlock)
		assert.Equal(t, second, time.Since(start))
	})
}

func TestADeadlockIsFoundWhenARetryIsQueued(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var pool *jobPool
		var future *actors.Future[struct{}]
		pool = openJobs(t, actors.WithSize(2), byPriority(), actors.WithRetry(router.Retry{Attempts: 2, Min: time.Minute, Max: time.Minute}))
		future, err := pool.Submit(t.Context(), func(ctx context.Context) error {
			if actors.Attempt(ctx) == 1 {
				return errAsked
			}
			return nil
		})
		require.NoError(t, err)
		synctest.Wait()
		start := time.Now()
		err = ask(t, pool, 0, func(ctx context.Context) error {
			_, err := future.Wait(ctx)
			return messages.NoRetry(err)
		})()
		require.ErrorIs(t, err, messages.ErrDeadlock)
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

func TestAHandlerWaitsForATaskThatRunsInItsCaller(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
		err := ask(t, pool, 0, func(ctx context.Context) error {
			brief, cancel := context.WithTimeout(ctx, second)
			defer cancel()
			f, err := pool.Submit(brief, lasting(time.Hour)) // returns with brief; the task goes on
			if err != nil {
				return err
			}
			_, err = f.Wait(ctx)
			return err
		})()
		assert.NoError(t, err)
	})
}

func TestAHandlerWaitsForRoomThatAWaitingHandlerWillMake(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(3), byPriority(), actors.WithQueue(3, actors.Block))
		slow := ask(t, pool, 1, asking(&pool, 0, 2, lasting(time.Hour)))
		synctest.Wait()
		queued := ask(t, pool, 1, idle)
		require.NoError(t, ask(t, pool, 0, asking(&pool, 0, 1, idle))())
		require.NoError(t, slow())
		require.NoError(t, queued())
	})
}

// Each of two handlers waits for room in the queue of the other's worker.
func TestAHandlerThatWaitsForRoomInVainIsToldSo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(3), byPriority(), actors.WithQueue(3, actors.Block))
		waits := []func() error{
			ask(t, pool, 0, asking(&pool, second, 1, idle)),
			ask(t, pool, 1, asking(&pool, 2*second, 0, idle)),
		}
		synctest.Wait()
		queued := []func() error{ask(t, pool, 0, idle), ask(t, pool, 1, idle)}
		go func() { assert.NoError(t, pool.Tell(context.Background(), idle)) }() // is first in line at worker 0
		start := time.Now()
		require.NoError(t, waits[0]())
		require.ErrorIs(t, waits[1](), messages.ErrDeadlock)
		assert.Equal(t, 2*second, time.Since(start))
		for _, wait := range queued {
			require.NoError(t, wait())
		}
	})
}

// A goroutine that a returned handler left behind is like any other, also while its worker
// has the next task.
func TestWhatAHandlerLeftBehindIsNotToldOfADeadlock(t *testing.T) {
	for name, wait := range map[string]func(context.Context, *jobPool) error{
		"Pool.Wait": func(ctx context.Context, pool *jobPool) error { return pool.Wait(ctx) },
		"Ask": func(ctx context.Context, pool *jobPool) error {
			_, err := pool.Ask(ctx, idle)
			return err
		},
		"Future.Wait": func(ctx context.Context, pool *jobPool) error {
			f, err := pool.Submit(ctx, idle)
			if err == nil {
				_, err = f.Wait(ctx)
			}
			return err
		},
		"Shutdown": func(ctx context.Context, pool *jobPool) error {
			_, err := pool.Shutdown(ctx)
			return err
		},
	} {
		for busy, next := range map[string]bool{"idle": false, "busy": true} {
			t.Run(name+", worker "+busy, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					pool := openJobs(t, actors.WithSize(1))
					heard := make(chan error, 1)
					require.NoError(t, ask(t, pool, 0, func(ctx context.Context) error {
						require.NoError(t, ctx.Err())
						go func() {
							time.Sleep(time.Minute) // the handler returns meanwhile
							heard <- wait(context.WithoutCancel(ctx), pool)
						}()
						return nil
					})())
					if next {
						require.NoError(t, pool.Tell(context.Background(), lasting(time.Hour)))
					}
					assert.NoError(t, <-heard)
				})
			})
		}
	}
}

func TestAHandlerThatWaitsForItsOwnPoolIsToldSo(t *testing.T) {
	for name, wait := range map[string]func(context.Context, *jobPool) error{
		"Pool.Wait":           func(ctx context.Context, pool *jobPool) error { return pool.Wait(ctx) },
		"Pool.Wait, detached": func(ctx context.Context, pool *jobPool) error { return pool.Wait(context.WithoutCancel(ctx)) },
		"Ask, detached": func(ctx context.Context, pool *jobPool) error {
			_, err := pool.Ask(context.WithoutCancel(ctx), idle)
			return err
		},
		"Shutdown": func(ctx context.Context, pool *jobPool) error {
			_, err := pool.Shutdown(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := openJobs(t, actors.WithSize(1))
				start := time.Now()
				err := ask(t, pool, 0, func(ctx context.Context) error { return wait(ctx, pool) })()
				require.ErrorIs(t, err, messages.ErrDeadlock)
				assert.Zero(t, time.Since(start))
			})
		})
	}
}
