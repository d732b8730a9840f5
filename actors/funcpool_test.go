package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

// openFuncs starts a pool of functions.
func openFuncs(t *testing.T, opts ...actors.Option) *actors.FuncPool {
	t.Helper()
	pool, err := actors.NewFuncPool(pooltest.System().Root, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		<-pool.Done()
		stats := pool.Stats()
		assert.True(t, stats.Balanced(), "%+v", stats)
	})
	return pool
}

// A taskError is an error that a caller looks for by its type.
type taskError struct{ code int }

func (e *taskError) Error() string { return fmt.Sprint("code ", e.code) }

func TestDoReturnsTheErrorOfItsFunction(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t, actors.WithSize(2))
		require.NoError(t, pool.Do(t.Context(), idle))
		own := &taskError{7}
		assert.Same(t, own, pool.Do(t.Context(), func(context.Context) error { return own }))
		wrapped := fmt.Errorf("more: %w", own)
		assert.Equal(t, wrapped, pool.Do(t.Context(), func(context.Context) error { return wrapped }))

		var crash *messages.PanicError
		require.ErrorAs(t, pool.Do(t.Context(), func(context.Context) error { panic(errAsked) }), &crash)
		assert.Equal(t, errAsked, crash.Value)
		require.ErrorAs(t, pool.Do(t.Context(), func(context.Context) error { runtime.Goexit(); return nil }), &crash)
		assert.Equal(t, messages.ErrGoexit, crash.Value)

		ctx, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		err := pool.Do(ctx, lasting(time.Hour))
		require.ErrorIs(t, err, messages.ErrCanceled)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, pool.Do(t.Context(), lasting(time.Hour), actors.Timeout(second)), messages.ErrTaskTimeout)
	})
}

func TestGoRunsAFunctionThatNobodyWaitsFor(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t, actors.WithSize(2))
		ctx, cancel := context.WithCancel(t.Context())
		var done atomic.Int32
		for range 10 {
			require.NoError(t, pool.Go(ctx, func(ctx context.Context) error {
				done.Add(1)
				return lasting(second)(ctx)
			}))
		}
		cancel()
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 10, done.Load())
		assert.EqualValues(t, 10, pool.Stats().Succeeded)
		require.ErrorIs(t, pool.Go(ctx, idle), context.Canceled)
	})
}

func TestANilFunctionIsRejected(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t)
		require.ErrorIs(t, pool.Go(t.Context(), nil), messages.ErrInvalidOption)
		require.ErrorIs(t, pool.Do(t.Context(), nil), messages.ErrInvalidOption)
		g := pool.Group(t.Context(), actors.FailFast())
		g.Go(nil)
		g.Go(idle)
		require.ErrorIs(t, g.Wait(), messages.ErrInvalidOption)
		stats := pool.Stats()
		assert.EqualValues(t, 3, stats.Rejections[messages.RejectedInvalid])
		assert.EqualValues(t, 1, stats.Rejections[messages.RejectedCanceled])
		assert.Zero(t, stats.Submitted)

		var none func(context.Context) error
		system := pooltest.System()
		other, err := actors.NewFuncPool(system.Root)
		require.NoError(t, err)
		defer other.Close()
		result := pooltest.Result(t, system, other.PID(), none)
		assert.Equal(t, messages.Failed, result.Outcome, "an actor has sent it")
		assert.ErrorIs(t, result.Err, messages.ErrInvalidOption)
	})
}

func TestTheOptionsOfAFuncPoolAreChecked(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		_, err := actors.NewFuncPool(root, actors.WithSize(-1))
		require.ErrorIs(t, err, messages.ErrInvalidOption)
		pool := openFuncs(t)
		for _, err := range []error{
			pool.Go(t.Context(), idle, actors.Ahead(2)), pool.Do(t.Context(), idle, actors.Ahead(2)),
		} {
			require.ErrorIs(t, err, messages.ErrInvalidOption)
			require.ErrorContains(t, err, "Ahead(2)")
		}
		g := pool.Group(t.Context())
		g.Go(idle, actors.Ahead(2))
		require.ErrorIs(t, g.Wait(), messages.ErrInvalidOption)
		assert.EqualValues(t, 3, pool.Stats().Rejected)
	})
}

func TestAFuncPoolHasTheMethodsOfAPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, err := actors.NewFuncPool(nil, actors.WithName("functions"), actors.WithSize(1))
		require.NoError(t, err)
		assert.Equal(t, "functions", pool.PID().Id)
		require.NoError(t, pool.Resize(t.Context(), 2))
		assert.Equal(t, 2, pool.Stats().Size)
		pool.Pause()
		require.NoError(t, pool.Go(t.Context(), idle))
		assert.EqualValues(t, 1, pool.Stats().Queued)
		pool.Resume()
		_, err = pool.Shutdown(t.Context())
		require.NoError(t, err)
		<-pool.Done()
		require.ErrorIs(t, pool.Do(t.Context(), idle), messages.ErrPoolStopped)
		assert.EqualValues(t, 1, pool.Stats().Succeeded)
	})
}

func TestAFuncPoolIsAChildOfItsParent(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pools := make(chan *actors.FuncPool, 1)
		root := pooltest.System().Root
		parent := root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				pool, err := actors.NewFuncPool(ctx)
				assert.NoError(t, err)
				pools <- pool
			}
		}))
		pool := <-pools
		require.NoError(t, pool.Do(t.Context(), idle))
		require.NoError(t, root.StopFuture(parent).Wait())
		<-pool.Done()
	})
}

// The scenarios that users of errgroup and of pond's groups know.
func TestAFuncGroupWaitsForItsFunctions(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t, actors.WithSize(4))
		require.NoError(t, pool.Group(t.Context()).Wait(), "no functions")

		g := pool.Group(t.Context())
		start := time.Now()
		for range 8 {
			g.Go(lasting(5 * second))
		}
		require.NoError(t, g.Wait())
		assert.Equal(t, 10*second, time.Since(start))

		g = pool.Group(t.Context())
		for i := range 4 {
			g.Go(func(ctx context.Context) error {
				return errors.Join(lasting(time.Duration(4-i)*second)(ctx), &taskError{i})
			})
		}
		var first *taskError
		require.ErrorAs(t, g.Wait(), &first)
		assert.Equal(t, 3, first.code, "the first error in time")

		g = pool.Group(t.Context())
		g.Go(func(context.Context) error { panic("ouch") })
		g.Go(idle)
		var crash *messages.PanicError
		require.ErrorAs(t, g.Wait(), &crash)
		assert.Equal(t, "ouch", crash.Value)
	})
}

func TestAFuncGroupStopsAtTheFirstError(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t, actors.WithSize(2))
		g := pool.Group(t.Context(), actors.FailFast(), actors.MaxInFlight(2))
		start := time.Now()
		var canceled atomic.Int32
		for i := range 10 {
			g.Go(func(ctx context.Context) error {
				if i == 3 {
					return errAsked
				}
				err := lasting(time.Minute)(ctx)
				if err != nil {
					canceled.Add(1)
				}
				return err
			})
		}
		assert.Equal(t, errAsked, g.Wait())
		assert.Equal(t, time.Minute, time.Since(start))
		require.NoError(t, pool.Wait(t.Context()))
		assert.EqualValues(t, 1, canceled.Load())
		assert.EqualValues(t, 6, pool.Stats().Rejected, "the rest of the loop")
	})
}

func TestTheContextOfAFuncGroupCancelsIt(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t, actors.WithSize(2))
		ctx, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		g := pool.Group(ctx)
		for range 5 {
			g.Go(lasting(time.Hour))
		}
		err := g.Wait()
		require.ErrorIs(t, err, messages.ErrCanceled)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.EqualValues(t, 5, pool.Stats().Canceled)
	})
}

func TestTheFunctionsOfAGroupLimitThemselves(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t, actors.WithSize(8))
		var running, most atomic.Int32
		g := pool.Group(t.Context(), actors.MaxInFlight(3))
		for range 20 {
			g.Go(func(ctx context.Context) error {
				defer running.Add(-1)
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				return lasting(second)(ctx)
			})
		}
		require.NoError(t, g.Wait())
		assert.EqualValues(t, 3, most.Load())
	})
}

func TestFunctionsSubmitToTheirGroupAndNestGroups(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openFuncs(t, actors.WithSize(3))
		var done atomic.Int32
		g := pool.Group(t.Context())
		for range 3 {
			g.Go(func(ctx context.Context) error {
				g.Go(func(context.Context) error { done.Add(1); return nil })
				return nil
			})
		}
		g.Go(func(ctx context.Context) error {
			inner := pool.Group(ctx, actors.FailFast())
			for range 5 {
				inner.Go(func(context.Context) error { done.Add(1); return nil })
			}
			return inner.Wait()
		})
		require.NoError(t, g.Wait())
		assert.EqualValues(t, 8, done.Load())
	})
}
