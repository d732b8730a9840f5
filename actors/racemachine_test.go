package actors_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A contest is a task of the test below, with what its copies do in the order of their calls.
type contest struct {
	courses []course
	calls   int
	running int
	won     bool // a call has succeeded
	failed  []error
}

// A course says how long one call takes, and how it ends.
type course struct {
	takes  time.Duration
	fails  bool
	panics bool
	deaf   bool // ignores its context
}

var errCourse = errors.New("a call has failed")

func (w course) run(ctx context.Context) error {
	if w.deaf {
		time.Sleep(w.takes)
	} else if _, err := pooltest.Sleep(ctx, w.takes); err != nil {
		return err
	}
	switch {
	case w.panics:
		panic(errCourse)
	case w.fails:
		return errCourse
	default:
		return nil
	}
}

func TestCopiesNeverChangeWhatTheLedgerCounts(t *testing.T) {
	seconds := rapid.Map(rapid.IntRange(1, 40), func(n int) time.Duration { return time.Duration(n) * time.Second })
	courses := rapid.Custom(func(t *rapid.T) course {
		return course{
			takes: seconds.Draw(t, "takes"), fails: rapid.Bool().Draw(t, "fails"),
			panics: rapid.IntRange(0, 9).Draw(t, "panics") == 0, deaf: rapid.IntRange(0, 9).Draw(t, "deaf") == 0,
		}
	})
	plans := rapid.SampledFrom([][]actors.Option{
		{actors.WithDispatch(router.ScatterGather(time.Minute))},
		{actors.WithDispatch(router.TailChopping(5*time.Second, time.Minute))},
		{actors.WithHedge(5 * time.Second), actors.WithTaskTimeout(time.Minute)},
		{actors.WithHedge(5 * time.Second), actors.WithTaskTimeout(time.Minute), actors.WithDispatch(router.RoundRobin())},
	})
	rapid.Check(t, func(rt *rapid.T) {
		opts := append([]actors.Option{actors.WithSize(rapid.IntRange(1, 5).Draw(rt, "size"))}, plans.Draw(rt, "plan")...)
		retries := rapid.Bool().Draw(rt, "retries")
		if retries {
			opts = append(opts, actors.WithRetry(actors.Retry{Attempts: 2, Panics: true}))
		}
		if rapid.Bool().Draw(rt, "watchdog") {
			opts = append(opts, actors.WithWatchdog(actors.Watchdog{Grace: 10 * time.Second}))
		}
		tasks := make([]*contest, rapid.IntRange(1, 12).Draw(rt, "tasks"))
		for i := range tasks {
			tasks[i] = &contest{courses: rapid.SliceOfN(courses, 1, 5).Draw(rt, "courses")}
		}
		pauses := rapid.SliceOfN(seconds, len(tasks), len(tasks)).Draw(rt, "pauses")
		cancels := rapid.SliceOfN(rapid.IntRange(0, 5), len(tasks), len(tasks)).Draw(rt, "cancels")
		pooltest.Bubble(t, func(t *testing.T) { runContests(t, opts, tasks, pauses, cancels) })
	})
}

func runContests(t *testing.T, opts []actors.Option, tasks []*contest, pauses []time.Duration, cancels []int) {
	mutex := make(chan struct{}, 1)
	locked := func(f func()) {
		mutex <- struct{}{}
		f()
		<-mutex
	}
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, c *contest) (*contest, error) {
		var next course
		locked(func() {
			next = c.courses[min(c.calls, len(c.courses)-1)]
			c.calls++
			c.running++
		})
		err := errors.New("the call has panicked")
		defer func() {
			locked(func() {
				c.running--
				if err != nil {
					c.failed = append(c.failed, err)
				} else {
					c.won = true
				}
			})
		}()
		err = next.run(ctx)
		return c, err
	}, opts...)
	futures := make([]*actors.Future[*contest], len(tasks))
	for i, c := range tasks {
		f, err := pool.Submit(t.Context(), c, actors.Idempotent())
		require.NoError(t, err)
		futures[i] = f
		time.Sleep(pauses[i])
		if cancels[i] == 0 {
			f.Cancel()
		}
		stats := pool.Stats()
		require.True(t, stats.Balanced(), "%+v", stats)
		require.GreaterOrEqual(t, stats.Running, int64(0))
		require.EqualValues(t, i+1, stats.Submitted)
	}
	for i, f := range futures {
		out, err := f.Wait(t.Context())
		if err == nil {
			assert.Same(t, tasks[i], out)
			locked(func() { assert.True(t, tasks[i].won, "a success comes from a call that has succeeded") })
			continue
		}
		if errors.Is(err, messages.ErrTaskTimeout) || errors.Is(err, messages.ErrCanceled) {
			continue
		}
		require.ErrorIs(t, err, errCourse)
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	stats := pool.Stats()
	assert.True(t, stats.Balanced())
	assert.Zero(t, stats.Running+stats.Queued)
	assert.Zero(t, stats.Busy)
	calls, retries := 0, stats.Retries
	for _, c := range tasks {
		assert.Zero(t, c.running)
		calls += c.calls
	}
	assert.LessOrEqual(t, stats.Copies, int64(calls))
	assert.GreaterOrEqual(t, int64(len(tasks))+retries+stats.Copies, int64(calls), "each call is an attempt or a copy")
}
