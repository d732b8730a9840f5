package actors_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

// To tell a sender that is gone publishes a dead letter, and to end a context asks the
// one that it was made from: both run code of the user's. These tests state that the
// pool loses nothing, whatever that does.

// goneSender is the PID of an actor that is gone; whoever publishes its dead letters
// calls the function.
func goneSender(t *testing.T, root *actor.RootContext, call func()) *actor.PID {
	t.Helper()
	pid := root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	require.NoError(t, pooltest.Stopped(root.StopFuture(pid)))
	root.ActorSystem().EventStream.Subscribe(func(event any) {
		if letter, ok := event.(*actor.DeadLetterEvent); ok && letter.PID.Equal(pid) {
			call()
		}
	})
	return pid
}

func TestADeadLetterThatEndsItsGoroutineKeepsNoWorkerAsleep(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		attempts := 0
		pool := pooltest.Open(t, root, func(ctx context.Context, fails bool) (int, error) {
			if !fails {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			if attempts++; attempts == 1 {
				return 0, pooltest.ErrTask
			}
			return attempts, nil
		}, actors.WithSize(2), actors.WithRetry(actors.Retry{Attempts: 2, Min: time.Second, Max: time.Second, On: actors.AnyError}))
		root.RequestWithCustomSender(pool.PID(), &messages.Task{Payload: false, Timeout: time.Second}, goneSender(t, root, runtime.Goexit))
		n, err := pool.Ask(t.Context(), true)
		require.NoError(t, err, "the retry was due when the other task timed out")
		assert.Equal(t, 2, n)
	})
}

func TestADeadLetterThatEndsItsGoroutineDoesNotHoldUpAShutdown(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { return 0, pooltest.ErrTask },
			actors.WithRetry(actors.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour, On: actors.AnyError}))
		root.RequestWithCustomSender(pool.PID(), &messages.Task{Payload: 1}, goneSender(t, root, runtime.Goexit))
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
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) { return 1 / n, nil }, actors.WithSize(1))
		root.RequestWithCustomSender(pool.PID(), &messages.Task{Payload: 0}, goneSender(t, root, runtime.Goexit))
		synctest.Wait()
		n, err := pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestACallersContextMayUseThePoolWhileItsTaskIsInterrupted(t *testing.T) {
	timelimit.Set(t)
	// Not in virtual time, where a mutex that is waited for is no deadlock.
	pool := pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, _ int) (int, error) {
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
		"in an error":   {func(context.Context) error { return pooltest.ErrTask }, actors.Block},
		"in a panic":    {func(context.Context) error { panic("handler") }, actors.Block},
		"in its caller": {func(context.Context) error { panic("handler") }, actors.CallerRuns},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				var hostile atomic.Bool
				var panics atomic.Int32
				ctx := valued{t.Context(), func() {
					if hostile.Load() {
						panics.Add(1)
						panic("context")
					}
				}}
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
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

// slowToTell is a context whose Deadline takes as long as it is told to.
type slowToTell struct {
	context.Context
	armed         atomic.Bool
	asked, answer chan struct{}
}

func (s *slowToTell) Deadline() (time.Time, bool) {
	if s.armed.CompareAndSwap(true, false) {
		close(s.asked)
		<-s.answer
	}
	return s.Context.Deadline()
}

func TestALeftoverGoroutineDoesNotEndALaterTaskAtItsDeadline(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		caller := &slowToTell{Context: context.Background(), asked: make(chan struct{}), answer: make(chan struct{})}
		made := make(chan struct{})
		pool := pooltest.Open(t, root, func(ctx context.Context, leaves bool) (bool, error) {
			if leaves {
				caller.armed.Store(true)
				go func() {
					ctx.Done()
					close(made)
				}()
				<-caller.asked
				return leaves, nil
			}
			close(caller.answer)
			<-made
			_, err := pooltest.Sleep(ctx, time.Minute)
			return leaves, err
		}, actors.WithSize(1))
		pool.Pause()
		require.NoError(t, pool.Tell(caller, true, actors.Timeout(time.Second)))
		f, err := pool.Submit(caller, false, actors.Timeout(time.Hour))
		require.NoError(t, err)
		pool.Resume()
		_, err = f.Wait(t.Context())
		require.NoError(t, err)
	})
}

func TestADeadLetterThatTakesItsTimeKeepsNoContextAlive(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		ended := make(chan time.Time, 1)
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			ended <- time.Now()
			return 0, ctx.Err()
		}, actors.WithSize(1))
		root.RequestWithCustomSender(pool.PID(), &messages.Task{Payload: 1}, goneSender(t, root, func() { time.Sleep(time.Minute) }))
		synctest.Wait()
		begun := time.Now()
		pool.Close()
		assert.Equal(t, begun, <-ended)
		time.Sleep(time.Minute) // until the subscriber has returned
	})
}

// noticed is a context that says when it is asked to end one that was made from it.
type noticed struct {
	context.Context
	ends func()
}

func (n noticed) Done() <-chan struct{} { n.ends(); return n.Context.Done() }

// logging is a log handler that calls a function for each record.
type logging struct {
	slog.Handler
	call func()
}

func (logging) Enabled(context.Context, slog.Level) bool    { return true }
func (l logging) Handle(context.Context, slog.Record) error { l.call(); return nil }
func (l logging) WithAttrs([]slog.Attr) slog.Handler        { return l }
func (l logging) WithGroup(string) slog.Handler             { return l }
func (l logging) factory(*actor.ActorSystem) *slog.Logger   { return slog.New(l) }

// A handler panics; while that is logged, a goroutine it left behind asks for its
// context for the first time, and the caller's panics when the pool ends it.
func TestALateContextThatPanicsCostsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var armed, hostile atomic.Bool
		asks, asked := make(chan struct{}), make(chan struct{})
		log := logging{slog.DiscardHandler, func() {
			if armed.CompareAndSwap(true, false) {
				close(asks)
				<-asked
			}
		}}
		system := actor.NewActorSystem(actor.WithLoggerFactory(log.factory))
		over, cancel := context.WithCancel(t.Context())
		defer cancel()
		caller := noticed{over, func() {
			if hostile.Load() {
				panic("context")
			}
		}}
		pool := pooltest.Open(t, system.Root, func(ctx context.Context, leaves bool) (bool, error) {
			if !leaves {
				return leaves, nil
			}
			go func() {
				<-asks
				ctx.Done()
				hostile.Store(true)
				close(asked)
			}()
			armed.Store(true)
			panic("handler")
		}, actors.WithSize(1))
		func() {
			defer func() { _ = recover() }() // to who asks, his own context may do so
			_, _ = pool.Ask(caller, true)
		}()
		_, err := pool.Ask(t.Context(), false)
		require.NoError(t, err)
		hostile.Store(false)
	})
}
