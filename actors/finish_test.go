package actors_test

import (
	"context"
	"errors"
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

// stopped is what Finish or Shutdown has returned.
type stopped struct {
	report messages.DrainReport
	err    error
}

// stopping calls Finish or Shutdown on a goroutine of its own.
func stopping(stop func(context.Context) (messages.DrainReport, error)) <-chan stopped {
	over := make(chan stopped, 1)
	go func() {
		report, err := stop(context.Background())
		over <- stopped{report, err}
	}()
	synctest.Wait()
	return over
}

func TestFinishDropsTheQueueAndLetsRunningTasksFinish(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				g := pooltest.NewGate()
				pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithQueue(2, actors.Block))
				heard := make([]chan error, 4)
				for n := range heard { // one runs, two are queued, one waits for room
					heard[n] = make(chan error, 1)
					go func() {
						_, err := pool.Ask(context.Background(), n)
						heard[n] <- err
					}()
					synctest.Wait()
				}
				over := stopping(pool.Finish)
				for _, n := range []int{1, 2} {
					err := <-heard[n]
					require.ErrorIs(t, err, messages.ErrDropped)
					require.ErrorIs(t, err, messages.ErrPoolStopped)
				}
				require.ErrorIs(t, <-heard[3], messages.ErrPoolStopped)
				require.ErrorIs(t, pool.Tell(t.Context(), 4), messages.ErrPoolStopped)
				assert.Empty(t, over, "a task runs")
				close(g.Open)
				assert.Equal(t, stopped{report: messages.DrainReport{Finished: 1, Dropped: 2}}, <-over)
				require.NoError(t, <-heard[0])
				<-pool.Done()
			})
		})
	}
}

// Short tasks are claimed in batches, which are taken back.
func TestFinishDropsWhatWorkersHaveClaimedAndNotStarted(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				g := pooltest.NewGate()
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					if n < 0 {
						return g.Handle(ctx, n)
					}
					return n, nil
				}, actors.WithSize(2), actors.WithDispatch(dispatch))
				for range 2 { // so that the workers know that tasks are short
					for range 100 {
						require.NoError(t, pool.Tell(t.Context(), 0))
					}
					synctest.Wait()
				}
				pool.Pause()
				for n := range 40 {
					in := 0
					if n%4 == 0 {
						in = -1
					}
					require.NoError(t, pool.Tell(t.Context(), in))
				}
				pool.Resume()
				synctest.Wait()
				before := pool.Stats()
				over := stopping(pool.Finish)
				assert.Zero(t, pool.Stats().Queued)
				close(g.Open)
				end := <-over
				require.NoError(t, end.err)
				assert.Equal(t, before.Queued, end.report.Dropped)
				assert.Equal(t, before.Running, end.report.Finished)
			})
		})
	}
}

func TestFinishRetriesNothing(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, pooltest.ErrTask // at once: it waits for its second attempt
			}
			_, _ = g.Handle(ctx, n)
			if n == 1 {
				panic(pooltest.ErrTask)
			}
			return 0, pooltest.ErrTask
		}, actors.WithSize(3), actors.WithRetry(actors.Retry{Attempts: 9, Min: time.Minute, Max: time.Minute, Panics: true}))
		var futures []*actors.Future[int]
		for n := range 3 {
			f, err := pool.Submit(t.Context(), n)
			require.NoError(t, err)
			futures = append(futures, f)
		}
		synctest.Wait()
		began, over := time.Now(), stopping(pool.Finish)
		close(g.Open)
		assert.Equal(t, stopped{report: messages.DrainReport{Finished: 2, Dropped: 1}}, <-over)
		assert.Zero(t, time.Since(began))
		for i, want := range []messages.Outcome{messages.Dropped, messages.Panicked, messages.Failed} {
			outcome, ok := futures[i].Outcome()
			assert.True(t, ok)
			assert.Equal(t, want, outcome)
			_, err := futures[i].Wait(t.Context())
			assert.Equal(t, want, pooltest.OutcomeOf(err))
		}
		assert.EqualValues(t, 1, pool.Stats().Retries)
	})
}

// The pool asks the policy on the worker, so Finish may come before the answer.
func TestFinishMayComeWhileAPolicyDecidesOnARetry(t *testing.T) {
	for name, inCaller := range map[string]bool{"on a worker": false, "in the caller": true} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				g, asked, answer := pooltest.NewGate(), make(chan struct{}), make(chan struct{})
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					if n < 0 {
						return g.Handle(ctx, n)
					}
					return 0, pooltest.ErrTask
				}, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns), actors.WithRetry(actors.Retry{
					Attempts: 2, Min: time.Minute, Max: time.Minute,
					On: func(error) bool { close(asked); <-answer; return true },
				}))
				if inCaller {
					require.NoError(t, pool.Tell(t.Context(), -1))
					synctest.Wait()
				}
				failed := make(chan error, 1)
				go func() {
					_, err := pool.Ask(context.Background(), 1)
					failed <- err
				}()
				<-asked
				over := stopping(pool.Finish)
				began := time.Now()
				close(answer)
				require.ErrorIs(t, <-failed, pooltest.ErrTask)
				close(g.Open)
				require.NoError(t, (<-over).err)
				assert.Zero(t, time.Since(began))
				assert.EqualValues(t, 1, pool.Stats().Failed)
			})
		})
	}
}

func TestFinishTurnsAShutdownIntoAFinish(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), time.Minute))
		}
		synctest.Wait()
		began := time.Now()
		shutdown := stopping(pool.Shutdown)
		finish := stopping(pool.Finish)
		later := stopping(pool.Shutdown)
		want := stopped{report: messages.DrainReport{Finished: 1, Dropped: 2}}
		for _, over := range []<-chan stopped{shutdown, finish, later} {
			assert.Equal(t, want, <-over)
		}
		assert.Equal(t, time.Minute, time.Since(began))
		again, err := pool.Finish(t.Context())
		assert.Equal(t, want, stopped{again, err})
		assert.Equal(t, want.report, pool.Close())
	})
}

func TestFinishDoesNotWaitForAPause(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), actors.WithDispatch(dispatch))
				pool.Pause()
				for range 5 {
					require.NoError(t, pool.Tell(t.Context(), time.Minute))
				}
				began := time.Now()
				report, err := pool.Finish(t.Context())
				require.NoError(t, err)
				assert.Equal(t, messages.DrainReport{Dropped: 5}, report)
				assert.Zero(t, time.Since(began))
				assert.False(t, pool.Stats().Paused)
			})
		})
	}
}

func TestFinishIsCutShortByItsContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2))
		for _, d := range []time.Duration{time.Second, time.Hour, time.Hour} {
			require.NoError(t, pool.Tell(t.Context(), d))
		}
		synctest.Wait()
		enough := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, enough)
		defer cancel()
		began := time.Now()
		report, err := pool.Finish(ctx)
		require.ErrorIs(t, err, enough)
		assert.Equal(t, messages.DrainReport{Finished: 1, Canceled: 1, Dropped: 1}, report)
		assert.Equal(t, time.Minute, time.Since(began))
		_, err = pool.Finish(nil) //nolint:staticcheck // what is tested
		assert.ErrorIs(t, err, messages.ErrInvalidOption)
	})
}

func TestAHandlerCannotWaitForTheFinishOfItsPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			_, err := pool.Finish(ctx)
			return 0, err
		}, actors.WithSize(1))
		_, err := pool.Ask(t.Context(), 1)
		require.ErrorIs(t, err, messages.ErrDeadlock)
		_, err = pool.Ask(t.Context(), 1)
		require.ErrorIs(t, err, messages.ErrDeadlock, "the pool goes on")
	})
}

// A handler that waits for a task of its own pool is told that the task was dropped.
func TestFinishEndsTheWaitOfAHandlerForADroppedTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return pool.Ask(ctx, 2)
			}
			return g.Handle(ctx, n)
		}, actors.WithSize(2))
		require.NoError(t, pool.Tell(t.Context(), 1))
		outer, err := pool.Submit(t.Context(), 0)
		require.NoError(t, err)
		synctest.Wait()
		over := stopping(pool.Finish)
		_, err = outer.Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrDropped)
		close(g.Open)
		assert.Equal(t, stopped{report: messages.DrainReport{Finished: 2, Dropped: 1}}, <-over)
	})
}

// A worker that fails while its pool finishes is replaced or not; the pool stops.
func TestAPoolFinishesInSpiteOfFailingWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			_, _ = g.Handle(ctx, n)
			panic(pooltest.ErrTask)
		}, actors.WithSize(3), actors.WithDispatch(router.RoundRobin()), actors.WithSupervision(supervisor.OneForOne(
			supervisor.Decider(func(error) actor.Directive { return actor.StopDirective }))))
		for n := range 9 {
			require.NoError(t, pool.Tell(t.Context(), n))
		}
		synctest.Wait()
		over := stopping(pool.Finish)
		close(g.Open)
		assert.Equal(t, stopped{report: messages.DrainReport{Finished: 3, Dropped: 6}}, <-over)
		<-pool.Done()
	})
}

func TestFinishAndDrainMessagesAreAllAnswered(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), time.Minute))
		}
		synctest.Wait()
		requests := []any{&messages.Drain{}, messages.Finish{}, &messages.Finish{}, messages.Drain{}}
		for _, request := range requests {
			in.Request(pool.PID(), request)
		}
		assert.True(t, in.Empty(), "a task runs")
		began := time.Now()
		for range requests {
			assert.Equal(t, &messages.DrainReport{Finished: 1, Dropped: 2}, <-in.Mail)
		}
		assert.Equal(t, time.Minute, time.Since(began))
		<-pool.Done()
	})
}

// An actor has no context to end, so Finish waits for Receive.
func TestFinishWaitsForUserActors(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		var received atomic.Int32
		pid := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if d, ok := ctx.Message().(time.Duration); ok {
					received.Add(1)
					time.Sleep(d)
					ctx.Respond(d)
				}
			})
		}, actors.WithSize(1)))
		in.Request(pid, time.Minute)
		in.Request(pid, time.Hour)
		synctest.Wait()
		in.Request(pid, &messages.Finish{})
		dropped := (<-in.Mail).(*messages.Result)
		assert.Equal(t, messages.Dropped, dropped.Outcome)
		assert.Equal(t, time.Minute, <-in.Mail)
		assert.Equal(t, &messages.DrainReport{Finished: 1, Dropped: 1}, <-in.Mail)
		assert.EqualValues(t, 1, received.Load())
	})
}
