package actors_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// openGate starts a pool whose tasks wait at a gate.
func openGate(t *testing.T, size int, opts ...actors.Option) (*actors.Pool[int, int], *pooltest.Gate) {
	gate := pooltest.NewGate()
	return pooltest.Open(t, pooltest.System().Root, gate.Handle, append(opts, actors.WithSize(size))...), gate
}

// inputs returns the inputs of answers.
func inputs[In, Out any](answers []actors.Answer[In, Out]) (ins []In) {
	for _, a := range answers {
		ins = append(ins, a.In)
	}
	return ins
}

func TestAGroupWithoutTasksIsDone(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		g := pool.Group(t.Context())
		require.NoError(t, g.Wait())
		assert.Empty(t, slices.Collect(g.Answers()))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, pool.Group(ended).Wait())
	})
}

func TestWaitReturnsWhenAllTasksOfTheGroupAreSettled(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 8)
		require.NoError(t, pool.Tell(t.Context(), time.Hour)) // is not in the group
		g := pool.Group(t.Context())
		start := time.Now()
		for i := range 4 {
			require.NoError(t, g.Submit(time.Duration(i+1)*second))
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				assert.NoError(t, g.Wait())
				assert.Equal(t, 4*second, time.Since(start))
			})
		}
		all.Wait()
		assert.Equal(t, []time.Duration{second, 2 * second, 3 * second, 4 * second}, inputs(slices.Collect(g.Answers())))
		require.NoError(t, g.Submit(second))
		require.NoError(t, g.Wait())
		assert.Equal(t, 5*second, time.Since(start), "a group can be used again")
	})
}

func TestWaitReturnsTheFirstErrorInTime(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(3))
		g := pool.Group(t.Context())
		failing := func(after time.Duration, err error) job {
			return func(ctx context.Context) error { return errors.Join(lasting(after)(ctx), err) }
		}
		require.NoError(t, g.Submit(failing(3*second, errAsked)))
		require.NoError(t, g.Submit(failing(second, pooltest.ErrTask)))
		require.NoError(t, g.Submit(failing(2*second, nil)))
		for range 2 {
			err := g.Wait()
			require.ErrorIs(t, err, pooltest.ErrTask)
			require.NotErrorIs(t, err, errAsked)
		}
		assert.Equal(t, []int64{1, 2}, []int64{pool.Stats().Succeeded, pool.Stats().Failed}, "all tasks ran")
	})
}

func TestARejectedSubmitIsAnErrorOfTheGroup(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1, actors.WithQueue(0, actors.Reject))
		g := pool.Group(t.Context())
		require.NoError(t, g.Submit(second))
		require.ErrorIs(t, g.Submit(second), messages.ErrQueueFull)
		require.ErrorIs(t, g.Wait(), messages.ErrQueueFull)
		assert.Len(t, slices.Collect(g.Answers()), 2, "its answer says that it was rejected")

		h := pool.Group(t.Context())
		require.ErrorIs(t, h.Submit(second, actors.Ahead(3)), messages.ErrInvalidOption)
		require.ErrorIs(t, h.Wait(), messages.ErrInvalidOption)
		assert.EqualValues(t, 2, pool.Stats().Rejected)
	})
}

func TestAGroupThatMakesNoSenseSaysSo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		var nothing context.Context
		for name, g := range map[string]*actors.Group[time.Duration, time.Duration]{
			"MaxInFlight(0)":        pool.Group(t.Context(), actors.MaxInFlight(0)),
			"MaxInFlight(-3)":       pool.Group(t.Context(), actors.FailFast(), actors.MaxInFlight(-3)),
			"group option 1 is nil": pool.Group(t.Context(), actors.FailFast(), nil),
			"nil context":           pool.Group(nothing),
		} {
			for range 2 {
				err := g.Submit(second)
				require.ErrorIs(t, err, messages.ErrInvalidOption)
				require.ErrorContains(t, err, name)
				assert.Equal(t, err, g.Wait())
			}
			assert.Empty(t, slices.Collect(g.Answers()))
		}
		stats := pool.Stats()
		assert.EqualValues(t, 8, stats.Rejections[messages.RejectedInvalid])
		assert.Zero(t, stats.Submitted)
	})
}

func TestTheEndOfItsContextCancelsAGroup(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 2)
		ctx, cancel := context.WithCancelCause(t.Context())
		g := pool.Group(ctx)
		for range 5 {
			require.NoError(t, g.Submit(time.Hour))
		}
		start := time.Now()
		time.AfterFunc(second, func() { cancel(errAsked) })
		err := g.Wait()
		require.ErrorIs(t, err, messages.ErrCanceled)
		require.ErrorIs(t, err, errAsked)
		assert.Equal(t, second, time.Since(start))
		for a := range g.Answers() {
			assert.Equal(t, messages.Canceled, a.Outcome)
			require.ErrorIs(t, a.Err, errAsked)
		}
		err = g.Submit(second)
		require.ErrorIs(t, err, errAsked)
		require.NotErrorIs(t, err, messages.ErrCanceled, "as that of Ask")
		stats := pool.Stats()
		assert.EqualValues(t, 5, stats.Canceled)
		assert.EqualValues(t, 1, stats.Rejections[messages.RejectedCanceled])
	})
}

func TestATaskOfAGroupHasTheValuesOfItsContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t)
		g := pool.Group(context.WithValue(t.Context(), contextKey{}, "a value"))
		require.NoError(t, g.Submit(func(ctx context.Context) error {
			assert.Equal(t, "a value", ctx.Value(contextKey{}))
			return nil
		}))
		require.NoError(t, g.Wait())
	})
}

func TestAnswersEndWhenNothingIsUnsettled(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 2)
		g := pool.Group(t.Context())
		for i := range 3 {
			require.NoError(t, g.Submit(time.Duration(3-i)*second))
		}
		var ins []time.Duration
		for a := range g.Answers() {
			require.NoError(t, a.Err)
			ins = append(ins, a.In)
			if len(ins) < 5 {
				require.NoError(t, g.Submit(time.Duration(10*len(ins))*second))
			}
		}
		assert.Len(t, ins, 7)
		require.NoError(t, g.Wait())
	})
}

func TestAGroupsHandlersSubmitToIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var g *actors.Group[int, int]
		pool := pooltest.Open(t, pooltest.System().Root, func(_ context.Context, n int) (int, error) {
			for range 2 {
				if n > 0 {
					assert.NoError(t, g.Submit(n-1))
				}
			}
			return n, nil
		}, actors.WithSize(3))
		g = pool.Group(t.Context())
		require.NoError(t, g.Submit(6))
		assert.Len(t, slices.Collect(g.Answers()), 1<<7-1)
		require.NoError(t, g.Submit(5))
		require.NoError(t, g.Wait())
		assert.Len(t, slices.Collect(g.Answers()), 1<<6-1)
	})
}

func TestALoopThatBreaksOffLeavesTheRest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		g := pool.Group(t.Context())
		for i := range 5 {
			require.NoError(t, g.Submit(time.Duration(i)))
		}
		var ins []time.Duration
		for range 5 {
			for a := range g.Answers() {
				ins = append(ins, a.In)
				break
			}
		}
		assert.Equal(t, []time.Duration{0, 1, 2, 3, 4}, ins)
		assert.Empty(t, slices.Collect(g.Answers()))
	})
}

func TestSeveralLoopsShareTheAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 3)
		g := pool.Group(t.Context())
		const n = 100
		for i := range n {
			require.NoError(t, g.Submit(time.Duration(i)*time.Millisecond))
		}
		var mu sync.Mutex
		seen := make(map[time.Duration]int)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for a := range g.Answers() {
					mu.Lock()
					seen[a.In]++
					mu.Unlock()
					if i == 0 {
						break // the others take the rest
					}
				}
			})
		}
		all.Wait()
		assert.Len(t, seen, n)
		for in, times := range seen {
			assert.Equal(t, 1, times, in)
		}
	})
}

func TestAnAnswerOfAGroupHasWhatAResultHas(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		worker := pool.Stats().Workers[0].ID
		g := pool.Group(t.Context())
		require.NoError(t, g.Submit(second, actors.ID("first")))
		require.NoError(t, g.Submit(2*second))
		assert.Equal(t, []sleepAnswer{
			{ID: "first", In: second, Out: second, Outcome: messages.Succeeded, Attempts: 1, Worker: worker, Run: second},
			{ID: "2", In: 2 * second, Out: 2 * second, Outcome: messages.Succeeded, Attempts: 1, Worker: worker, Wait: second, Run: 2 * second},
		}, slices.Collect(g.Answers()))
	})
}

func TestAClosedPoolSettlesItsGroups(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, _ := openGate(t, 1)
		g := pool.Group(t.Context(), actors.MaxInFlight(3))
		for n := range 3 {
			require.NoError(t, g.Submit(n))
		}
		blocked := make(chan error, 1)
		go func() { blocked <- g.Submit(3) }()
		synctest.Wait()
		pool.Close()
		require.ErrorIs(t, g.Wait(), messages.ErrPoolStopped)
		require.ErrorIs(t, <-blocked, messages.ErrPoolStopped)
		assert.Len(t, slices.Collect(g.Answers()), 4)
	})
}

func TestRetriedTasksOfAGroupAreSettledOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(2), actors.WithRetry(actors.Retry{Attempts: 3, Min: second, Max: second, Panics: true}))
		g := pool.Group(t.Context())
		require.NoError(t, g.Submit(func(ctx context.Context) error {
			if actors.Attempt(ctx) < 3 {
				panic("again")
			}
			return nil
		}))
		for a := range g.Answers() {
			require.NoError(t, a.Err)
			assert.Equal(t, 3, a.Attempts)
			assert.Equal(t, 2*second, a.Wait)
		}
		require.NoError(t, g.Wait())
	})
}

func TestAGroupIsToldOfTasksThatAreDroppedAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, _ := openGate(t, 1, actors.WithQueue(1, actors.DropNewest))
		g := pool.Group(t.Context())
		for i := range 3 {
			require.NoError(t, g.Submit(i))
		}
		pool.Close()
		require.ErrorIs(t, g.Wait(), messages.ErrDropped)
		require.Len(t, slices.Collect(g.Answers()), 3)
	})
}
