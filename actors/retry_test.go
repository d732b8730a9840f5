package actors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

func TestAFailedTaskIsRetriedAfterDelaysThatDouble(t *testing.T) {
	const s = time.Second
	for name, tt := range map[string]struct {
		plan    []func() error
		policy  func(*actors.Retry)
		began   []time.Duration
		outcome messages.Outcome
	}{
		"succeeds at the third":           {[]func() error{failing, failing}, nil, []time.Duration{0, s, 3 * s}, messages.Succeeded},
		"fails at the last":               {[]func() error{failing, failing, failing, failing}, nil, []time.Duration{0, s, 3 * s, 7 * s}, messages.Failed},
		"the delay has a maximum":         {[]func() error{failing, failing, failing}, func(p *actors.Retry) { p.Max = s * 3 / 2 }, []time.Duration{0, s, s * 5 / 2, 4 * s}, messages.Succeeded},
		"no delay":                        {[]func() error{failing, failing}, func(p *actors.Retry) { p.Min, p.Max = 0, 0 }, []time.Duration{0, 0, 0}, messages.Succeeded},
		"not every error":                 {[]func() error{failing}, func(p *actors.Retry) { p.On = func(err error) bool { return !errors.Is(err, pooltest.ErrTask) } }, []time.Duration{0}, messages.Failed},
		"every error by default":          {[]func() error{failing, failing}, func(p *actors.Retry) { p.On = nil }, []time.Duration{0, s, 3 * s}, messages.Succeeded},
		"no panic unless asked for":       {[]func() error{crashing}, nil, []time.Duration{0}, messages.Panicked},
		"a panic":                         {[]func() error{crashing, failing}, panics, []time.Duration{0, s, 3 * s}, messages.Succeeded},
		"a Goexit":                        {[]func() error{exiting, exiting}, panics, []time.Duration{0, s, 3 * s}, messages.Succeeded},
		"panics to the end":               {[]func() error{crashing, exiting, crashing, crashing}, panics, []time.Duration{0, s, 3 * s, 7 * s}, messages.Panicked},
		"the handler forbids it":          {[]func() error{func() error { return fmt.Errorf("wrapped: %w", messages.NoRetry(pooltest.ErrTask)) }}, nil, []time.Duration{0}, messages.Failed},
		"the handler names a time":        {[]func() error{func() error { return messages.RetryAfter(5 * s) }, failing}, nil, []time.Duration{0, 5 * s, 7 * s}, messages.Succeeded},
		"or says at once":                 {[]func() error{func() error { return messages.RetryAfter(-1) }}, nil, []time.Duration{0, 0}, messages.Succeeded},
		"a time whatever the policy":      {[]func() error{func() error { return messages.RetryAfter(5 * s) }}, func(p *actors.Retry) { p.On = func(error) bool { return false } }, []time.Duration{0, 5 * s}, messages.Succeeded},
		"a policy that panics is a panic": {[]func() error{failing}, func(p *actors.Retry) { p.On = func(error) bool { panic("policy") } }, []time.Duration{0}, messages.Panicked},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				if tt.policy == nil {
					tt.policy = func(*actors.Retry) {}
				}
				a := &attempts{plan: tt.plan}
				pool := pooltest.Open(t, root, a.handle, actors.WithSize(1), retry(tt.policy))
				_, err := pool.Ask(t.Context(), 1)
				assert.Equal(t, tt.outcome, pooltest.OutcomeOf(err), "%v", err)
				assert.Equal(t, tt.began, a.began)
				synctest.Wait()
				stats := pool.Stats()
				assert.EqualValues(t, len(tt.began)-1, stats.Retries)
				assert.EqualValues(t, 1, stats.Submitted)
				assert.EqualValues(t, 1, stats.Settled())
				assert.EqualValues(t, len(tt.began), stats.RunTime.Count, "each attempt is measured")
			})
		})
	}
}

func TestAWaitingRetryIsQueuedAndHoldsNoWorker(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				a := &attempts{plan: []func() error{failing}}
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					if n == 0 {
						return a.handle(ctx, n)
					}
					return n, nil
				}, actors.WithSize(1), actors.WithDispatch(dispatch), retry())
				future, err := pool.Submit(t.Context(), 0)
				require.NoError(t, err)
				synctest.Wait()
				stats := pool.Stats()
				assert.Equal(t, [5]int64{1, 1, 0, 1, 0}, [5]int64{stats.Submitted, stats.Queued, stats.Running, stats.Delayed, int64(stats.Busy)})
				assert.Zero(t, stats.OldestQueued, "it could not be begun")
				out, err := pool.Ask(t.Context(), 7)
				require.NoError(t, err)
				assert.Equal(t, 7, out, "the worker is free")
				assert.Len(t, a.began, 1)
				began := time.Now()
				require.NoError(t, pool.Wait(t.Context()), "the pool is quiet only after the retry")
				assert.Equal(t, time.Second, time.Since(began))
				out, err = future.Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 2, out)
			})
		})
	}
}

// Whatever can become of a queued task can become of one that waits for its next
// attempt.
func TestAWaitingRetryIsInReach(t *testing.T) {
	always := func(context.Context, int) (int, error) { return 0, pooltest.ErrTask }
	for name, tt := range map[string]struct {
		do      func(t *testing.T, pool *actors.Pool[int, int], future *actors.Future[int])
		options []actors.TaskOption
		after   time.Duration
		want    messages.Outcome
	}{
		"cancel": {func(_ *testing.T, _ *actors.Pool[int, int], f *actors.Future[int]) { f.Cancel() }, nil, 0, messages.Canceled},
		"close":  {func(_ *testing.T, p *actors.Pool[int, int], _ *actors.Future[int]) { p.Close() }, nil, 0, messages.Dropped},
		"shutdown in time": {func(t *testing.T, p *actors.Pool[int, int], _ *actors.Future[int]) {
			report, err := p.Shutdown(t.Context())
			assert.NoError(t, err)
			assert.EqualValues(t, 1, report.Finished)
		}, nil, 7 * time.Second, messages.Failed},
		"shutdown too late": {func(t *testing.T, p *actors.Pool[int, int], _ *actors.Future[int]) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			report, err := p.Shutdown(ctx)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.EqualValues(t, 1, report.Dropped)
		}, nil, 2 * time.Second, messages.Dropped},
		"timeout while it is paused": {
			func(_ *testing.T, p *actors.Pool[int, int], _ *actors.Future[int]) { p.Pause() },
			[]actors.TaskOption{actors.Timeout(3 * time.Second)},
			3 * time.Second, messages.TimedOut,
		},
		"a timeout before the next attempt is known at once": {
			func(*testing.T, *actors.Pool[int, int], *actors.Future[int]) {},
			[]actors.TaskOption{actors.Timeout(time.Second)},
			0, messages.Failed,
		},
		"the end of the last worker": {func(_ *testing.T, p *actors.Pool[int, int], _ *actors.Future[int]) {
			_ = p.Tell(context.Background(), -1)
		}, nil, 0, messages.Dropped},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					if n < 0 {
						panic(pooltest.ErrTask)
					}
					return always(ctx, n)
				}, actors.WithSize(1), retry(), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))))
				began := time.Now()
				future, err := pool.Submit(t.Context(), 1, tt.options...)
				require.NoError(t, err)
				synctest.Wait()
				tt.do(t, pool, future)
				_, err = future.Wait(t.Context())
				assert.Equal(t, tt.want, pooltest.OutcomeOf(err), "%v", err)
				assert.Equal(t, tt.after, time.Since(began))
				assert.Zero(t, pool.Stats().Delayed)
			})
		})
	}
}

// A task is not retried if its next attempt would start after its caller has left.
func TestAnAskHearsTheErrorAtOnceIfARetryWouldBeTooLate(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { return 0, pooltest.ErrTask }, retry())
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		_, err := pool.Ask(ctx, 1)
		assert.ErrorIs(t, err, pooltest.ErrTask)
		assert.Equal(t, time.Second, time.Since(began), "the second attempt was in time, the third would not be")
	})
}

func TestResultsTellOfAllAttempts(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if _, err := pooltest.Sleep(ctx, time.Minute); err != nil || actors.Attempt(ctx) <= n {
				return 0, pooltest.ErrTask
			}
			return n, nil
		}, actors.WithSize(1), retry())
		result := in.Result(t, pool.PID(), &messages.Task{ID: "a", Payload: 2})
		assert.Equal(t, &messages.Result{
			TaskID: "a", Value: 2, Outcome: messages.Succeeded, Worker: pool.Stats().Workers[0].ID, Pool: pool.Stats().Pool,
			Attempts: 3, Run: 3 * time.Minute, Wait: 3 * time.Second,
		}, result)
		result = in.Result(t, pool.PID(), &messages.Task{Payload: 9})
		assert.Equal(t, 4, result.Attempts)
		assert.Equal(t, messages.Failed, result.Outcome)

		// The second attempt would begin in time, but the pool is paused.
		in.Request(pool.PID(), &messages.Task{Payload: 9, Timeout: 2 * time.Minute})
		synctest.Wait()
		pool.Pause()
		result = (<-in.Mail).(*messages.Result)
		assert.Equal(t, messages.TimedOut, result.Outcome)
		assert.Equal(t, [3]any{1, time.Minute, time.Minute}, [3]any{result.Attempts, result.Run, result.Wait})
		assert.Equal(t, pool.Stats().Workers[0].ID, result.Worker)
	})
}

func TestAnActorsTaskThatPanickedIsRetriedByTheActor(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		crashes := 2
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if text, ok := ctx.Message().(string); ok {
					if crashes--; crashes >= 0 {
						panic(text)
					}
					ctx.Respond(text + " at last")
				}
			})
		}, actors.WithSize(2), retry(panics)))
		began := time.Now()
		assert.Equal(t, "done at last", in.Ask(pool, "done"))
		assert.Equal(t, 3*time.Second, time.Since(began))
		synctest.Wait() // the response comes a moment before the outcome
		stats := in.Stats(t, pool)
		assert.Equal(t, [4]int64{1, 0, 2, 2}, [4]int64{stats.Succeeded, stats.Panicked, stats.Retries, stats.Restarts})
	})
}

// Jitter keeps within the bounds to the nanosecond.
func TestRetryDelaysWithJitterAreWithinTheBounds(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		a := new(attempts)
		for range 50 {
			a.plan = append(a.plan, failing)
		}
		pool := pooltest.Open(t, root, a.handle, actors.WithSize(1), retry(func(p *actors.Retry) { p.Attempts, p.Max, p.Jitter = 51, time.Minute, 0.3 }))
		_, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		differ := map[time.Duration]bool{}
		for i := 1; i < len(a.began); i++ {
			delay := a.began[i] - a.began[i-1]
			assert.GreaterOrEqual(t, delay, time.Second)
			assert.LessOrEqual(t, delay, time.Minute)
			if i > 10 {
				assert.GreaterOrEqual(t, delay, 42*time.Second)
				differ[delay] = true
			}
		}
		assert.Greater(t, len(differ), 30)
	})
}

func TestABadRetryPolicyIsAnError(t *testing.T) {
	for _, policy := range []actors.Retry{
		{},
		{Attempts: 1},
		{Attempts: -1},
		{Attempts: 3, Min: -1},
		{Attempts: 3, Min: 2, Max: 1},
		{Attempts: 3, Max: 1},
		{Attempts: 3, Jitter: 2},
	} {
		_, err := actors.NewPool(pooltest.System().Root, pooltest.Double, actors.WithRetry(policy))
		assert.ErrorIs(t, err, messages.ErrInvalidOption, "%+v", policy)
	}
}
