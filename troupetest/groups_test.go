package troupetest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
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
