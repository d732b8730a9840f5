package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
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

var errAttempt = errors.New("this attempt fails")

// byKey is a custom dispatch: the key of a task is the index of its worker.
func byKey() router.Dispatch {
	return router.Custom(func(task router.TaskView, _ router.Workers) int {
		i, err := strconv.Atoi(task.Key)
		if err != nil {
			panic(err)
		}
		return i
	})
}

// to is the option that sends a task to one worker under byKey.
func to(worker int) actors.TaskOption { return actors.Key(strconv.Itoa(worker)) }

// lanes is a handler for byKey. A task runs until its lane is stepped or its
// context ends. A task finds its lane by its key.
type lanes struct {
	t     *testing.T
	steps []chan struct{}
	mu    sync.Mutex
	begun [][]int // per lane, guarded by mu
}

func newLanes(t *testing.T, n int) *lanes {
	l := &lanes{t: t, begun: make([][]int, n)}
	for range n {
		l.steps = append(l.steps, make(chan struct{}))
	}
	return l
}

func (l *lanes) handle(ctx context.Context, n int) (int, error) {
	task, _ := actors.TaskFromContext(ctx)
	lane, err := strconv.Atoi(task.Key)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	l.begun[lane] = append(l.begun[lane], n)
	l.mu.Unlock()
	select {
	case <-l.steps[lane]:
		return n, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// step ends the running task of a lane and waits until nothing moves.
func (l *lanes) step(lane int) {
	l.t.Helper()
	synctest.Wait()
	select {
	case l.steps[lane] <- struct{}{}:
	default:
		require.Fail(l.t, "no task runs", "lane %d", lane)
	}
	synctest.Wait()
}

// of returns the tasks of a lane that have begun, in order.
func (l *lanes) of(lane int) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.begun[lane])
}

// queuedPerWorker returns the length of each worker's own queue, in dispatch order.
func queuedPerWorker(stats messages.Stats) (queued []int) {
	for _, w := range stats.Workers {
		queued = append(queued, w.Queued)
	}
	return queued
}

func TestEveryWorkerHasAShareOfTheCapacity(t *testing.T) {
	tests := []struct {
		size, capacity int
		shares         []int
	}{
		{1, 3, []int{3}},
		{2, 0, []int{0, 0}},
		{3, 5, []int{2, 2, 1}},
		{3, 6, []int{2, 2, 2}},
		{3, 7, []int{3, 2, 2}},
		{4, 2, []int{1, 1, 0, 0}},
		{8, 10, []int{2, 2, 1, 1, 1, 1, 1, 1}},
	}
	for _, tt := range tests {
		for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random(), byKey()} {
			t.Run(fmt.Sprintf("%v/%d of %d", dispatch, tt.size, tt.capacity), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					g := pooltest.NewGate()
					pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(tt.size), actors.WithDispatch(dispatch),
						actors.WithQueue(tt.capacity, router.Reject))
					// Fill every worker. Under byKey each round offers each worker a task.
					rejected := 0
					for range tt.capacity + 2 {
						for i := range tt.size {
							if err := pool.Tell(t.Context(), i, to(i)); err != nil {
								require.ErrorIs(t, err, messages.ErrQueueFull)
								rejected++
							}
							synctest.Wait()
						}
					}
					stats := pool.Stats()
					assert.Equal(t, tt.shares, queuedPerWorker(stats))
					assert.EqualValues(t, tt.size, stats.Running, "a share is what waits beyond the task in hand")
					assert.EqualValues(t, rejected, stats.Rejected)
					assert.Equal(t, tt.capacity, stats.QueueCapacity)
					close(g.Open)
					require.NoError(t, pool.Wait(t.Context()))
				})
			})
		}
	}
}

func TestUnboundedQueuesHaveNoShares(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), byKey()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const tasks = 5000
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(4), actors.WithDispatch(dispatch),
					actors.WithQueue(actors.Unbounded, router.Reject))
				for n := range tasks {
					require.NoError(t, pool.Tell(t.Context(), n, to(0)))
				}
				assert.EqualValues(t, tasks, pool.Stats().Submitted)
				require.NoError(t, pool.Resize(t.Context(), 2))
				require.NoError(t, pool.Tell(t.Context(), tasks, to(0)))
				close(g.Open)
				require.NoError(t, pool.Wait(t.Context()))
				assert.EqualValues(t, tasks+1, pool.Stats().Succeeded)
			})
		})
	}
}

// Without a share, a worker takes a task only while it is idle.
func TestAnIdleWorkerHasRoomWithoutAShare(t *testing.T) {
	for _, dispatch := range []router.Dispatch{
		router.RoundRobin(), router.Random(), router.ConsistentHash(), byKey(),
	} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, d time.Duration) (int, error) {
					if d > 0 {
						time.Sleep(d)
					}
					return 0, nil
				}, actors.WithSize(3), actors.WithDispatch(dispatch), actors.WithQueue(0, router.Reject))
				for range 20 {
					require.NoError(t, pool.Tell(t.Context(), time.Second, to(1)))
					synctest.Wait()
					time.Sleep(2 * time.Second)
				}
				assert.EqualValues(t, 20, pool.Stats().Succeeded)
			})
		})
	}
}

// hungAmongOthers starts eight workers with a queue of ten. The first task hangs
// until the pool closes; any other takes a millisecond.
func hungAmongOthers(t *testing.T, dispatch router.Dispatch, overflow router.Overflow) *actors.Pool[int, int] {
	t.Helper()
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
		if n < 0 {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}
		time.Sleep(time.Millisecond)
		return n, nil
	}, actors.WithSize(8), actors.WithDispatch(dispatch), actors.WithQueue(10, overflow))
	require.NoError(t, pool.Tell(t.Context(), -1, actors.NoWait()))
	synctest.Wait()
	return pool
}

// hungShare returns the length of the queue of the worker whose task hangs. It is
// at most 2, the largest share of ten places among eight workers.
func hungShare(t *testing.T, stats messages.Stats) int64 {
	t.Helper()
	for _, w := range stats.Workers {
		if w.State == messages.WorkerBusy {
			assert.Positive(t, w.Queued)
			assert.LessOrEqual(t, w.Queued, 2)
			return int64(w.Queued)
		}
	}
	t.Error("no worker is busy")
	return 0
}

func TestAHungWorkerCostsItsShareOnly(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random()} {
		for _, overflow := range []router.Overflow{
			router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
		} {
			t.Run(fmt.Sprintf("%v/%v", dispatch, overflow), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					const tasks = 1000
					pool := hungAmongOthers(t, dispatch, overflow)
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					for n := range tasks {
						began := time.Now()
						require.NoError(t, pool.Tell(ctx, n))
						require.Zero(t, time.Since(began), "nobody waits: seven workers have room")
						time.Sleep(time.Millisecond)
					}
					time.Sleep(time.Second)
					stats := pool.Stats()
					queued := hungShare(t, stats)
					assert.Equal(t, ledger{
						Submitted: tasks + 1, Queued: queued, Running: 1, Succeeded: tasks - queued,
					}, ledgerOf(stats))
				})
			})
		}
	}
}

func TestBlockWaitsOnlyWhileNoWorkerHasRoom(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const senders, each = 10, 60
				pool := hungAmongOthers(t, dispatch, router.Block)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				var sent sync.WaitGroup
				for range senders {
					sent.Go(func() {
						for n := range each {
							if err := pool.Tell(ctx, n); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				sent.Wait()
				// Seven workers serve seven tasks a millisecond when all have work.
				assert.Less(t, time.Since(began), 2*senders*each*time.Millisecond/7)
				time.Sleep(time.Second)
				stats := pool.Stats()
				assert.Equal(t, senders*each-hungShare(t, stats), stats.Succeeded)
			})
		})
	}
}

func TestATurnThatIsPassedOverIsConsumed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
			if n < 0 {
				return g.Handle(ctx, n)
			}
			return n, nil
		}, actors.WithSize(3), actors.WithDispatch(router.RoundRobin()), actors.WithQueue(0, router.Reject))
		require.NoError(t, pool.Tell(t.Context(), -1))
		synctest.Wait()
		for n := range 9 {
			_, err := pool.Ask(t.Context(), n)
			require.NoError(t, err)
			synctest.Wait() // the worker is idle again
		}
		// If the turn stayed with the first worker, the second would get two of three.
		assert.Equal(t, []int64{0, 5, 4}, succeeded(pool.Stats()))
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
	})
}

// However tasks are submitted, the turns are exact while no worker is full.
func TestTurnsAreExactHoweverTasksAreSubmitted(t *testing.T) {
	for _, size := range []int{1, 2, 7, 64} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const senders, each = 16, 125
				system := pooltest.System()
				pool, err := actors.NewPool(system.Root, pooltest.Echo[int], actors.WithSize(size),
					actors.WithDispatch(router.RoundRobin()), actors.WithQueue(actors.Unbounded, router.Reject))
				require.NoError(t, err)
				t.Cleanup(func() { pool.Close(); <-pool.Done() })
				var sent sync.WaitGroup
				for sender := range senders {
					sent.Go(func() {
						for n := range each {
							var err error
							switch sender % 4 {
							case 0:
								err = pool.Tell(t.Context(), n)
							case 1:
								_, err = pool.Ask(t.Context(), n, actors.Priority(n%3))
							case 2:
								_, err = pool.Submit(t.Context(), n, actors.Timeout(time.Hour))
							case 3:
								system.Root.Send(pool.PID(), n)
							}
							if err != nil {
								t.Error(err)
							}
						}
					})
				}
				sent.Wait()
				require.NoError(t, pool.Wait(t.Context()))
				total := int64(0)
				for i, n := range succeeded(pool.Stats()) {
					assert.Contains(t, []int64{senders * each / int64(size), (senders*each-1)/int64(size) + 1}, n, "worker %d", i)
					total += n
				}
				assert.EqualValues(t, senders*each, total)
			})
		})
	}
}

// keysOf returns a key for each worker of a pool that hashes.
func keysOf(t *testing.T, size int, ask func(key string) string) []string {
	t.Helper()
	var keys []string
	seen := map[string]bool{}
	for i := 0; len(keys) < size; i++ {
		require.Less(t, i, 10_000)
		key := fmt.Sprint("key ", i)
		if worker := ask(key); !seen[worker] {
			seen[worker] = true
			keys = append(keys, key)
		}
	}
	return keys
}

func TestAFullShareConcernsTheChosenWorkerAlone(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.ConsistentHash(), byKey()} {
		for _, overflow := range []router.Overflow{
			router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
		} {
			t.Run(fmt.Sprintf("%v/%v", dispatch, overflow), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) { fullShare(t, dispatch, overflow) })
			})
		}
	}
}

// fullShare fills the share of one of two workers and submits one more task to
// that worker and ten to the other.
func fullShare(t *testing.T, dispatch router.Dispatch, overflow router.Overflow) {
	const hang, pass = -1, 1
	g := pooltest.NewGate()
	system := pooltest.System()
	pool, err := actors.NewPool(system.Root, func(ctx context.Context, n int) (int, error) {
		if n == hang {
			return g.Handle(ctx, n)
		}
		return n, nil
	}, actors.WithSize(2), actors.WithDispatch(dispatch), actors.WithQueue(4, overflow))
	require.NoError(t, err)
	t.Cleanup(func() { pool.Close(); <-pool.Done() })
	keys := []string{"0", "1"}
	if dispatch.String() == router.ConsistentHash().String() {
		keys = keysOf(t, 2, func(key string) string {
			return pooltest.Result(t, system, pool.PID(), &messages.Task{Payload: pass, Key: key}).Worker
		})
	}
	before := pool.Stats()
	full, other := actors.Key(keys[0]), actors.Key(keys[1])
	var queued []*actors.Future[int]
	for n := range 3 { // one runs, two fill the share
		payload := hang
		if n > 0 {
			payload = pass
		}
		f, err := pool.Submit(t.Context(), payload, full)
		require.NoError(t, err)
		queued = append(queued, f)
		synctest.Wait()
	}

	var admitted atomic.Bool
	var answer error
	var asked sync.WaitGroup
	asked.Go(func() {
		f, err := pool.Submit(t.Context(), pass, full)
		admitted.Store(err == nil)
		if err == nil {
			_, err = f.Wait(t.Context())
		}
		answer = err
	})
	synctest.Wait()
	for range 10 {
		_, err := pool.Ask(t.Context(), pass, other)
		require.NoError(t, err, "the other worker has room")
	}
	stats := pool.Stats()
	assert.EqualValues(t, 10, succeededSince(before, stats)-callerRan(overflow))
	dropped := func(f *actors.Future[int]) bool { o, ok := f.Outcome(); return ok && o == messages.Dropped }
	assert.Equal(t, overflow == router.DropOldest, dropped(queued[1]), "the oldest of that worker's queue")
	assert.False(t, dropped(queued[2]))
	assert.Equal(t, overflow != router.Block && overflow != router.Reject, admitted.Load())

	close(g.Open)
	asked.Wait()
	switch overflow {
	case router.Reject:
		assert.ErrorIs(t, answer, messages.ErrQueueFull)
	case router.DropNewest:
		assert.ErrorIs(t, answer, messages.ErrDropped)
	default:
		assert.NoError(t, answer)
	}
	require.NoError(t, pool.Wait(t.Context()))
	assert.Zero(t, pool.Stats().Failed)
}

func succeededSince(before, after messages.Stats) int64 { return after.Succeeded - before.Succeeded }

// callerRan is 1 if the task for the full share ran in its caller.
func callerRan(overflow router.Overflow) int64 {
	if overflow == router.CallerRuns {
		return 1
	}
	return 0
}

func TestBlockAdmitsPerChosenWorkerInOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const waiting = 5
		l := newLanes(t, 2)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(2, router.Block))
		var want [2][]int
		submit := func(lane, n int) {
			want[lane] = append(want[lane], n)
			go func() {
				if err := pool.Tell(context.Background(), n, to(lane)); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		n := 0
		for range 2 + waiting { // one runs, one is queued, the others wait
			for lane := range 2 {
				submit(lane, n)
				n++
			}
		}
		require.EqualValues(t, 4, pool.Stats().Submitted)

		// The waiters of worker 1 go on although older ones wait for worker 0.
		for i := range waiting {
			l.step(1)
			require.EqualValues(t, 4+i+1, pool.Stats().Submitted, "one place, one admission")
			require.ErrorIs(t, pool.Tell(t.Context(), -1, to(1), actors.NoWait()), messages.ErrQueueFull)
		}
		assert.Equal(t, want[1][:1+waiting], l.of(1))
		assert.Equal(t, want[0][:1], l.of(0))
		for range waiting {
			l.step(0)
		}
		assert.Equal(t, want[0][:1+waiting], l.of(0))

		for lane := range 2 {
			l.step(lane)
			l.step(lane)
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, want, [2][]int{l.of(0), l.of(1)})
	})
}

// A waiter that leaves the line of one worker lets those behind it move up.
func TestABlockedSubmitterThatLeavesFreesItsPlace(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		l := newLanes(t, 2)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(0, router.Block))
		require.NoError(t, pool.Tell(t.Context(), 0, to(0)))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for n, ctx := range []context.Context{ctx, t.Context()} {
			go func() { _ = pool.Tell(ctx, n+1, to(0)) }()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		l.step(0)
		assert.Equal(t, []int{0, 2}, l.of(0))
		l.step(0)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, ledger{Submitted: 2, Succeeded: 2, Rejected: 1}, ledgerOf(pool.Stats()))
	})
}

// The oldest task of all is in the other worker's queue.
func TestDropOldestDropsFromTheQueueOfTheChosenWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		l := newLanes(t, 2)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(4, router.DropOldest))
		var futures []*actors.Future[int]
		for n, lane := range []int{0, 0, 0, 1, 1, 1, 1} {
			f, err := pool.Submit(t.Context(), n, to(lane))
			require.NoError(t, err)
			futures = append(futures, f)
			synctest.Wait()
		}
		for n, f := range futures {
			outcome, settled := f.Outcome()
			assert.Equal(t, n == 4, settled, "task %d: %v", n, outcome)
		}
		assert.Equal(t, []int{2, 2}, queuedPerWorker(pool.Stats()))
		for lane := range 2 {
			for range 3 {
				l.step(lane)
			}
		}
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, [2][]int{{0, 1, 2}, {3, 5, 6}}, [2][]int{l.of(0), l.of(1)})
		assert.Equal(t, ledger{Submitted: 7, Succeeded: 6, Dropped: 1}, ledgerOf(pool.Stats()))
	})
}

// Among full workers the turns go round, so each loses the oldest of its queue.
func TestDropOldestDropsInTurns(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		const size, capacity, more = 3, 6, 6
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(size), actors.WithDispatch(router.RoundRobin()),
			actors.WithQueue(capacity, router.DropOldest))
		var queued []*actors.Future[int]
		for n := range size + capacity + more {
			f, err := pool.Submit(t.Context(), n)
			require.NoError(t, err)
			synctest.Wait()
			if n >= size {
				queued = append(queued, f)
			}
		}
		for n, f := range queued { // each worker has lost both tasks that it had queued
			outcome, settled := f.Outcome()
			assert.Equal(t, n < capacity, settled && outcome == messages.Dropped, "queued task %d", n)
		}
		assert.Equal(t, []int{2, 2, 2}, queuedPerWorker(pool.Stats()))
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, []int64{3, 3, 3}, succeeded(pool.Stats()))
	})
}

func TestAWorkerAboveItsNewShareGetsNothingMore(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		l := newLanes(t, 4)
		pool := pooltest.Open(t, pooltest.System().Root, l.handle, actors.WithSize(2), actors.WithDispatch(byKey()), actors.WithQueue(8, router.Reject))
		for n := range 5 { // one runs, four fill the share of worker 0
			require.NoError(t, pool.Tell(t.Context(), n, to(0)))
			synctest.Wait()
		}
		tell := func(worker, n int) error { return pool.Tell(t.Context(), n, to(worker)) }
		require.ErrorIs(t, tell(0, -1), messages.ErrQueueFull)

		require.NoError(t, pool.Resize(t.Context(), 4))
		assert.Equal(t, []int{4, 0, 0, 0}, queuedPerWorker(pool.Stats()), "it keeps what it has")
		for left := 4; left >= 2; left-- {
			require.Equal(t, left, pool.Stats().Workers[0].Queued)
			require.ErrorIs(t, tell(0, -1), messages.ErrQueueFull, "the new share is two")
			l.step(0)
		}
		require.NoError(t, tell(0, 5), "one is queued")
		require.ErrorIs(t, tell(0, -1), messages.ErrQueueFull)
		for n := range 3 { // the others have the new share as well
			require.NoError(t, tell(3, 10+n))
			synctest.Wait()
		}
		require.ErrorIs(t, tell(3, -1), messages.ErrQueueFull)

		require.NoError(t, pool.Resize(t.Context(), 2))
		require.NoError(t, tell(0, 6), "shares grow again")
		close(l.steps[0])
		close(l.steps[3])
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, between(0, 7), l.of(0))
		assert.ElementsMatch(t, between(10, 13), l.of(3))
	})
}

// Round-robin passes over a worker that is above its new share.
func TestRoundRobinPassesOverAWorkerAboveItsShare(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(1), actors.WithDispatch(router.RoundRobin()),
			actors.WithQueue(8, router.Reject))
		for n := range 5 { // one runs, four are queued
			require.NoError(t, pool.Tell(t.Context(), n))
			synctest.Wait()
		}
		require.NoError(t, pool.Resize(t.Context(), 4))
		for n := range 7 { // three start, four are queued
			require.NoError(t, pool.Tell(t.Context(), n))
			synctest.Wait()
		}
		queued := queuedPerWorker(pool.Stats())
		assert.Equal(t, 4, queued[0], "the new share is two")
		for _, n := range queued[1:] {
			assert.Contains(t, []int{1, 2}, n)
		}
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 12, pool.Stats().Succeeded)
	})
}

// What leaving workers hand back was accepted before: it fits in any case.
func TestAShrinkingPoolKeepsWhatItAccepted(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.RoundRobin(), router.Random(), router.ConsistentHash()} {
		for _, overflow := range []router.Overflow{
			router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
		} {
			t.Run(fmt.Sprintf("%v/%v", dispatch, overflow), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					g := pooltest.NewGate()
					pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(8), actors.WithDispatch(dispatch), actors.WithQueue(16, overflow))
					for n := range 24 { // keyless tasks take turns under consistent hashing
						require.NoError(t, pool.Tell(t.Context(), n, actors.NoWait()))
						synctest.Wait()
					}
					for _, size := range []int{3, 1, 5} {
						require.NoError(t, pool.Resize(t.Context(), size))
						stats := pool.Stats()
						require.EqualValues(t, 24, stats.Submitted)
						require.Zero(t, stats.Dropped)
					}
					close(g.Open)
					require.NoError(t, pool.Wait(t.Context()))
					assert.Equal(t, ledger{Submitted: 24, Succeeded: 24}, ledgerOf(pool.Stats()))
				})
			})
		}
	}
}

// retries is a policy for tasks that fail once; the second attempt is a second later.
func retries() actors.Option {
	return actors.WithRetry(router.Retry{Attempts: 2, Min: time.Second, Max: time.Second, On: router.AnyError})
}

// failsOnce is a handler whose negative tasks fail at their first attempt. All
// other attempts wait for the gate.
func failsOnce(g *pooltest.Gate) actors.Handler[int, int] {
	return func(ctx context.Context, n int) (int, error) {
		if n < 0 && actors.Attempt(ctx) == 1 {
			return 0, errAttempt
		}
		return g.Handle(ctx, n)
	}
}

func TestADueRetryIgnoresAFullShare(t *testing.T) {
	for _, overflow := range []router.Overflow{
		router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
	} {
		t.Run(overflow.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(2), actors.WithDispatch(byKey()),
					actors.WithQueue(4, overflow), retries())
				retried, err := pool.Submit(t.Context(), -1, to(0))
				require.NoError(t, err)
				synctest.Wait()
				require.EqualValues(t, 1, pool.Stats().Delayed)
				for n := range 5 { // worker 0 is full, with or without the retry's place
					_ = pool.Tell(t.Context(), n, to(0), actors.NoWait())
					synctest.Wait()
				}
				before := pool.Stats()
				time.Sleep(2 * time.Second)
				stats := pool.Stats()
				assert.Zero(t, stats.Delayed, "it is due")
				assert.Equal(t, before.Queued, stats.Queued)
				assert.Equal(t, before.Dropped, stats.Dropped)
				close(g.Open)
				_, err = retried.Wait(t.Context())
				require.NoError(t, err)
				require.NoError(t, pool.Wait(t.Context()))
			})
		})
	}
}

func TestDropOldestSparesRetries(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), byKey()} {
		for _, due := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/due=%t", dispatch, due), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					g := pooltest.NewGate()
					pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(1), actors.WithDispatch(dispatch),
						actors.WithQueue(2, router.DropOldest), retries())
					retried, err := pool.Submit(t.Context(), -1, to(0))
					require.NoError(t, err)
					synctest.Wait()
					require.NoError(t, pool.Tell(t.Context(), 0, to(0)))
					synctest.Wait()
					if due {
						time.Sleep(2 * time.Second)
					}
					var futures []*actors.Future[int]
					for n := range 5 {
						f, err := pool.Submit(t.Context(), n, to(0))
						require.NoError(t, err)
						futures = append(futures, f)
						synctest.Wait()
					}
					_, settled := retried.Outcome()
					assert.False(t, settled, "the retry was accepted before all of them")
					for n, f := range futures { // one place is left beside the retry
						outcome, settled := f.Outcome()
						assert.Equal(t, n < 4, settled && outcome == messages.Dropped, "task %d", n)
					}
					close(g.Open)
					_, err = retried.Wait(t.Context())
					require.NoError(t, err)
					require.NoError(t, pool.Wait(t.Context()))
				})
			})
		}
	}
}

// Where only retries are queued, there is no victim but the newcomer.
func TestDropOldestDropsTheNewcomerBehindRetries(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), byKey()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(1), actors.WithDispatch(dispatch),
					actors.WithQueue(1, router.DropOldest), retries())
				retried, err := pool.Submit(t.Context(), -1, to(0))
				require.NoError(t, err)
				synctest.Wait()
				require.NoError(t, pool.Tell(t.Context(), 0, to(0)))
				synctest.Wait()
				newcomer, err := pool.Submit(t.Context(), 1, to(0))
				require.NoError(t, err)
				synctest.Wait()
				outcome, _ := newcomer.Outcome()
				assert.Equal(t, messages.Dropped, outcome)
				close(g.Open)
				_, err = retried.Wait(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

func TestWaitingRetriesCountAgainstTheCapacity(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), byKey()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g := pooltest.NewGate()
				pool := pooltest.Open(t, pooltest.System().Root, failsOnce(g), actors.WithSize(2), actors.WithDispatch(dispatch),
					actors.WithQueue(4, router.Reject),
					actors.WithRetry(router.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour, On: router.AnyError}))
				for n := range 4 {
					require.NoError(t, pool.Tell(t.Context(), -1, to(n%2)))
					synctest.Wait()
				}
				require.EqualValues(t, 4, pool.Stats().Delayed)
				for n := range 2 {
					require.NoError(t, pool.Tell(t.Context(), n, to(n)), "both workers are idle")
					synctest.Wait()
				}
				for n := range 2 {
					require.ErrorIs(t, pool.Tell(t.Context(), n, to(n)), messages.ErrQueueFull)
				}
				close(g.Open)
				time.Sleep(2 * time.Hour)
				assert.Equal(t, ledger{Submitted: 6, Succeeded: 6, Rejected: 2}, ledgerOf(pool.Stats()))
			})
		})
	}
}
