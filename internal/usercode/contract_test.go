package usercode_test

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
	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/directory"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// These tests are about user code that returns, and breaks a contract in doing so.

// spawnActors starts a pool of actors that do what they are sent.
func spawnActors(t *testing.T, system *actor.ActorSystem, options ...actors.Option) *actor.PID {
	t.Helper()
	return pooltest.Spawn(t, system.Root, actors.PropsFromProducer(obedient(nil), options...))
}

// errless is a context that is done and has no error.
type errless struct {
	context.Context
	done chan struct{}
}

func (e errless) Done() <-chan struct{} { return e.done }
func (e errless) Err() error            { return nil }

func TestAContextThatEndsWithoutAnErrorIsCanceled(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(1))
		ctx := errless{context.Background(), make(chan struct{})}
		time.AfterFunc(time.Second, func() { close(ctx.done) })
		_, err := pool.Ask(ctx, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // Ask is to notice first
			return 1, nil
		})
		require.ErrorIs(t, err, messages.ErrCanceled)

		f, err := pool.Submit(t.Context(), func(context.Context) (int, error) { time.Sleep(time.Second); return 7, nil })
		require.NoError(t, err)
		_, err = f.Wait(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, pool.Wait(ctx), context.Canceled)
	})
}

// stuckValue is a context whose values cannot be read any more once it is stuck.
type stuckValue struct {
	context.Context
	stuck atomic.Bool
	end   chan struct{}
}

func (s *stuckValue) Value(key any) any {
	if s.stuck.Load() {
		<-s.end
	}
	return s.Context.Value(key)
}

func TestAContextThatBlocksDelaysItsWaiterBriefly(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(1))
		caller := &stuckValue{Context: t.Context(), end: make(chan struct{})}
		answered := make(chan time.Time)
		go func() {
			_, err := pool.Ask(caller, func(ctx context.Context) (int, error) {
				ctx.Done()
				time.Sleep(time.Millisecond) // Ask waits
				caller.stuck.Store(true)
				time.Sleep(time.Minute)
				return 0, nil
			})
			assert.ErrorIs(t, err, messages.ErrPoolStopped)
			answered <- time.Now()
		}()
		time.Sleep(time.Second)
		begun := time.Now()
		go pool.Close()
		assert.LessOrEqual(t, (<-answered).Sub(begun), guard.Limit)
		close(caller.end)
	})
}

func TestACauseThatEndsTheGoroutineLeavesNoTaskBehind(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(1), actors.WithQueue(0, actors.Block))
		require.NoError(t, pool.Tell(t.Context(), func(context.Context) (int, error) { time.Sleep(5 * time.Second); return 0, nil }))
		ctx, cancel := context.WithCancelCause(t.Context())
		var ran atomic.Bool
		over := make(chan struct{})
		go func() {
			defer close(over)
			_ = pool.Tell(ctx, func(context.Context) (int, error) { ran.Store(true); return 0, nil })
		}()
		synctest.Wait()
		cancel(exitingError{})
		<-over
		time.Sleep(10 * time.Second)
		assert.False(t, ran.Load(), "its submitter was told that it is not accepted")
	})
}

type exitingError struct{}

func (exitingError) Error() string { runtime.Goexit(); return "" }

func TestPoolsDoNotAnswerAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		a, b := pooltest.Open(t, root, pooltest.Double), pooltest.Open(t, root, pooltest.Double)
		letters := pooltest.Events[*actor.DeadLetterEvent](t, root.ActorSystem())
		root.RequestWithCustomSender(a.PID(), 1, b.PID())
		synctest.Wait()
		assert.EqualValues(t, 1, b.Stats().Rejected, "the answer is no task for it")
		assert.Zero(t, a.Stats().Rejected)
		assert.Len(t, letters, 1)
	})
}

// dispatcher is a dispatcher of the user's.
type dispatcher func(f func())

func (d dispatcher) Schedule(f func()) { d(f) }
func (dispatcher) Throughput() int     { return 300 }

func TestADispatcherMayFail(t *testing.T) {
	for name, end := range map[string]func(){"panics": func() { panic("dispatcher") }, "exits": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var calls atomic.Int32
				own := dispatcher(func(f func()) {
					if calls.Add(1)%2 == 0 {
						end()
					}
					go f()
				})
				pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(1), actors.WithWorkerProps(actor.WithDispatcher(own)))
				for range 4 {
					_, err := pool.Ask(t.Context(), succeeds(nil))
					require.NoError(t, err)
					synctest.Wait()
				}
				assert.Greater(t, calls.Load(), int32(3))
			})
		})
	}
}

func TestAResolverOfAddressesMayPanic(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		asked := make(chan struct{}, 10)
		system.ProcessRegistry.RegisterAddressResolver(func(pid *actor.PID) (actor.Process, bool) {
			asked <- struct{}{}
			panic("resolver")
		})
		pool := pooltest.Open(t, system.Root, do, actors.WithSize(1))
		slow := work(func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, nil })
		system.Root.RequestWithCustomSender(pool.PID(), &messages.Task{Timeout: time.Second, Payload: slow}, actor.NewPID("far", "asker"))
		<-asked
		_, err := pool.Ask(t.Context(), succeeds(nil))
		require.NoError(t, err)
	})
}

// itself is a batch that contains itself.
type itself struct{}

func (i itself) GetMessages() []any { return []any{i} }

func TestABatchMayContainItself(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pool := spawnActors(t, system, actors.WithSize(1))
		letters := pooltest.Events[*actor.DeadLetterEvent](t, system)
		for _, to := range []string{pool.Id, pool.Id + "/supervisor/1"} {
			system.Root.Send(system.NewLocalPID(to), itself{})
			synctest.Wait()
			assert.Len(t, pooltest.Drain(letters), 1, to)
		}
	})
}

func TestABroadcastWithoutWorkersIsRejected(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		made, end := 0, make(chan struct{})
		pool := pooltest.Spawn(t, system.Root, actors.PropsFromProducer(func() actor.Actor {
			if made++; made == 2 {
				<-end
			}
			return actor.ReceiveFunc(obey)
		}, actors.WithSize(1)))
		system.Root.Send(pool, pooltest.Deed(func(ctx actor.Context) { ctx.Stop(ctx.Self()) }))
		synctest.Wait()
		in := pooltest.NewInbox(t, system.Root)
		assert.ErrorIs(t, in.Result(t, pool, &messages.Broadcast{Message: "hello"}).Err, messages.ErrNoWorkers)
		close(end)
	})
}

func TestAMessageThatEmbedsAControlMessageIsRefused(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pool := spawnActors(t, system, actors.WithSize(1))
		in := pooltest.NewInbox(t, system.Root)
		for _, message := range []any{struct{ messages.Pause }{}, &struct{ *messages.Pause }{}, struct{ messages.Control }{}} {
			assert.ErrorIs(t, in.Result(t, pool, message).Err, messages.ErrInvalidOption, "%T", message)
		}
		assert.False(t, in.Stats(t, pool).Paused)
	})
}

func TestAWorkerCannotRestartItsSupervisor(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		pool := spawnActors(t, system, actors.WithSize(3))
		system.Root.Send(pool, pooltest.Deed(func(ctx actor.Context) { ctx.(actor.Supervisor).RestartChildren(ctx.Parent()) }))
		synctest.Wait()
		in := pooltest.NewInbox(t, system.Root)
		assert.Equal(t, "well", in.Ask(pool, pooltest.Deed(func(ctx actor.Context) { ctx.Respond("well") })))
		assert.Equal(t, 3, in.Stats(t, pool).Size)
	})
}

func TestAWorkerWhoseMiddlewareFailsAtRestartingIsReplaced(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		system := pooltest.System()
		fails := actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
			return func(ctx actor.ReceiverContext, e *actor.MessageEnvelope) {
				if _, ok := e.Message.(*actor.Restarting); ok {
					panic("restarting")
				}
				next(ctx, e)
			}
		})
		pool := spawnActors(t, system, actors.WithSize(2), actors.WithWorkerProps(fails))
		for n := range int64(2) {
			system.Root.Send(pool, pooltest.Fail("worker"))
			synctest.Wait()
			stats := pooltest.Stats(t, system, pool)
			assert.Equal(t, 2, stats.Size)
			assert.Equal(t, n+1, stats.Replaced)
			assert.Zero(t, stats.Lost)
		}
	})
}

func TestAPoolThatCannotBeSpawnedIsNotListed(t *testing.T) {
	timelimit.Set(t)
	system := pooltest.System()
	root := system.Root.Copy().WithGuardian(pooltest.Strategy(nil)) // a strategy that cannot be the key of a map
	survive(func() { _, _ = actors.NewPool(root, do, actors.WithName("pool")) })
	assert.Empty(t, directory.Pools(system))
}

func TestAStrategyThatAlwaysBlocksDelaysRestartsBriefly(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		end := make(chan struct{})
		blocks := pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { <-end })
		pool := pooltest.Open(t, pooltest.System().Root, do, actors.WithSize(20), actors.WithSupervision(blocks))
		for range 20 {
			require.NoError(t, pool.Tell(t.Context(), func(context.Context) (int, error) { time.Sleep(time.Second); panic("all at once") }))
		}
		time.Sleep(time.Second + supervisor.DecisionTime + 19*guard.Limit)
		synctest.Wait()
		assert.EqualValues(t, 20, pool.Stats().Restarts)
		close(end)
	})
}
