package actors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// submission is one of the ways to submit a task.
type submission[In any] struct {
	name string
	do   func(ctx context.Context, in In, opts ...actors.TaskOption) error
}

func submissions[In, Out any](pool *actors.Pool[In, Out]) []submission[In] {
	return []submission[In]{
		{"Ask", func(ctx context.Context, in In, opts ...actors.TaskOption) error {
			_, err := pool.Ask(ctx, in, opts...)
			return err
		}},
		{"Submit", func(ctx context.Context, in In, opts ...actors.TaskOption) error {
			_, err := pool.Submit(ctx, in, opts...)
			return err
		}},
		{"Tell", pool.Tell},
	}
}

func TestTheWaitForAdmissionEndsWithTheContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(0, actors.Block))
		require.NoError(t, pool.Tell(t.Context(), time.Hour))
		synctest.Wait()
		for _, s := range submissions(pool) {
			before := pool.Stats()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			err := s.do(ctx, time.Hour)
			cancel()
			assert.ErrorIs(t, err, messages.ErrQueueFull, s.name)
			assert.ErrorIs(t, err, context.DeadlineExceeded, s.name)
			assert.Equal(t, time.Second, time.Since(began), s.name)
			after := pool.Stats()
			assert.Equal(t, before.Rejected+1, after.Rejected, s.name)
			assert.Equal(t, before.Submitted, after.Submitted, s.name)
		}
		began := time.Now()
		require.NoError(t, pool.Tell(t.Context(), 0))
		assert.Less(t, time.Since(began), time.Hour)
		assert.Positive(t, time.Since(began), "it had to wait for the first to end")
	})
}

func TestAnEndedContextSubmitsNothing(t *testing.T) {
	timelimit.Set(t)
	pool := pooltest.Open(t, pooltest.System().Root, pooltest.Double)
	cause := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, s := range submissions(pool) {
		assert.ErrorIs(t, s.do(ctx, 1), cause, s.name)
	}
	stats := pool.Stats()
	assert.Equal(t, [2]int64{0, 3}, [2]int64{stats.Submitted, stats.Rejected})
}

func TestTheEndOfAsksContextCancelsTheTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1))
		for _, tt := range []struct {
			name  string
			begun []int
		}{{"running", []int{1}}, {"queued", nil}} {
			if tt.name == "queued" {
				require.NoError(t, pool.Tell(t.Context(), 0))
				synctest.Wait()
				g.Order()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			_, err := pool.Ask(ctx, 1)
			cancel()
			assert.ErrorIs(t, err, messages.ErrCanceled, tt.name)
			assert.ErrorIs(t, err, context.DeadlineExceeded, tt.name)
			assert.Equal(t, time.Second, time.Since(began), tt.name)
			synctest.Wait()
			assert.Equal(t, tt.begun, g.Order(), tt.name)
		}
		stats := pool.Stats()
		assert.EqualValues(t, 2, stats.Canceled)
		assert.Zero(t, stats.Queued)
	})
}

func TestTheEndOfSubmitsAndTellsContextLeavesTheTaskAlone(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2))
		ctx, cancel := context.WithCancel(t.Context())
		_, err := pool.Submit(ctx, time.Minute)
		require.NoError(t, err)
		require.NoError(t, pool.Tell(ctx, time.Minute))
		synctest.Wait()
		cancel()
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 2, pool.Stats().Succeeded)
	})
}

type contextKey struct{}

func TestTheHandlersContextHasTheCallersValuesAndTheTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			assert.Equal(t, "value", ctx.Value(contextKey{}))
			task, ok := actors.TaskFromContext(ctx)
			assert.True(t, ok)
			assert.Equal(t, messages.Task{ID: "id", Key: "key", Headers: map[string]string{"h": "v", "i": "w"}}, task)
			deadline, ok := ctx.Deadline()
			assert.True(t, ok)
			assert.Equal(t, time.Minute, time.Until(deadline))
			return 0, nil
		}, actors.WithSize(1))
		ctx := context.WithValue(t.Context(), contextKey{}, "value")
		_, err := pool.Ask(ctx, 1, actors.ID("id"), actors.Key("key"), actors.Header("h", "v"),
			actors.Header("i", "w"), actors.Timeout(time.Minute))
		require.NoError(t, err)
	})
}

func TestTheHandlersContextTellsWhyItEnded(t *testing.T) {
	type ended struct{ err, cause error }
	for _, tt := range []struct {
		name       string
		end        func(t *testing.T, pool *actors.Pool[int, int], f *actors.Future[int])
		err, cause error
		outcome    messages.Outcome
	}{
		{
			"timeout", func(*testing.T, *actors.Pool[int, int], *actors.Future[int]) { time.Sleep(time.Hour) },
			context.DeadlineExceeded, messages.ErrTaskTimeout, messages.TimedOut,
		},
		{
			"cancel", func(_ *testing.T, _ *actors.Pool[int, int], f *actors.Future[int]) { f.Cancel() },
			context.Canceled, messages.ErrCanceled, messages.Canceled,
		},
		{
			"close", func(_ *testing.T, p *actors.Pool[int, int], _ *actors.Future[int]) { p.Close() },
			context.Canceled, messages.ErrPoolStopped, messages.Canceled,
		},
	} {
		// A handler may look at its context before it has ended, or only after.
		for _, early := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					root := pooltest.System().Root
					got := make(chan ended, 1)
					late := make(chan struct{})
					pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
						if !early {
							<-late
						}
						<-ctx.Done()
						got <- ended{ctx.Err(), context.Cause(ctx)}
						return 0, ctx.Err()
					}, actors.WithSize(1))
					f, err := pool.Submit(t.Context(), 1, actors.Timeout(time.Hour))
					require.NoError(t, err)
					synctest.Wait()
					tt.end(t, pool, f)
					close(late)
					e := <-got
					assert.ErrorIs(t, e.err, tt.err)
					assert.ErrorIs(t, e.cause, tt.cause)
					_, err = f.Wait(t.Context())
					assert.Equal(t, tt.outcome, pooltest.OutcomeOf(err), err)
				})
			})
		}
	}
}

// What a handler leaves running when it returns can rely on its context to end,
// once anything has been asked of that.
func TestTheHandlersContextEndsWhenTheHandlerHasReturned(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var kept context.Context
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			kept = ctx
			return 0, ctx.Err()
		}, actors.WithSize(1))
		_, err := pool.Ask(context.Background(), 1)
		require.NoError(t, err)
		require.NoError(t, pool.Wait(t.Context()))
		assert.ErrorIs(t, kept.Err(), context.Canceled)
	})
}

func TestTheHandlersContextEndsAlsoIfDoneIsCalledLater(t *testing.T) {
	for name, opts := range map[string][]actors.TaskOption{"plain": nil, "with a key": {actors.Key("k")}} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				ended := make(chan struct{})
				pool := pooltest.Open(t, root, func(ctx context.Context, leaves bool) (bool, error) {
					if leaves {
						go func() {
							time.Sleep(time.Second)
							<-ctx.Done()
							close(ended)
						}()
					}
					return leaves, nil
				}, actors.WithSize(1))
				require.NoError(t, pool.Tell(t.Context(), true, opts...))
				time.Sleep(time.Minute)
				_, err := pool.Ask(t.Context(), false)
				require.NoError(t, err)
				synctest.Wait()
				select {
				case <-ended:
				default:
					t.Error("it has not ended")
				}
			})
		})
	}
}

func TestACauseAppearsOnceInAnError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var heard error
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			time.Sleep(time.Second)
			return 0, fmt.Errorf("half way: %w", context.Cause(ctx))
		}, actors.WithTracer(&ears{heard: &heard}))
		_, err := pool.Ask(t.Context(), 1, actors.Timeout(time.Second/2))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualError(t, heard, "half way: "+messages.ErrTaskTimeout.Error())
	})
}

// ears hear how the last attempt ended.
type ears struct{ heard *error }

func (e *ears) Submitted(_ context.Context, task router.Traced) (map[string]string, func(error)) {
	return task.Headers, nil
}

func (e *ears) Begun(ctx context.Context, _ router.Traced) (context.Context, func(messages.Outcome, error)) {
	return ctx, func(_ messages.Outcome, err error) { *e.heard = err }
}
