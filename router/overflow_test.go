package router_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
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

func TestOverflowNames(t *testing.T) {
	tests := []struct {
		overflow router.Overflow
		name     string
		valid    bool
	}{
		{0, "Overflow(0)", false},
		{router.Block, "block", true},
		{router.Reject, "reject", true},
		{router.DropOldest, "drop-oldest", true},
		{router.DropNewest, "drop-newest", true},
		{router.CallerRuns, "caller-runs", true},
		{router.CallerRuns + 1, "Overflow(6)", false},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.name, tt.overflow.String())
		assert.Equal(t, tt.valid, tt.overflow.Valid())
	}
}

const (
	workers   = 2
	submitted = 8
)

// TestOverflow submits eight tasks to two workers that are busy until the gate
// opens, or to a pool that is paused, and looks at the ledger before and after.
func TestOverflow(t *testing.T) {
	policies := []router.Overflow{
		router.Block, router.Reject, router.DropOldest, router.DropNewest, router.CallerRuns,
	}
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		for _, policy := range policies {
			for _, capacity := range []int{0, 1, 4, actors.Unbounded} {
				for _, paused := range []bool{false, true} {
					name := fmt.Sprintf("%v/%v/%d/paused=%t", dispatch, policy, capacity, paused)
					t.Run(name, func(t *testing.T) {
						pooltest.Bubble(t, func(t *testing.T) { overflow(t, dispatch, policy, capacity, paused) })
					})
				}
			}
		}
	}
}

func overflow(t *testing.T, dispatch router.Dispatch, policy router.Overflow, capacity int, paused bool) {
	g := pooltest.NewGate()
	var mu sync.Mutex
	ran := []int{}
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, in int) (int, error) {
		mu.Lock()
		ran = append(ran, in)
		mu.Unlock()
		return g.Handle(ctx, in)
	}, actors.WithSize(workers), actors.WithDispatch(dispatch), actors.WithQueue(capacity, policy))
	if paused {
		pool.Pause()
	}
	tellAll(t, pool, submitted)

	running := workers
	if paused {
		running = 0
	}
	queued := min(capacity, submitted-running)
	accepted := running + queued
	over := submitted - accepted
	var want ledger // before the gate opens
	var runs []int  // all that are run in the end
	switch policy {
	case router.Block: // over wait and are not in the ledger yet
		want = ledger{Submitted: int64(accepted), Running: int64(running)}
		runs = between(0, submitted)
	case router.Reject:
		want = ledger{Submitted: int64(accepted), Running: int64(running), Rejected: int64(over)}
		runs = between(0, accepted)
	case router.DropOldest:
		want = ledger{Submitted: submitted, Running: int64(running), Dropped: int64(over)}
		runs = append(between(0, running), between(submitted-queued, submitted)...)
	case router.DropNewest:
		want = ledger{Submitted: submitted, Running: int64(running), Dropped: int64(over)}
		runs = between(0, accepted)
	case router.CallerRuns: // a pause concerns the queue, and these never wait in it
		want = ledger{Submitted: submitted, Running: int64(running + over)}
		runs = between(0, submitted)
	}
	want.Queued = int64(queued)
	assert.Equal(t, want, ledgerOf(pool.Stats()))

	close(g.Open)
	pool.Resume()
	synctest.Wait()
	want.Queued, want.Running, want.Succeeded = 0, 0, int64(len(runs))
	if policy == router.Block {
		want.Submitted = submitted
	}
	assert.Equal(t, want, ledgerOf(pool.Stats()))
	slices.Sort(ran)
	if policy == router.DropOldest && capacity == 1 && dispatch.String() == router.RoundRobin().String() {
		// The one place is the first worker's. Which task has it in the end depends on
		// whose turn it was.
		assert.Len(t, ran, len(runs))
		return
	}
	assert.Equal(t, runs, ran)
}

func between(from, to int) []int {
	numbers := []int{}
	for i := from; i < to; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}

func TestDropOldestSparesHigherPriorities(t *testing.T) {
	tests := []struct {
		name     string
		queued   []int // priorities, in order of submission
		newcomer int
		victim   int // index in queued; len(queued): the newcomer
	}{
		{"equal priorities: the oldest goes", []int{3, 3, 3}, 3, 0},
		{"the lowest priority goes, the oldest of it", []int{5, 1, 1}, 9, 1},
		{"the lowest goes though it is young", []int{5, 5, 0}, 1, 2},
		{"a newcomer lower than all goes itself", []int{5, 5, 2}, 1, 3},
	}
	for _, tt := range tests {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			t.Run(tt.name+"/"+dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					pool := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[int], actors.WithSize(1), actors.WithDispatch(dispatch),
						actors.WithQueue(len(tt.queued), router.DropOldest)) // its victim is in one worker's queue
					pool.Pause()
					var futures []*actors.Future[int]
					for i, priority := range append(slices.Clone(tt.queued), tt.newcomer) {
						f, err := pool.Submit(t.Context(), i, actors.Priority(priority))
						require.NoError(t, err)
						futures = append(futures, f)
					}
					<-futures[tt.victim].Done()
					pool.Resume()
					for i, f := range futures {
						_, err := f.Wait(t.Context())
						if i == tt.victim {
							assert.ErrorIs(t, err, messages.ErrDropped)
						} else {
							assert.NoError(t, err)
						}
					}
				})
			})
		}
	}
}

func TestBlockWaitsAsLongAsItsContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(1), actors.WithQueue(1, router.Block))
		tellAll(t, pool, 2)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		err := pool.Tell(ctx, 2)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.ErrorIs(t, err, messages.ErrQueueFull)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "capacity 1")
		assert.Equal(t, ledger{Submitted: 2, Queued: 1, Running: 1, Rejected: 1}, ledgerOf(pool.Stats()))
	})
}

// The wait for admission is part of the task's life.
func TestBlockWaitsNoLongerThanTheTaskMayTake(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(1), actors.WithQueue(0, router.Block))
		tellAll(t, pool, 1)
		start := time.Now()
		err := pool.Tell(t.Context(), 1, actors.Timeout(2*time.Second))
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, ledger{Submitted: 1, Running: 1, Rejected: 1}, ledgerOf(pool.Stats()))
	})
}

func TestBlockedSubmittersAreAdmittedInTurn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var order []int
		pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, in int) (int, error) {
			order = append(order, in)
			time.Sleep(time.Second)
			return in, nil
		}, actors.WithSize(1), actors.WithQueue(0, router.Block))
		tellAll(t, pool, submitted)
		require.EqualValues(t, 1, pool.Stats().Submitted)
		time.Sleep(submitted * time.Second)
		synctest.Wait()
		assert.Equal(t, between(0, submitted), order)
	})
}

func TestCloseRefusesBlockedSubmitters(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(1), actors.WithQueue(1, router.Block))
		tellAll(t, pool, 2)
		refused := make(chan error, 1)
		go func() { refused <- pool.Tell(context.Background(), 2) }()
		synctest.Wait()
		pool.Close()
		assert.ErrorIs(t, <-refused, messages.ErrPoolStopped)
		assert.Equal(t, ledger{Submitted: 2, Canceled: 1, Dropped: 1, Rejected: 1}, ledgerOf(pool.Stats()))
	})
}

// An actor cannot wait, and neither will who says so.
func TestWhoCannotWaitIsRefused(t *testing.T) {
	for _, policy := range []router.Overflow{router.Block, router.CallerRuns, router.Reject} {
		t.Run(policy.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				g := pooltest.NewGate()
				system := pooltest.System()
				pool, err := actors.NewPool(system.Root, g.Handle, actors.WithSize(1), actors.WithQueue(1, policy))
				require.NoError(t, err)
				tellAll(t, pool, 2)

				assert.ErrorIs(t, pool.Tell(t.Context(), 2, actors.NoWait()), messages.ErrQueueFull)
				answer := pooltest.Result(t, system, pool.PID(), &messages.Task{ID: "mine", Payload: 3})
				assert.ErrorIs(t, answer.Err, messages.ErrQueueFull)
				assert.Equal(t, messages.Rejected, answer.Outcome)
				assert.Equal(t, "mine", answer.TaskID)

				letters := 0
				system.EventStream.Subscribe(func(event any) {
					if letter, ok := event.(*actor.DeadLetterEvent); ok && letter.Message == 4 {
						letters++
					}
				})
				system.Root.Send(pool.PID(), 4)
				synctest.Wait()
				assert.Equal(t, 1, letters, "without a sender, the refused message is a dead letter")
				assert.Equal(t, ledger{Submitted: 2, Queued: 1, Running: 1, Rejected: 3}, ledgerOf(pool.Stats()))
				pool.Close()
				<-pool.Done()
			})
		})
	}
}

// A panic or a Goexit of a handler must not reach the caller that lends itself.
func TestCallerRunsProtectsTheCaller(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, in int) (int, error) {
			switch in {
			case -1:
				panic("negative")
			case -2:
				runtime.Goexit()
			}
			return g.Handle(ctx, in)
		}, actors.WithSize(1), actors.WithQueue(0, router.CallerRuns))
		tellAll(t, pool, 1)
		var panicked *messages.PanicError
		_, err := pool.Ask(t.Context(), -1)
		require.ErrorAs(t, err, &panicked)
		assert.Equal(t, "negative", panicked.Value)
		_, err = pool.Ask(t.Context(), -2)
		assert.ErrorIs(t, err, messages.ErrGoexit)

		stats := pool.Stats()
		assert.EqualValues(t, 2, stats.Panicked)
		assert.Zero(t, stats.Restarts, "no worker had anything to do with it")
	})
}

// A caller that lends itself waits for the task, but no longer than its context.
func TestCallerRunsWaitsAsLongAsItsContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(1), actors.WithQueue(0, router.CallerRuns))
		tellAll(t, pool, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		require.NoError(t, pool.Tell(ctx, 1), "it was accepted: it runs")
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Equal(t, ledger{Submitted: 2, Running: 2}, ledgerOf(pool.Stats()))
		close(g.Open)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, ledger{Submitted: 2, Succeeded: 2}, ledgerOf(pool.Stats()))
	})
}

func TestBadQueues(t *testing.T) {
	for _, option := range []actors.Option{
		actors.WithQueue(-1, router.Block), actors.WithQueue(1, 0), actors.WithQueue(1, router.CallerRuns+1),
	} {
		_, err := actors.NewPool(pooltest.System().Root, pooltest.Echo[int], option)
		assert.ErrorIs(t, err, messages.ErrInvalidOption)
	}
}
