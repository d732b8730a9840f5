package actors_test

import (
	"context"
	"errors"
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

func TestASnapshotShowsTheTaskOfEachWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithName("shown"), actors.WithSize(3),
			actors.WithDispatch(router.RoundRobin()), actors.WithQueue(7, actors.Reject))
		for _, id := range []string{"a", "b", "c", "d"} {
			d := time.Hour
			if id == "b" {
				d = time.Second
			}
			require.NoError(t, pool.Tell(t.Context(), d, actors.ID(id)))
			synctest.Wait()
		}
		began := time.Now()
		time.Sleep(time.Minute)
		stats := pool.Stats()
		assert.Equal(t, "shown", stats.Pool)
		assert.WithinDuration(t, time.Now(), stats.At, 0)
		assert.Equal(t, [3]int{3, 2, 1}, [3]int{stats.Size, stats.Busy, stats.Idle})
		assert.Equal(t, [4]int64{4, 1, 2, 1}, [4]int64{stats.Submitted, stats.Queued, stats.Running, stats.Succeeded})
		assert.Equal(t, 7, stats.QueueCapacity)
		assert.Equal(t, time.Minute, stats.OldestQueued)
		require.Len(t, stats.Workers, 3)
		a, b := stats.Workers[0], stats.Workers[1]
		assert.Equal(t, messages.WorkerBusy, a.State)
		assert.Equal(t, "a", a.Task)
		assert.WithinDuration(t, began, a.Since, 0)
		assert.Equal(t, 1, a.Queued)
		assert.Equal(t, messages.WorkerIdle, b.State)
		assert.Empty(t, b.Task)
		assert.True(t, b.Since.IsZero())
		assert.EqualValues(t, 1, b.Succeeded)
		assert.Equal(t, time.Second, b.MeanRun)
	})
}

func TestTimesAreMeasured(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		for range 4 {
			require.NoError(t, pool.Tell(t.Context(), time.Second))
		}
		require.NoError(t, pool.Wait(t.Context()))
		stats := pool.Stats()
		assert.Equal(t, time.Second, stats.RunTime.Mean)
		assert.Equal(t, time.Second, stats.RunTime.Max)
		assert.InEpsilon(t, time.Second, stats.RunTime.P99, 0.01)
		assert.EqualValues(t, 4, stats.WaitTime.Count)
		assert.Equal(t, 1500*time.Millisecond, stats.WaitTime.Mean, "0, 1, 2 and 3 seconds")
		assert.Equal(t, 3*time.Second, stats.WaitTime.Max)
	})
}

func TestThroughputAndUtilizationAreThoseOfTheLastWindow(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2))
		for range 20 { // one of two workers is busy all the time
			require.NoError(t, pool.Tell(t.Context(), time.Second))
			require.NoError(t, pool.Wait(t.Context()))
		}
		stats := pool.Stats()
		assert.InDelta(t, 1, stats.Throughput, 0.11)
		assert.InDelta(t, 0.5, stats.Utilization, 0.06)

		time.Sleep(2 * messages.StatsWindow)
		stats = pool.Stats()
		assert.Zero(t, stats.Throughput)
		assert.Zero(t, stats.Utilization)

		for range 2 { // a task that has not ended is utilization too
			require.NoError(t, pool.Tell(t.Context(), time.Hour))
		}
		time.Sleep(2 * messages.StatsWindow)
		assert.InDelta(t, 1, pool.Stats().Utilization, 0.01)
	})
}

func TestHandlersCountersAreSummedAndKeptPerWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			derived, cancel := context.WithCancel(ctx)
			defer cancel()
			return n, actors.Report(derived, "bytes", int64(n))
		}, actors.WithSize(2), actors.WithDispatch(router.RoundRobin()))
		for n := range 4 {
			_, err := pool.Ask(t.Context(), 1<<n)
			require.NoError(t, err)
			assert.EqualValues(t, 2<<n-1, pool.Stats().Custom["bytes"], "it is there when the answer is")
		}
		stats := pool.Stats()
		assert.EqualValues(t, 1+4, stats.Workers[0].Custom["bytes"])
		assert.EqualValues(t, 2+8, stats.Workers[1].Custom["bytes"])
		require.NoError(t, pool.Resize(t.Context(), 1))
		synctest.Wait()
		assert.EqualValues(t, 15, pool.Stats().Custom["bytes"], "those of a worker that is gone are kept")
	})
}

func TestActorWorkersReportToTheirParent(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if n, ok := ctx.Message().(int); ok {
					ctx.Send(ctx.Parent(), &messages.Report{Counters: map[string]int64{"n": int64(n), "calls": 1}})
				}
			})
		}, actors.WithSize(2), actors.WithDispatch(router.RoundRobin())))
		in := pooltest.NewInbox(t, root)
		for n := range 4 {
			root.Send(pool, 1<<n)
		}
		synctest.Wait()
		stats := in.Stats(t, pool)
		assert.Equal(t, map[string]int64{"n": 15, "calls": 4}, stats.Custom)
		assert.Equal(t, map[string]int64{"n": 1 + 4, "calls": 2}, stats.Workers[0].Custom)
		assert.Equal(t, map[string]int64{"n": 2 + 8, "calls": 2}, stats.Workers[1].Custom)
	})
}

func TestStatisticsArePublishedAtTheHealthInterval(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		published := pooltest.Events[*messages.Stats](t, root.ActorSystem())
		began := time.Now()
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithHealth(time.Minute))
		for n := 1; n <= 3; n++ {
			stats := <-published
			assert.Equal(t, time.Duration(n)*time.Minute, time.Since(began))
			assert.True(t, stats.Balanced())
		}
		pool.Close()
		<-pool.Done()
		time.Sleep(time.Hour)
		assert.Empty(t, published, "not by a pool that is gone")
	})
}

func TestAQueueBeyondFiveTimesTheSizeIsAnOverloadUntilItIsNot(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		overloaded := pooltest.Events[*messages.Overloaded](t, root.ActorSystem())
		recovered := pooltest.Events[*messages.Recovered](t, root.ActorSystem())
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithName("weak"), actors.WithSize(2), actors.WithHealth(time.Second))
		pool.Pause()
		for range 10 {
			require.NoError(t, pool.Tell(t.Context(), time.Minute))
		}
		const between = time.Minute + time.Second/2 // two checks
		time.Sleep(between)
		assert.Empty(t, overloaded, "10 are not more than five times 2")
		require.NoError(t, pool.Tell(t.Context(), time.Minute))
		assert.Equal(t, &messages.Overloaded{Pool: "weak", Queued: 11, Size: 2}, <-overloaded)
		time.Sleep(between)
		assert.Empty(t, overloaded, "said once")
		assert.Empty(t, recovered)
		pool.Resume()
		assert.Equal(t, &messages.Recovered{Pool: "weak", Queued: 5, Size: 2}, <-recovered, "not before half of that")
		require.NoError(t, pool.Wait(t.Context()))
		assert.Empty(t, recovered, "said once")
	})
}

func TestRejectionsAreCountedByTheirReasons(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		why := errors.New("why the context ended")
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(1, actors.Block))
		in := pooltest.NewInbox(t, root)
		want := make(map[messages.Reason]int64)
		rejected := func(reason messages.Reason, err error) {
			t.Helper()
			assert.Error(t, err)
			want[reason]++
			stats := pool.Stats()
			assert.Equal(t, want, stats.Rejections)
			sum := int64(0)
			for _, n := range stats.Rejections {
				sum += n
			}
			assert.Equal(t, sum, stats.Rejected)
		}
		assert.Empty(t, pool.Stats().Rejections)
		rejected(messages.RejectedPayloadType, in.Result(t, pool.PID(), "no duration").Err)
		rejected(messages.RejectedInvalid, pool.Tell(t.Context(), 0, actors.Timeout(-1)))
		_, err := pool.Submit(t.Context(), 0, actors.Timeout(-1))
		rejected(messages.RejectedInvalid, err)
		rejected(messages.RejectedInvalid, pool.Tell(nil, 0)) //nolint:staticcheck // what is tested
		for range 2 {
			require.NoError(t, pool.Tell(t.Context(), time.Hour))
			synctest.Wait()
		}
		rejected(messages.RejectedQueueFull, in.Result(t, pool.PID(), time.Hour).Err)
		rejected(messages.RejectedDeadline, pool.Tell(t.Context(), 0, actors.Timeout(time.Second)))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		rejected(messages.RejectedCanceled, pool.Tell(ctx, 0)) // while it waited for room
		rejected(messages.RejectedCanceled, pool.Tell(ctx, 0))
		cancel()
		ended, end := context.WithCancelCause(t.Context())
		end(why)
		rejected(messages.RejectedCanceled, pool.Tell(ended, 0))
		_, err = pool.Ask(ended, 0)
		assert.ErrorIs(t, err, why)
		rejected(messages.RejectedCanceled, err)
		go func() {
			time.Sleep(time.Second)
			pool.Close()
		}()
		rejected(messages.RejectedStopped, pool.Tell(t.Context(), 0)) // likewise
		rejected(messages.RejectedStopped, pool.Tell(t.Context(), 0))
	})
}

func TestTheLongestRunningAttemptIsShown(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(_ context.Context, d time.Duration) (int, error) {
			time.Sleep(d)
			return 0, nil
		}, actors.WithSize(2), actors.WithQueue(0, actors.CallerRuns))
		longest := func() time.Duration { s := pool.Stats(); return s.LongestRunning }
		assert.Zero(t, longest())
		require.NoError(t, pool.Tell(t.Context(), 4*time.Second, actors.Timeout(3*time.Second)))
		time.Sleep(time.Second / 2)
		require.NoError(t, pool.Tell(t.Context(), 5*time.Second))
		time.Sleep(time.Second)
		assert.Equal(t, 1500*time.Millisecond, longest())
		go func() { _ = pool.Tell(context.Background(), 9*time.Second) }() // runs it itself
		time.Sleep(2 * time.Second)
		assert.Equal(t, 3500*time.Millisecond, longest(), "it ignores that its time is up")
		time.Sleep(time.Second)
		assert.Equal(t, 4*time.Second, longest())
		time.Sleep(5 * time.Second)
		assert.Equal(t, 8*time.Second, longest(), "the caller's")
		time.Sleep(2 * time.Second)
		assert.Zero(t, longest())
	})
}
