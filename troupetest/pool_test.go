package troupetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	"github.com/troupe-go/troupe/troupetest"
)

func TestAPoolRecordsWhatWasSubmittedAndSettled(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		handler := func(ctx context.Context, n int) (int, error) {
			if n == 2 && actors.Attempt(ctx) < 3 {
				return 0, pooltest.ErrTask
			}
			if n == 3 {
				panic("three")
			}
			_, err := pooltest.Sleep(ctx, time.Second)
			return n, err
		}
		pool := troupetest.New(t, handler, actors.WithSize(1), actors.WithRetry(actors.Retry{Attempts: 5, Min: time.Hour, Max: 2 * time.Hour}))
		began := time.Now()
		require.NoError(t, pool.Tell(t.Context(), 1))
		_, err := pool.Submit(t.Context(), 2, actors.ID("two"), actors.Key("even"), actors.Priority(-1))
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), 3)
		require.Error(t, err)
		require.NoError(t, pool.Wait(t.Context()))

		assert.Equal(t, []int{1, 2, 3}, pool.Submitted())
		assert.Equal(t, map[messages.Outcome]int{messages.Succeeded: 2, messages.Panicked: 1}, pool.Outcomes())
		assert.Empty(t, pool.Unsettled())
		settled := pool.Settled()
		require.Len(t, settled, 3)
		assert.Equal(t, []int{1, 3, 2}, []int{settled[0].In, settled[1].In, settled[2].In})

		one := pool.Records()[0]
		assert.Equal(t, "1", one.ID)
		assert.Equal(t, messages.Succeeded, one.Outcome)
		require.NoError(t, one.Err)
		require.Len(t, one.Attempts, 1)
		assert.Equal(t, time.Second, one.Attempts[0].Run)
		assert.WithinDuration(t, began, one.Accepted, time.Millisecond)
		assert.WithinDuration(t, began.Add(time.Second), one.Settled, time.Millisecond)
		assert.NotEmpty(t, one.Worker)

		two := pool.Task("two")
		assert.Equal(t, "even", two.Key)
		assert.Equal(t, -1, two.Priority)
		require.Len(t, two.Attempts, 3, "two failures and a success")
		assert.Equal(t, messages.Failed, two.Attempts[1].Outcome)
		assert.Equal(t, pooltest.ErrTask, two.Attempts[0].Err)
		assert.Equal(t, messages.Succeeded, two.Attempts[2].Outcome)
		assert.GreaterOrEqual(t, two.Settled.Sub(two.Accepted), 3*time.Hour, "an hour, then two")

		var panicked *messages.PanicError
		require.ErrorAs(t, pool.Task("3").Err, &panicked)
		assert.Equal(t, "three", panicked.Value)
	})
}

// Every way into a pool, with every outcome that it can lead to, under every dispatch and
// overflow policy. The check at the end of the bubble compares the record with the counts.
func TestTheRecordIsCompleteWhateverHappens(t *testing.T) {
	for i, dispatch := range pooltest.Dispatches() {
		for _, overflow := range []actors.Overflow{actors.Block, actors.Reject, actors.DropOldest, actors.DropNewest, actors.CallerRuns} {
			t.Run(fmt.Sprint(i, " ", overflow), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) { submitInEveryWay(t, dispatch, overflow) })
			})
		}
	}
}

func submitInEveryWay(t *testing.T, dispatch router.Dispatch, overflow actors.Overflow) {
	handler := func(ctx context.Context, n int) (int, error) {
		switch n % 5 {
		case 0:
			return 0, pooltest.ErrTask
		case 1:
			panic(n)
		case 2:
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}
		_, err := pooltest.Sleep(ctx, time.Millisecond)
		return n, err
	}
	system := pooltest.System()
	pool := troupetest.NewPool(t, system.Root, handler, actors.WithSize(2), actors.WithDispatch(dispatch),
		actors.WithQueue(4, overflow), actors.WithTaskTimeout(50*time.Millisecond),
		actors.WithRetry(actors.Retry{Attempts: 2, Min: time.Millisecond, Max: time.Millisecond, Panics: true}),
		actors.WithQuarantine(actors.Quarantine{Crashes: 2}))
	inbox := pooltest.NewInbox(t, system.Root)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		time.Sleep(5 * time.Millisecond)
		cancel()
	}()
	for n := range 30 {
		_ = pool.Tell(t.Context(), n)
		system.Root.Send(pool.PID(), n)
		inbox.Request(pool.PID(), &messages.Task{Payload: n})
		if future, err := pool.Submit(t.Context(), n); err == nil && n%3 == 0 {
			future.Cancel()
		}
		_, _ = pool.Ask(ctx, n)
	}
	for n, err := range pool.Map(t.Context(), slices.Values([]int{3, 4, 5, 6})) {
		if err != nil || n == 4 {
			break
		}
	}
	system.Root.Send(pool.PID(), &messages.Broadcast{Message: 3})
	synctest.Wait()
	for _, task := range pool.Quarantine() {
		_, _ = pool.Requeue(task.Number)
	}
	require.NoError(t, pool.Resize(t.Context(), 1))
	pool.Pause()
	_ = pool.Tell(t.Context(), 2) // to be dropped by the stop
	assert.Len(t, pool.Records(), int(pool.Stats().Submitted))
}

func TestSubmittersFindTheirOutcomesInTheRecord(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.New(t, pooltest.Sleep, actors.WithSize(1))
		running, err := pool.Submit(t.Context(), time.Hour, actors.ID("running"))
		require.NoError(t, err)
		queued, err := pool.Submit(t.Context(), time.Hour, actors.ID("queued"), actors.Timeout(time.Minute))
		require.NoError(t, err)
		_, err = queued.Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, messages.TimedOut, pool.Task("queued").Outcome)
		assert.Empty(t, pool.Task("queued").Attempts, "no worker began it")
		assert.Zero(t, pool.Task("running").Outcome)
		require.Len(t, pool.Unsettled(), 1)

		running.Cancel()
		_, err = running.Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrCanceled)
		task := pool.Task("running")
		assert.Equal(t, time.Hour, task.In, "although the handler may still use it")
		require.Len(t, task.Attempts, 1)
		assert.Equal(t, messages.Canceled, task.Attempts[0].Outcome)
	})
}

func TestTheTestWaitsForTasksOfOthers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.New(t, pooltest.Sleep)
		go func() {
			for range 3 {
				time.Sleep(time.Hour)
				assert.NoError(t, pool.Tell(context.Background(), time.Minute))
			}
		}()
		assert.Len(t, pool.WaitSettled(t.Context(), 3), 3)
	})
}

func TestAWaitThatEndsTooEarlySaysWhatIsUnsettled(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake := newFakeT(t)
		failures := fake.run(func() {
			pool := troupetest.New(fake, pooltest.Sleep)
			assert.NoError(t, pool.Tell(t.Context(), time.Hour, actors.ID("slow")))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			pool.WaitSettled(ctx, 1)
			t.Error("it returned")
		})
		assert.Contains(t, failures, "waited for 1 of the tasks to be settled. When the wait ended (context deadline exceeded), 0 of 1 accepted tasks were.")
		assert.Contains(t, failures, "Not settled: slow")
	})
}

func TestTheTestWaitsForAllTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.New(t, pooltest.Sleep, actors.WithSize(1))
		assert.Empty(t, pool.WaitAll(t.Context()))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), time.Hour))
		}
		assert.Len(t, pool.WaitAll(t.Context()), 3)
	})
}

func TestATaskThatIsNotThereEndsTheTest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake := newFakeT(t)
		failures := fake.run(func() {
			pool := troupetest.New(fake, pooltest.Double)
			_, err := pool.Ask(t.Context(), 1, actors.ID("here"))
			assert.NoError(t, err)
			pool.Task("there")
			t.Error("it returned")
		})
		assert.Contains(t, failures, `no task with the ID "there" was accepted. Accepted: here`)
	})
}

func TestAnInvalidOptionEndsTheTest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		for _, start := range []func(*fakeT){
			func(fake *fakeT) { troupetest.New(fake, pooltest.Double, actors.WithSize(-1)) },
			func(fake *fakeT) { troupetest.New[int, int](fake, nil) },
		} {
			fake := newFakeT(t)
			failures := fake.run(func() {
				start(fake)
				t.Error("it returned")
			})
			assert.Contains(t, failures, "the pool cannot start: troupe: invalid option")
		}
	})
}

func TestAHandlerThatNeverReturnsIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		for _, opt := range []actors.Option{
			actors.WithSize(2), actors.WithWatchdog(actors.Watchdog{Grace: time.Millisecond}),
		} {
			fake, release := newFakeT(t), make(chan struct{})
			began := time.Now()
			failures := fake.run(func() {
				pool := troupetest.New(fake, func(context.Context, int) (int, error) { return stuckHandler(release) }, opt)
				assert.NoError(t, pool.Tell(t.Context(), 1, actors.ID("order-7")))
				assert.NoError(t, pool.Tell(t.Context(), 2))
				synctest.Wait()
			})
			assert.Less(t, time.Since(began), time.Minute)
			assert.Contains(t, failures, "has not stopped within 10s")
			assert.Contains(t, failures, "The handler of task order-7, which began ")
			assert.Contains(t, failures, "The handler of task 2, which began ")
			assert.Contains(t, failures, "troupetest_test.stuckHandler(", "its stack")
			assert.NotContains(t, failures, "still running", "it is reported once")
			assert.NotContains(t, failures, "record", "the tasks were canceled")
			close(release)
			synctest.Wait()
		}
	})
}

func stuckHandler(release <-chan struct{}) (int, error) {
	<-release
	return 0, nil
}

func TestAnActorThatNeverReturnsIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release, system := newFakeT(t), make(chan struct{}), pooltest.System()
		failures := fake.run(func() {
			pid := system.Root.Spawn(actors.PropsFromProducer(func() actor.Actor {
				return actor.ReceiveFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(*messages.Task); ok {
						_, _ = stuckHandler(release)
					}
				})
			}))
			troupetest.Record(fake, system, pid)
			system.Root.Send(pid, &messages.Task{ID: "order-7", Payload: 1})
			synctest.Wait()
		})
		assert.Contains(t, failures, "has had task order-7 in hand for ")
		assert.Contains(t, failures, "troupetest_test.stuckHandler(", "its stack")
		close(release)
		synctest.Wait()
	})
}

func TestAGoroutineThatAHandlerLeavesBehindIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		unlabeled := make(chan func())
		go func() { (<-unlabeled)() }()
		failures := fake.run(func() {
			pool := troupetest.New(fake, func(ctx context.Context, n int) (int, error) {
				if n == 0 {
					return pooltest.NewGate().Handle(ctx, n)
				}
				go leakedGoroutine(release)
				return n, nil
			}, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
			assert.NoError(t, pool.Tell(t.Context(), 0))
			// The task runs in its caller, which the test has not started.
			unlabeled <- func() { assert.NoError(t, pool.Tell(context.Background(), 1)) }
			pool.WaitSettled(t.Context(), 1)
		})
		assert.Contains(t, failures, "goroutines that this test has started are still running")
		assert.Contains(t, failures, "1 with the stack:\ngithub.com/troupe-go/troupe/troupetest_test.leakedGoroutine\n")
		close(release)
	})
}

func leakedGoroutine(release <-chan struct{}) { <-release }

func TestAStoppedPoolIsCheckedAsWell(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.New(t, pooltest.Sleep, actors.WithSize(1))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), time.Second))
		}
		report, err := pool.Shutdown(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 3, report.Finished)
		assert.Equal(t, map[messages.Outcome]int{messages.Succeeded: 3}, pool.Outcomes())
	})
}

func TestTheEndOfTheTestCancelsAndDropsTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake := newFakeT(t)
		var pool *troupetest.Pool[time.Duration, time.Duration]
		failures := fake.run(func() {
			pool = troupetest.New(fake, pooltest.Sleep, actors.WithSize(1))
			for range 2 {
				assert.NoError(t, pool.Tell(t.Context(), time.Hour))
			}
			synctest.Wait()
		})
		assert.Empty(t, failures)
		assert.Equal(t, map[messages.Outcome]int{messages.Canceled: 1, messages.Dropped: 1}, pool.Outcomes())
		assert.ErrorIs(t, pool.Records()[1].Err, messages.ErrPoolStopped)
	})
}

func TestWarningsOfThePoolAppearInTheTestsOutput(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		failures := fake.run(func() {
			pool := troupetest.New(fake, func(context.Context, int) (int, error) { return stuckHandler(release) },
				actors.WithWatchdog(actors.Watchdog{Grace: time.Second}))
			assert.NoError(t, pool.Tell(t.Context(), 1, actors.Timeout(time.Second)))
			time.Sleep(time.Minute)
			close(release)
			synctest.Wait()
		})
		assert.Empty(t, failures)
		assert.Contains(t, fake.out.String(), "handler abandoned")
	})
}

func TestTwoPoolsOfOneTestAreCheckedTogether(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		first := troupetest.New(t, pooltest.Double)
		second := troupetest.New(t, func(ctx context.Context, n int) (int, error) { return first.Ask(ctx, n) })
		n, err := second.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		assert.Equal(t, []int{1}, first.Submitted())
	})
}

func TestAnErrorOfTheCallersContextIsInTheRecord(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.New(t, pooltest.Sleep)
		why := errors.New("no time")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		_, err := pool.Ask(ctx, time.Hour)
		require.ErrorIs(t, err, why)
		require.ErrorIs(t, pool.Records()[0].Err, why)
	})
}
