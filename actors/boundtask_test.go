package actors_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

var errEnough = errors.New("enough")

// binds are the ways to submit a task with CancelWithContext. wait returns the task's error,
// if anybody is told.
func binds[In any](pool *actors.Pool[In, In]) map[string]func(ctx context.Context, in In, opts ...actors.TaskOption) (wait func() error, err error) {
	untold := func() error { return nil }
	return map[string]func(context.Context, In, ...actors.TaskOption) (func() error, error){
		"Submit": func(ctx context.Context, in In, opts ...actors.TaskOption) (func() error, error) {
			f, err := pool.Submit(ctx, in, append(opts, actors.CancelWithContext())...)
			if err != nil {
				return untold, err
			}
			return func() error { _, err := f.Wait(context.Background()); return err }, nil
		},
		"Tell": func(ctx context.Context, in In, opts ...actors.TaskOption) (func() error, error) {
			return untold, pool.Tell(ctx, in, append(opts, actors.CancelWithContext())...)
		},
	}
}

// eachBind runs a test for each way to submit a task.
func eachBind(t *testing.T, test func(t *testing.T, way string)) {
	t.Helper()
	for _, way := range []string{"Submit", "Tell"} {
		t.Run(way, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) { test(t, way) })
		})
	}
}

// canceled checks the error of a task that its context has canceled.
func canceled(t *testing.T, way string, err, cause error) {
	t.Helper()
	if way == "Submit" {
		require.ErrorIs(t, err, messages.ErrCanceled)
		require.ErrorIs(t, err, cause)
	}
}

func TestTheEndOfItsContextCancelsATaskWhereverItIs(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		eachBind(t, func(t *testing.T, way string) {
			causes := make(chan error, 3) // a queued task may start before its own end is noticed
			pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
				if n == 1 {
					return 0, pooltest.ErrTask
				}
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return 0, context.Cause(ctx)
			}, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithRetry(actors.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour}))
			ctx, cancel := context.WithCancelCause(t.Context())
			var waits []func() error
			for _, n := range []int{1, 2, 3, 4} { // one waits for a retry, one runs, two are queued
				wait, err := binds(pool)[way](ctx, n)
				require.NoError(t, err)
				waits = append(waits, wait)
			}
			other, err := pool.Submit(ctx, 1) // without the option
			require.NoError(t, err)
			synctest.Wait()
			assert.EqualValues(t, 4, pool.Stats().Queued)
			began := time.Now()
			cancel(errEnough)
			for _, wait := range waits {
				canceled(t, way, wait(), errEnough)
			}
			require.ErrorIs(t, <-causes, errEnough)
			synctest.Wait()
			stats := pool.Stats()
			assert.Equal(t, [3]int64{4, 1, 0}, [3]int64{stats.Canceled, stats.Queued, stats.Running}, "the other one waits for its retry")
			assert.Zero(t, time.Since(began))
			other.Cancel()
		})
	}
}

func TestAHandlerSeesTheDeadlineOfABoundContext(t *testing.T) {
	eachBind(t, func(t *testing.T, way string) {
		seen := make(chan time.Time, 1)
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
			at, _ := ctx.Deadline()
			seen <- at
			<-ctx.Done()
			return n, context.Cause(ctx)
		}, actors.WithSize(1))
		for _, tt := range []struct{ context, task time.Duration }{{time.Second, time.Minute}, {time.Minute, time.Second}} {
			ctx, cancel := context.WithTimeout(t.Context(), tt.context)
			t.Cleanup(cancel)
			want := time.Now().Add(time.Second)
			wait, err := binds(pool)[way](ctx, 1, actors.Timeout(tt.task))
			require.NoError(t, err)
			assert.WithinDuration(t, want, <-seen, 0)
			err = wait()
			time.Sleep(2 * time.Second)
			if tt.task == time.Minute {
				canceled(t, way, err, context.DeadlineExceeded)
			}
		}
		stats := pool.Stats()
		assert.Equal(t, [2]int64{1, 1}, [2]int64{stats.Canceled, stats.TimedOut})
	})
}

func TestAContextThatEndsDuringTheAdmissionCancelsTheTask(t *testing.T) {
	eachBind(t, func(t *testing.T, way string) {
		var cancel context.CancelCauseFunc
		var ran atomic.Bool
		pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
			ran.Store(true)
			<-ctx.Done()
			return n, context.Cause(ctx)
		}, actors.WithSize(1), actors.WithDispatch(router.Custom(func(router.TaskView, router.Workers) int {
			cancel(errEnough)
			synctest.Wait() // the end has been noticed, though the task has not been accepted
			return 0
		})))
		pool.Pause()
		var ctx context.Context
		ctx, cancel = context.WithCancelCause(t.Context())
		defer cancel(nil)
		wait, err := binds(pool)[way](ctx, 1)
		require.NoError(t, err)
		canceled(t, way, wait(), errEnough)
		pool.Resume()
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Canceled)
		assert.False(t, ran.Load())
	})
}

func TestABoundTaskThatWaitsForRoomIsRejectedAsAnyOther(t *testing.T) {
	eachBind(t, func(t *testing.T, way string) {
		g := pooltest.NewGate()
		pool := pooltest.Open(t, pooltest.System().Root, g.Handle, actors.WithSize(1), actors.WithQueue(0, actors.Block))
		require.NoError(t, pool.Tell(t.Context(), 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := binds(pool)[way](ctx, 2)
		require.ErrorIs(t, err, messages.ErrQueueFull)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = binds(pool)[way](ctx, 3)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = binds(pool)[way](nil, 4)
		require.ErrorIs(t, err, messages.ErrInvalidOption)
		close(g.Open)
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [3]int64{1, 1, 3}, [3]int64{stats.Submitted, stats.Succeeded, stats.Rejected})
	})
}

func TestATaskInItsCallerEndsWithItsContext(t *testing.T) {
	eachBind(t, func(t *testing.T, way string) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
		require.NoError(t, pool.Tell(t.Context(), time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		wait, err := binds(pool)[way](ctx, time.Minute)
		require.NoError(t, err)
		canceled(t, way, wait(), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Canceled)
	})
}

func TestAskAndMapEndWithTheirContextsAnyway(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(1))
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errEnough) })
		_, err := pool.Ask(ctx, time.Minute, actors.CancelWithContext())
		require.ErrorIs(t, err, messages.ErrCanceled)
		require.ErrorIs(t, err, errEnough)
		for d, err := range pool.Map(t.Context(), slices.Values([]time.Duration{1, 2}), actors.CancelWithContext()) {
			require.NoError(t, err)
			assert.Positive(t, d)
		}
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [2]int64{1, 2}, [2]int64{stats.Canceled, stats.Succeeded})
	})
}

// ownDone is a context of a type that package context does not know.
type ownDone struct {
	context.Context
	done chan struct{}
}

func (o ownDone) Done() <-chan struct{} { return o.done }

func (o ownDone) Err() error {
	select {
	case <-o.done:
		return context.Canceled
	default:
		return nil
	}
}

func TestABoundTaskLeavesNothingInALongLivedContext(t *testing.T) {
	eachBind(t, func(t *testing.T, way string) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Echo[*burden], actors.WithSize(1), actors.WithQueue(4, actors.Reject))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		own := ownDone{t.Context(), make(chan struct{})}
		synctest.Wait()
		w, goroutines := new(watch), runtime.NumGoroutine()
		for range 50 {
			for _, ctx := range []context.Context{ctx, own, context.Background()} {
				wait, err := binds(pool)[way](ctx, add(w, "task", newBurden()))
				require.NoError(t, err)
				require.NoError(t, wait())
				require.NoError(t, pool.Wait(t.Context()))
			}
		}
		pool.Pause()
		for range 50 { // most of these are rejected
			_, err := binds(pool)[way](ctx, add(w, "rejected task", newBurden()))
			_, other := binds(pool)[way](own, add(w, "rejected task", newBurden()))
			if err != nil {
				require.ErrorIs(t, other, messages.ErrQueueFull)
			}
		}
		pool.Resume()
		require.NoError(t, pool.Wait(t.Context()))
		assert.Empty(t, w.left())
		assert.Less(t, runtime.NumGoroutine(), goroutines+10, "some are the pool's")
		assert.EqualValues(t, 154, pool.Stats().Succeeded)
		cancel() // it was there until now
	})
}

// hostileContext is a context one of whose methods misbehaves once it is armed.
type hostileContext struct {
	context.Context
	method string
	armed  *atomic.Bool
	does   func()
}

func (h *hostileContext) harm(method string) {
	if method == h.method && h.armed.Load() {
		h.does()
	}
}

func (h *hostileContext) Done() <-chan struct{} { h.harm("Done"); return h.Context.Done() }
func (h *hostileContext) Err() error            { h.harm("Err"); return h.Context.Err() }
func (h *hostileContext) Value(key any) any     { h.harm("Value"); return h.Context.Value(key) }
func (h *hostileContext) Deadline() (time.Time, bool) {
	h.harm("Deadline")
	return h.Context.Deadline()
}

// Whatever the context does once its task has been accepted, its end cancels the task, and
// the pool settles other tasks.
func TestAHostileContextStillCancelsItsTasks(t *testing.T) {
	for _, method := range []string{"Done", "Err", "Value", "Deadline"} {
		for how, does := range map[string]func(release chan struct{}){
			"panics": func(chan struct{}) { panic("context") },
			"exits":  func(chan struct{}) { runtime.Goexit() },
			"blocks": func(release chan struct{}) { <-release },
		} {
			t.Run(method+" "+how, func(t *testing.T) {
				eachBind(t, func(t *testing.T, way string) {
					release := make(chan struct{})
					defer close(release)
					open := make(chan struct{})
					pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
						if n > 0 {
							ctx.Done() // before the context misbehaves
							<-open
						}
						return n, nil
					}, actors.WithSize(1))
					over, cancel := context.WithCancelCause(t.Context())
					ctx := &hostileContext{Context: over, method: method, armed: new(atomic.Bool), does: func() { does(release) }}
					for n := range 3 { // one runs until the gate opens, and two are queued
						_, err := binds(pool)[way](ctx, n+1)
						require.NoError(t, err)
					}
					synctest.Wait()
					ctx.armed.Store(true)
					began := time.Now()
					cancel(errEnough)
					time.Sleep(guard.Limit)
					synctest.Wait()
					assert.EqualValues(t, 3, pool.Stats().Canceled)
					assert.LessOrEqual(t, time.Since(began), 2*guard.Limit)
					close(open)
					_, err := pool.Ask(t.Context(), 0)
					require.NoError(t, err)

					// A task that ends by itself leaves the context, which need not answer.
					armed := ctx.armed
					armed.Store(false)
					ctx = &hostileContext{Context: t.Context(), method: method, armed: armed, does: ctx.does}
					began = time.Now()
					pool.Pause()
					_, err = binds(pool)[way](ctx, 0)
					require.NoError(t, err)
					armed.Store(true)
					pool.Resume()
					_, err = pool.Ask(t.Context(), 0)
					require.NoError(t, err)
					assert.LessOrEqual(t, time.Since(began), guard.Limit)
				})
			})
		}
	}
}
