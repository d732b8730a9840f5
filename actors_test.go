// Package troupe_test is the specification of Troupe, in one page. Each test is one
// contract of a pool and is named after it. The details are in the tests beside the
// code.
package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	_ "github.com/troupe-go/troupe/dashboard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
	_ "github.com/troupe-go/troupe/telemetry"
)

// TestMain checks that no import has started a goroutine, and that no test leaves one.
func TestMain(m *testing.M) {
	if err := goleak.Find(); err != nil {
		panic("an import starts goroutines: " + err.Error())
	}
	goleak.VerifyTestMain(m)
}

// A job is the payload of a task. The handler of every pool below runs it.
type job func(ctx context.Context) (string, error)

func run(ctx context.Context, j job) (string, error) { return j(ctx) }

var errJob = errors.New("the job's own error")

func done(context.Context) (string, error)  { return "done", nil }
func fails(context.Context) (string, error) { return "", errJob }
func crash(context.Context) (string, error) { panic("crash") }
func exits(context.Context) (string, error) { runtime.Goexit(); return "", nil }

// takes is a job that takes some time unless its context ends first.
func takes(d time.Duration) job {
	return func(ctx context.Context) (string, error) {
		_, err := pooltest.Sleep(ctx, d)
		return "done", err
	}
}

// stuck is a job that ignores the end of its context.
func stuck(d time.Duration) job {
	return func(context.Context) (string, error) {
		time.Sleep(d)
		return "late", nil
	}
}

// spec runs a contract in virtual time, in which a second passes as soon as every
// goroutine waits for it. The ledger of the pool must balance at the end.
func spec(t *testing.T, test func(t *testing.T, pool *actors.Pool[job, string]), opts ...actors.Option) {
	t.Helper()
	pooltest.Bubble(t, func(t *testing.T) { test(t, pooltest.Open(t, pooltest.System().Root, run, opts...)) })
}

// submit submits jobs, which must be accepted.
func submit(t *testing.T, pool *actors.Pool[job, string], jobs []job) (futures []*actors.Future[string]) {
	t.Helper()
	for _, j := range jobs {
		future, err := pool.Submit(t.Context(), j)
		require.NoError(t, err)
		futures = append(futures, future)
	}
	return futures
}

func TestAskSubmitTellAndMapSubmitTasks(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		out, err := pool.Ask(t.Context(), done) // waits
		require.NoError(t, err)
		assert.Equal(t, "done", out)
		future := submit(t, pool, []job{done})[0] // waits later
		out, err = future.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "done", out)
		require.NoError(t, pool.Tell(t.Context(), done)) // does not wait
		var answers []string
		for out, err := range pool.Map(t.Context(), slices.Values([]job{takes(time.Second), fails, done})) {
			answers = append(answers, fmt.Sprint(out, " ", err)) // in the order of the jobs
		}
		assert.Equal(t, []string{"done <nil>", " the job's own error", "done <nil>"}, answers)
		assert.EqualValues(t, 6, pool.Stats().Submitted)
	})
}

func TestEveryTaskIsSettledOnceAndItsWaiterHears(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		futures := submit(t, pool, []job{done, fails, crash, exits, takes(time.Hour)})
		time.Sleep(time.Hour)
		pool.Pause()
		futures = append(futures, submit(t, pool, []job{done, done})...)
		futures[5].Cancel()
		pool.Close()
		var outcomes []messages.Outcome
		for _, future := range futures {
			_, err := future.Wait(t.Context())
			outcomes = append(outcomes, pooltest.OutcomeOf(err))
		}
		assert.Equal(t, []messages.Outcome{
			messages.Succeeded, messages.Failed, messages.Panicked, messages.Panicked, messages.TimedOut,
			messages.Canceled, messages.Dropped,
		}, outcomes)
		assert.ErrorIs(t, pool.Tell(t.Context(), done), messages.ErrPoolStopped)

		s := pool.Stats()
		assert.EqualValues(t, 7, s.Submitted)
		assert.Equal(t, s.Submitted, s.Succeeded+s.Failed+s.Panicked+s.TimedOut+s.Canceled+s.Dropped+s.Quarantined)
		assert.EqualValues(t, 1, s.Rejected, "a rejected task is not in the ledger")
	}, actors.WithTaskTimeout(time.Minute))
}

func TestAnActorGetsOneResultForEachTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		inbox := pooltest.NewInbox(t, root)
		pool := pooltest.Spawn(t, root, actors.PropsFromHandler(run, actors.WithName("jobs")))

		result := inbox.Result(t, pool, job(done)) // any message is a payload
		assert.Equal(t, [2]any{"done", messages.Succeeded}, [2]any{result.Value, result.Outcome})

		result = inbox.Result(t, pool, &messages.Task{ID: "7", Payload: takes(time.Hour), Timeout: time.Second})
		assert.Equal(t, [3]any{"7", messages.TimedOut, time.Second}, [3]any{result.TaskID, result.Outcome, result.Run})
		assert.ErrorIs(t, result.Err, messages.ErrTaskTimeout)

		result = inbox.Result(t, pool, "not a job")
		assert.Equal(t, messages.Rejected, result.Outcome)
		assert.True(t, inbox.Empty())
	})
}

func TestUserActorsAreWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		inbox := pooltest.NewInbox(t, root)
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			seen := 0 // each worker has a state of its own
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if name, ok := ctx.Message().(string); ok {
					seen++
					ctx.Respond(fmt.Sprintf("hello %s, the %d.", name, seen))
				}
			})
		}, actors.WithSize(2), actors.WithDispatch(router.RoundRobin())))
		assert.Equal(t, "hello Ann, the 1.", inbox.Ask(pool, "Ann"))
		assert.Equal(t, "hello Bob, the 1.", inbox.Ask(pool, "Bob"))
		assert.Equal(t, "hello Cid, the 2.", inbox.Ask(pool, "Cid"))
		synctest.Wait() // an actor answers before its task is settled
		assert.EqualValues(t, 3, inbox.Stats(t, pool).Succeeded)
	})
}

func TestAFreeWorkerTakesTheNextTask(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		began := time.Now()
		submit(t, pool, []job{takes(10 * time.Second), takes(time.Second), takes(time.Second), takes(time.Second)})
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, 10*time.Second, time.Since(began), "no task waits behind the long one")
	}, actors.WithSize(2))
}

func TestAHigherPriorityStartsFirst(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		var order []int
		pool.Pause()
		for i, priority := range []int{0, 5, 0, 5} {
			require.NoError(t, pool.Tell(t.Context(), func(context.Context) (string, error) {
				order = append(order, i)
				return "", nil
			}, actors.Priority(priority)))
		}
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int{1, 3, 0, 2}, order, "first in, first out within a priority")
	}, actors.WithSize(1))
}

func TestAFullQueueFollowsItsOverflowPolicy(t *testing.T) {
	timelimit.Set(t)
	for overflow, want := range map[actors.Overflow]struct {
		waits         time.Duration // the last submitter
		queued, newer error         // what the two tasks that compete for the place end with
	}{
		actors.Block:      {waits: time.Second},
		actors.CallerRuns: {waits: time.Second},
		actors.Reject:     {newer: messages.ErrQueueFull},
		actors.DropOldest: {queued: messages.ErrDropped},
		actors.DropNewest: {newer: messages.ErrDropped},
	} {
		t.Run(overflow.String(), func(t *testing.T) {
			spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
				began := time.Now()
				submit(t, pool, []job{takes(time.Second)})
				synctest.Wait()
				queued := submit(t, pool, []job{takes(time.Second)})[0]
				newer, err := pool.Submit(t.Context(), takes(time.Second))
				assert.Equal(t, want.waits, time.Since(began))
				if err == nil {
					_, err = newer.Wait(t.Context())
				}
				assert.ErrorIs(t, err, want.newer)
				_, err = queued.Wait(t.Context())
				assert.ErrorIs(t, err, want.queued)
			}, actors.WithSize(1), actors.WithQueue(1, overflow))
		})
	}
}

func TestATimeoutCoversQueueAndRun(t *testing.T) {
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		began := time.Now()
		submit(t, pool, []job{takes(2 * time.Second)})
		_, err := pool.Ask(t.Context(), takes(2*time.Second), actors.Timeout(3*time.Second))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, 3*time.Second, time.Since(began))
	}, actors.WithSize(1))
}

func TestCancelSettlesATaskAtOnce(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		began := time.Now()
		futures := submit(t, pool, []job{stuck(time.Minute), done})
		synctest.Wait()
		for _, future := range futures { // one runs and one is queued
			future.Cancel()
			_, err := future.Wait(t.Context())
			assert.ErrorIs(t, err, messages.ErrCanceled)
		}
		assert.Zero(t, time.Since(began))
	}, actors.WithSize(1))
}

func TestARetryWaitsWithoutHoldingAWorker(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		began := time.Now()
		flaky := submit(t, pool, []job{func(ctx context.Context) (string, error) {
			if actors.Attempt(ctx) < 3 {
				return "", errJob
			}
			return "done", nil
		}})[0]
		_, err := pool.Ask(t.Context(), done)
		require.NoError(t, err)
		assert.Zero(t, time.Since(began), "the worker is free")
		_, err = flaky.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, time.Since(began), "one second and then two")
		assert.EqualValues(t, 2, pool.Stats().Retries)
	}, actors.WithSize(1), actors.WithRetry(actors.Retry{Attempts: 3, Min: time.Second, Max: time.Minute, On: actors.AnyError}))
}

func TestAPanicCostsItsTaskAndNoOther(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		futures := submit(t, pool, []job{crash, done, crash, done})
		for i, future := range futures {
			_, err := future.Wait(t.Context())
			assert.Equal(t, i%2 == 1, err == nil, "task %d: %v", i, err)
		}
		stats := pool.Stats()
		assert.Equal(t, [3]int64{2, 2, 2}, [3]int64{stats.Panicked, stats.Succeeded, stats.Restarts})
		assert.Equal(t, 1, stats.Size)
	}, actors.WithSize(1), actors.WithSupervision(supervisor.OneForOne()))
}

func TestATaskThatKeepsCrashingIsQuarantined(t *testing.T) {
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		_, err := pool.Ask(t.Context(), crash, actors.ID("bad"))
		assert.ErrorIs(t, err, messages.ErrQuarantined)
		kept := pool.Quarantine()
		require.Len(t, kept, 1)
		assert.Equal(t, "bad", kept[0].Task.ID)
		assert.Len(t, kept[0].Panics, 2, "each with its stack")
	}, actors.WithRetry(actors.Retry{Attempts: 9, Min: time.Second, Max: time.Second, Panics: true}),
		actors.WithQuarantine(actors.Quarantine{Crashes: 2}))
}

func TestAHandlerThatIgnoresItsContextIsAbandoned(t *testing.T) {
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		began := time.Now()
		_, err := pool.Ask(t.Context(), stuck(time.Hour), actors.Timeout(time.Second))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(began))
		_, err = pool.Ask(t.Context(), done)
		require.NoError(t, err)
		assert.Equal(t, 6*time.Second, time.Since(began), "another worker replaces it after the grace")
		time.Sleep(time.Hour) // until the handler returns
	}, actors.WithSize(1), actors.WithWatchdog(actors.Watchdog{Grace: 5 * time.Second, Limit: 1}))
}

func TestResizeAndPauseLoseNoTask(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		submit(t, pool, slices.Repeat([]job{takes(time.Second)}, 100))
		for _, size := range []int{8, 1, 4} {
			require.NoError(t, pool.Resize(t.Context(), size))
			assert.Equal(t, size, pool.Stats().Size)
			time.Sleep(1500 * time.Millisecond)
		}
		pool.Pause()
		synctest.Wait()
		paused := pool.Stats()
		time.Sleep(time.Hour)
		assert.Equal(t, paused.Queued, pool.Stats().Queued, "a paused pool starts no task")
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 100, pool.Stats().Succeeded)
	}, actors.WithSize(2))
}

func TestAnAutoscaledPoolFollowsItsLoad(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		submit(t, pool, slices.Repeat([]job{takes(time.Minute)}, 100))
		time.Sleep(time.Minute)
		assert.Equal(t, 8, pool.Stats().Size)
		require.NoError(t, pool.Wait(t.Context()))
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 1, pool.Stats().Size)
	}, actors.WithSize(1), actors.WithAutoscale(supervisor.Autoscale{
		Min: 1, Max: 8, Every: 5 * time.Second, Rule: supervisor.Threshold{IdleAfter: time.Minute},
	}))
}

func TestShutdownFinishesWhatIsAcceptedAndCloseDoesNot(t *testing.T) {
	timelimit.Set(t)
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		submit(t, pool, []job{takes(time.Second), takes(time.Second)})
		report, err := pool.Shutdown(t.Context())
		require.NoError(t, err)
		assert.Equal(t, messages.DrainReport{Finished: 2}, report)
		assert.ErrorIs(t, pool.Tell(t.Context(), done), messages.ErrPoolStopped)
	}, actors.WithSize(1))
	spec(t, func(t *testing.T, pool *actors.Pool[job, string]) {
		began := time.Now()
		submit(t, pool, []job{takes(time.Hour), takes(time.Hour)})
		synctest.Wait()
		report := pool.Close()
		assert.Equal(t, messages.DrainReport{Canceled: 1, Dropped: 1}, report)
		<-pool.Done()
		assert.Zero(t, time.Since(began))
	}, actors.WithSize(1))
}
