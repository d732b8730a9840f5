package router_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

// Workers whose tasks are short take them in batches. These tests state that a
// batch is still part of the queue: nothing in it is out of reach.

// batching runs test with a pool whose workers have found their tasks to be
// short: in the bubble, they take no time at all.
func batching(t *testing.T, size, capacity int, test func(t *testing.T, pool *actors.Pool[func(), int])) {
	t.Helper()
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, work func()) (int, error) { work(); return 0, nil },
			actors.WithSize(size), actors.WithQueue(capacity, actors.Block))
		for range 4 * size {
			_, err := pool.Ask(t.Context(), func() {})
			require.NoError(t, err)
			synctest.Wait() // else the worker may not have parked, and get the next one too
		}
		test(t, pool)
	})
}

// queueUp has the tasks queued before the first one runs.
func queueUp(t *testing.T, pool *actors.Pool[func(), int], tasks ...func()) []*actors.Future[int] {
	t.Helper()
	pool.Pause()
	var futures []*actors.Future[int]
	for _, task := range tasks {
		f, err := pool.Submit(t.Context(), task)
		require.NoError(t, err)
		futures = append(futures, f)
	}
	pool.Resume()
	synctest.Wait()
	return futures
}

// trace returns tasks that note their letters, and what they have noted.
func trace(letters string) (tasks []func(), ran func() string) {
	var log []byte
	for i := range letters {
		tasks = append(tasks, func() { log = append(log, letters[i]) })
	}
	return tasks, func() string { return string(log) }
}

func TestAPauseStopsWithinABatchAndKeepsTheOrder(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		tasks, ran := trace("abcdef")
		pauses := tasks[1]
		tasks[1] = func() { pauses(); pool.Pause() }
		queueUp(t, pool, tasks...)
		assert.Equal(t, "ab", ran())
		assert.EqualValues(t, 4, pool.Stats().Queued)
		late, _ := trace("g")
		require.NoError(t, pool.Tell(t.Context(), late[0]))
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, "abcdef", ran())
	})
}

func TestAnIdleWorkerTakesOverABatchThatIsHeldUp(t *testing.T) {
	timelimit.Set(t)
	batching(t, 2, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		release := make(chan struct{})
		tasks, ran := trace("abcdef")
		queueUp(t, pool, append([]func(){func() { <-release }}, tasks...)...)
		assert.Equal(t, "abcdef", ran(), "no time has passed, and the first task still runs")
		close(release)
	})
}

func TestAHigherPriorityOvertakesABatch(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		tasks, ran := trace("abcX")
		a, urgent := tasks[0], tasks[3]
		tasks[0] = func() {
			a()
			assert.NoError(t, pool.Tell(context.Background(), urgent, actors.Priority(1)))
		}
		queueUp(t, pool, tasks[:3]...)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, "aXbc", ran())
	})
}

func TestABroadcastDoesNotWaitForABatch(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pool, err := actors.NewPool(system.Root, func(_ context.Context, work func()) (int, error) { work(); return 0, nil }, actors.WithSize(1))
		require.NoError(t, err)
		defer func() { pool.Close(); <-pool.Done() }()
		tasks, ran := trace("-abcX")
		_, err = pool.Ask(t.Context(), tasks[0]) // tasks are short
		require.NoError(t, err)
		a, broadcast := tasks[1], tasks[4]
		tasks[1] = func() {
			a()
			system.Root.Send(pool.PID(), &messages.Broadcast{Message: broadcast})
			time.Sleep(time.Nanosecond) // it arrives
		}
		queueUp(t, pool, tasks[1:4]...)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, "-aXbc", ran())
	})
}

func TestABatchTakesNoMoreRoomThanItsTasksInTheQueue(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 3, func(t *testing.T, pool *actors.Pool[func(), int]) {
		gate := make(chan struct{})
		wait := func() { <-gate }
		queueUp(t, pool, wait, wait, wait)
		stats := pool.Stats()
		require.EqualValues(t, 1, stats.Running)
		require.EqualValues(t, 2, stats.Queued)
		require.NoError(t, pool.Tell(t.Context(), wait, actors.NoWait()), "there is room for one")
		require.ErrorIs(t, pool.Tell(t.Context(), wait, actors.NoWait()), messages.ErrQueueFull)

		admitted := make(chan error, 1)
		go func() { admitted <- pool.Tell(context.Background(), wait) }()
		synctest.Wait()
		require.Empty(t, admitted, "the queue is full")
		gate <- struct{}{}
		synctest.Wait()
		require.NoError(t, <-admitted, "the next task of the batch has begun")
		close(gate)
	})
}

func TestATaskOfABatchCanBeCanceled(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		release := make(chan struct{})
		tasks, ran := trace("abc")
		futures := queueUp(t, pool, func() { <-release }, tasks[0], tasks[1], tasks[2])
		futures[2].Cancel()
		_, err := futures[2].Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrCanceled)
		assert.EqualValues(t, 2, pool.Stats().Queued)
		close(release)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, "ac", ran())
	})
}

func TestAPanicLeavesTheRestOfABatchInOrder(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		tasks, ran := trace("abc")
		queueUp(t, pool, tasks[0], func() { panic("in the middle") }, tasks[1], tasks[2])
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, "abc", ran())
		assert.EqualValues(t, 1, pool.Stats().Panicked)
	})
}

func TestACloseDropsTheRestOfABatch(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		release := make(chan struct{})
		tasks, ran := trace("abc")
		queueUp(t, pool, func() { <-release }, tasks[0], tasks[1], tasks[2])
		report := pool.Close()
		close(release)
		assert.EqualValues(t, 1, report.Canceled)
		assert.EqualValues(t, 3, report.Dropped)
		assert.Len(t, report.Abandoned, 1, "the first handler does not look at its context")
		synctest.Wait()
		assert.Empty(t, ran())
	})
}

// A batch may have tasks with deadlines: they end in time, though the worker is busy
// with the task before them.
func TestATaskOfABatchTimesOutInTime(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		release := make(chan struct{})
		tasks, ran := trace("abc")
		pool.Pause()
		require.NoError(t, pool.Tell(t.Context(), func() { <-release }))
		require.NoError(t, pool.Tell(t.Context(), tasks[0]))
		late, err := pool.Submit(t.Context(), tasks[1], actors.Timeout(time.Second))
		require.NoError(t, err)
		require.NoError(t, pool.Tell(t.Context(), tasks[2]))
		pool.Resume()
		synctest.Wait()
		start := time.Now()
		_, err = late.Wait(t.Context())
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(start))
		assert.EqualValues(t, 2, pool.Stats().Queued)
		close(release)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, "ac", ran())
	})
}

// The deadlines of the tasks of a batch are over with the tasks.
func TestABatchLeavesNoDeadlineBehind(t *testing.T) {
	timelimit.Set(t)
	batching(t, 1, 100, func(t *testing.T, pool *actors.Pool[func(), int]) {
		tasks, ran := trace("abcdef")
		pool.Pause()
		for _, task := range tasks {
			require.NoError(t, pool.Tell(t.Context(), task, actors.Timeout(time.Minute)))
		}
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		time.Sleep(time.Hour)
		stats := pool.Stats()
		assert.Equal(t, "abcdef", ran())
		assert.Zero(t, stats.TimedOut)
		assert.Zero(t, stats.Canceled)
	})
}

func TestABatchThatLastsIsRecalledByTheNextWorkerThatComes(t *testing.T) {
	timelimit.Set(t)
	batching(t, 2, 400, func(t *testing.T, pool *actors.Pool[func(), int]) {
		var order []int // all but the two that take time run on one worker
		tasks := make([]func(), 300)
		for i := range tasks {
			tasks[i] = func() { order = append(order, i) }
		}
		tasks[0] = func() { time.Sleep(time.Second) }
		tasks[128] = func() { time.Sleep(2 * time.Millisecond) } // the first that is not in the batch of the other
		queueUp(t, pool, tasks...)
		require.NoError(t, pool.Wait(t.Context()))
		require.Equal(t, 129, order[0])
		assert.Less(t, slices.Index(order, 1), slices.Index(order, 299), "it was queued long before")
	})
}

func TestATaskThatWasCutShortDoesNotMakeOthersPassForShort(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, work func(context.Context)) (int, error) {
			work(ctx)
			return 0, ctx.Err()
		}, actors.WithSize(2))
		for range 2 { // both workers get one
			_, err := pool.Submit(t.Context(), func(ctx context.Context) { <-ctx.Done() }, actors.Timeout(time.Microsecond))
			require.NoError(t, err)
		}
		require.NoError(t, pool.Wait(t.Context()))

		pool.Pause()
		var begun atomic.Int32
		for _, priority := range []int{0, 1, 1} {
			require.NoError(t, pool.Tell(t.Context(), func(context.Context) {
				begun.Add(int32(priority))
				time.Sleep(time.Second)
			}, actors.Priority(priority)))
		}
		pool.Resume()
		synctest.Wait()
		assert.EqualValues(t, 2, begun.Load(), "the two with the priority are begun before the other")
	})
}

func TestTasksThatShareAContextHaveDeadlinesOfTheirOwn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, wait bool) (time.Duration, error) {
			if wait {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			at, ok := ctx.Deadline()
			if !ok {
				return 0, nil
			}
			return time.Until(at), nil
		}, actors.WithSize(1))
		for _, timeout := range []time.Duration{time.Second, 3 * time.Second, 0, time.Hour} {
			left, err := pool.Ask(context.Background(), false, actors.Timeout(timeout))
			require.NoError(t, err)
			assert.Equal(t, timeout, left)
		}
		begun := time.Now()
		_, err := pool.Ask(context.Background(), true, actors.Timeout(time.Minute))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Minute, time.Since(begun), "not after the hour of the task before")
	})
}

func TestBatchesThatAreRecalledComeBackInOrder(t *testing.T) {
	timelimit.Set(t)
	batching(t, 2, 400, func(t *testing.T, pool *actors.Pool[func(), int]) {
		release := make(chan struct{})
		var waiting atomic.Int32
		var begun []int
		tasks := make([]func(), 100)
		for i := range tasks {
			tasks[i] = func() {
				if waiting.Load() < 2 { // the first task of each worker
					waiting.Add(1)
					<-release
					return
				}
				begun = append(begun, i)
			}
		}
		queueUp(t, pool, tasks...)
		pool.Pause()
		close(release)
		synctest.Wait()
		require.EqualValues(t, 2, waiting.Load())
		require.Empty(t, begun)
		require.NoError(t, pool.Resize(t.Context(), 1)) // so that the order is plain
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		assert.True(t, slices.IsSorted(begun), begun)
	})
}
