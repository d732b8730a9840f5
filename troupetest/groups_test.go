package troupetest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/troupetest"
)

func TestTheTasksOfEachAreRecorded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.New(t, pooltest.Sleep, actors.WithSize(2))
		ins := []time.Duration{3 * time.Hour, time.Hour, time.Hour}
		for answer := range pool.Each(t.Context(), slices.Values(ins)) {
			require.NoError(t, answer.Err)
			task := pool.Task(answer.ID)
			assert.Equal(t, messages.Succeeded, task.Outcome, "before the loop gets the answer")
			assert.Equal(t, answer.In, task.In)
			assert.Equal(t, answer.Worker, task.Worker)
		}
		assert.Equal(t, ins, pool.Submitted())

		for range pool.Each(t.Context(), slices.Values([]time.Duration{time.Hour, 2 * time.Hour})) {
			break
		}
		assert.Equal(t, map[messages.Outcome]int{messages.Succeeded: 4, messages.Canceled: 1}, pool.Outcomes())
	})
}

func TestTheTasksOfAGroupAreRecorded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.New(t, pooltest.Crash, actors.WithSize(1))
		group := pool.Group(t.Context(), actors.FailFast())
		require.NoError(t, group.Submit(1, actors.ID("first")))
		require.NoError(t, group.Submit(-1, actors.ID("crash")))
		require.NoError(t, group.Submit(2, actors.ID("last")))
		require.ErrorIs(t, group.Wait(), pooltest.ErrTask)
		assert.Equal(t, []int{1, -1, 2}, pool.Submitted())
		assert.Equal(t, messages.Succeeded, pool.Task("first").Outcome)
		assert.Equal(t, messages.Panicked, pool.Task("crash").Outcome)
		assert.Equal(t, messages.Canceled, pool.Task("last").Outcome)
		assert.Empty(t, pool.Task("last").Attempts, "no worker began it")
	})
}

func TestAFuncPoolRecordsItsFunctions(t *testing.T) {
	for name, system := range map[string]bool{"own system": false, "parent": true} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var pool *troupetest.FuncPool
				if system {
					pool = troupetest.NewFuncPool(t, pooltest.System().Root, actors.WithSize(1))
				} else {
					pool = troupetest.NewFuncPool(t, nil, actors.WithSize(1))
				}
				submitFunctions(t, pool)
			})
		})
	}
}

func submitFunctions(t *testing.T, pool *troupetest.FuncPool) {
	t.Helper()
	ran := 0
	run := func(context.Context) error {
		ran++
		return nil
	}
	require.NoError(t, pool.Go(t.Context(), run, actors.ID("go")))
	require.ErrorIs(t, pool.Do(t.Context(), func(context.Context) error { return pooltest.ErrTask }, actors.ID("do")), pooltest.ErrTask)
	group := pool.Group(t.Context())
	group.Go(run, actors.ID("group"))
	group.Go(func(context.Context) error { panic("no") }, actors.ID("crash"))
	require.Error(t, group.Wait())
	require.Error(t, pool.Go(t.Context(), nil), "it is rejected, and not in the record")

	assert.Equal(t, 2, ran)
	require.Len(t, pool.WaitAll(t.Context()), 4)
	assert.Equal(t, messages.Succeeded, pool.Task("go").Outcome)
	assert.Equal(t, pooltest.ErrTask, pool.Task("do").Err)
	assert.Equal(t, messages.Succeeded, pool.Task("group").Outcome)
	assert.Equal(t, messages.Panicked, pool.Task("crash").Outcome)
	require.NoError(t, pool.Submitted()[0](t.Context()))
	assert.Equal(t, 3, ran, "it is the function that was submitted")
}

func TestAFunctionThatNeverReturnsIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		failures := fake.run(func() {
			pool := troupetest.NewFuncPool(fake, nil)
			assert.NoError(t, pool.Go(t.Context(), func(context.Context) error {
				_, err := stuckHandler(release)
				return err
			}, actors.ID("order-7")))
			synctest.Wait()
		})
		assert.Contains(t, failures, "The handler of task order-7, which began ")
		assert.Contains(t, failures, "troupetest_test.stuckHandler(", "its stack")
		close(release)
		synctest.Wait()
	})
}

func TestAGoroutineThatAFunctionLeavesBehindIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		failures := fake.run(func() {
			pool := troupetest.NewFuncPool(fake, nil)
			assert.NoError(t, pool.Do(t.Context(), func(context.Context) error {
				go leakedGoroutine(release)
				return nil
			}))
		})
		assert.Contains(t, failures, "goroutines that this test has started are still running")
		close(release)
	})
}

func TestTheMiddlewareOfTheTestIsAroundTheKits(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var calls []string
		wrap := func(name string) actors.Option {
			return actors.WithMiddleware(func(next actors.Handler[int, int]) actors.Handler[int, int] {
				return func(ctx context.Context, n int) (int, error) {
					calls = append(calls, name)
					return next(ctx, n+1)
				}
			})
		}
		opts := make([]actors.Option, 0, 8) // with room behind the last
		opts = append(opts, actors.WithSize(1), wrap("outer"), wrap("inner"))
		for _, pool := range []*troupetest.Pool[int, int]{
			troupetest.New(t, pooltest.Double, opts...),
			troupetest.NewPoolOf(t, nil, func(context.Context) (stamp, error) { return 2, nil }, opts...),
		} {
			n, err := pool.Ask(t.Context(), 1)
			require.NoError(t, err)
			assert.Equal(t, 6, n)
			assert.Equal(t, []int{1}, pool.Submitted(), "the input of the task, not of the handler")
		}
		assert.Equal(t, "[outer inner outer inner]", fmt.Sprint(calls))
		assert.Nil(t, opts[:4][3], "the options of the caller are unchanged")
	})
}
