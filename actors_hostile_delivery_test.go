package troupe_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// To tell a sender that is gone publishes a dead letter, and to end a context asks the
// one that it was made from: both run code of the user's. These tests state that the
// pool loses nothing, whatever that does.

// hostileSender is the PID of an actor that is gone, and whose dead letters end the
// goroutine that publishes them.
func hostileSender(t *testing.T, root *actor.RootContext) *actor.PID {
	t.Helper()
	pid := root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	require.NoError(t, stopped(root.StopFuture(pid)))
	root.ActorSystem().EventStream.Subscribe(func(event any) {
		if letter, ok := event.(*actor.DeadLetterEvent); ok && letter.PID.Equal(pid) {
			runtime.Goexit()
		}
	})
	return pid
}

func TestADeadLetterThatEndsItsGoroutineKeepsNoWorkerAsleep(t *testing.T) {
	virtually(t, func(t *testing.T, root *actor.RootContext) {
		attempts := 0
		pool := open(t, root, func(ctx context.Context, fails bool) (int, error) {
			if !fails {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			if attempts++; attempts == 1 {
				return 0, errTask
			}
			return attempts, nil
		}, actors.WithSize(2), actors.WithRetry(actors.Retry{Attempts: 2, Min: time.Second, Max: time.Second, On: actors.AnyError}))
		root.RequestWithCustomSender(pool.PID(), &messages.Task{Payload: false, Timeout: time.Second}, hostileSender(t, root))
		n, err := pool.Ask(t.Context(), true)
		require.NoError(t, err, "the retry was due when the other task timed out")
		assert.Equal(t, 2, n)
	})
}

func TestADeadLetterThatEndsItsGoroutineDoesNotHoldUpAShutdown(t *testing.T) {
	virtually(t, func(t *testing.T, root *actor.RootContext) {
		pool := open(t, root, func(context.Context, int) (int, error) { return 0, errTask },
			actors.WithRetry(actors.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour, On: actors.AnyError}))
		root.RequestWithCustomSender(pool.PID(), &messages.Task{Payload: 1}, hostileSender(t, root))
		synctest.Wait()
		over := make(chan error, 1)
		go func() {
			_, err := pool.Shutdown(context.Background())
			over <- err
		}()
		synctest.Wait()
		begun := time.Now()
		pool.Close()
		assert.NoError(t, <-over)
		assert.Zero(t, time.Since(begun))
	})
}

func TestADeadLetterThatEndsItsGoroutineCostsNoWorker(t *testing.T) {
	virtually(t, func(t *testing.T, root *actor.RootContext) {
		pool := open(t, root, func(_ context.Context, n int) (int, error) { return 1 / n, nil }, actors.WithSize(1))
		root.RequestWithCustomSender(pool.PID(), &messages.Task{Payload: 0}, hostileSender(t, root))
		synctest.Wait()
		n, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestACallersContextMayUseThePoolWhileItsTaskIsInterrupted(t *testing.T) {
	// Not in virtual time, where a mutex that is waited for is no deadlock.
	pool := open(t, quiet().Root, func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}, actors.WithSize(1))
	begun := make(chan struct{}, 100)
	ctx := valued{t.Context(), func() {
		pool.Stats()
		begun <- struct{}{}
	}}
	asked := make(chan error, 1)
	go func() {
		_, err := pool.Ask(ctx, 1)
		asked <- err
	}()
	<-begun
	pool.Close()
	require.ErrorIs(t, <-asked, messages.ErrPoolStopped)
}

func TestACallersContextMayPanicWhenItsTaskEnds(t *testing.T) {
	const ends, occupies, works = 1, 2, 3
	for name, tc := range map[string]struct {
		handler  func(ctx context.Context) error
		overflow actors.Overflow
	}{
		"well":          {func(context.Context) error { return nil }, actors.Block},
		"in an error":   {func(context.Context) error { return errTask }, actors.Block},
		"in a panic":    {func(context.Context) error { panic("handler") }, actors.Block},
		"in its caller": {func(context.Context) error { panic("handler") }, actors.CallerRuns},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T, root *actor.RootContext) {
				var hostile atomic.Bool
				var panics atomic.Int32
				ctx := valued{t.Context(), func() {
					if hostile.Load() {
						panics.Add(1)
						panic("context")
					}
				}}
				pool := open(t, root, func(ctx context.Context, n int) (int, error) {
					switch n {
					case ends:
						ctx.Done() // from now on it is the pool's to end it
						time.Sleep(time.Millisecond)
						hostile.Store(true)
						return 0, tc.handler(ctx)
					case occupies:
						time.Sleep(time.Minute)
					}
					return n, nil
				}, actors.WithSize(1), actors.WithQueue(0, tc.overflow))
				if tc.overflow == actors.CallerRuns {
					require.NoError(t, pool.Tell(t.Context(), occupies))
					synctest.Wait()
				}
				func() {
					defer func() { _ = recover() }() // to who asks, his own context may do so
					_, _ = pool.Ask(ctx, ends)
				}()
				require.NoError(t, pool.Wait(t.Context()))
				assert.Positive(t, panics.Load())
				n, err := pool.Ask(t.Context(), works)
				require.NoError(t, err)
				assert.Equal(t, works, n)
			})
		})
	}
}
