package actors_test

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
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
)

// However a pool ends: its workers are gone, Done is closed, its name is free,
// and those who watch it hear so once.
func TestAnEndedPoolLeavesNothingBehind(t *testing.T) {
	type pool = actors.Pool[time.Duration, time.Duration]
	for name, end := range map[string]func(root *actor.RootContext, p *pool, parent *actor.PID){
		"Shutdown":    func(_ *actor.RootContext, p *pool, _ *actor.PID) { _, _ = p.Shutdown(context.Background()) },
		"Close":       func(_ *actor.RootContext, p *pool, _ *actor.PID) { p.Close() },
		"Stop":        func(root *actor.RootContext, p *pool, _ *actor.PID) { root.Stop(p.PID()) },
		"Poison":      func(root *actor.RootContext, p *pool, _ *actor.PID) { root.Poison(p.PID()) },
		"Drain":       func(root *actor.RootContext, p *pool, _ *actor.PID) { root.Send(p.PID(), &messages.Drain{}) },
		"Finish":      func(root *actor.RootContext, p *pool, _ *actor.PID) { root.Send(p.PID(), &messages.Finish{}) },
		"parent stop": func(root *actor.RootContext, _ *pool, parent *actor.PID) { root.Stop(parent) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				spawned := make(chan *pool)
				parent := pooltest.Spawn(t, root, actor.PropsFromFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(*actor.Started); ok {
						p, err := actors.NewPool(ctx, pooltest.Sleep, actors.WithName("phoenix"), actors.WithSize(3),
							actors.WithTaskTimeout(24*time.Hour), actors.WithHealth(time.Second))
						assert.NoError(t, err)
						spawned <- p
					}
				}))
				p := <-spawned
				in := pooltest.NewInbox(t, root)
				root.Send(in.PID, p.PID())
				for range 5 {
					require.NoError(t, p.Tell(t.Context(), time.Minute))
				}
				synctest.Wait()

				end(root, p, parent)
				<-p.Done()
				stats := p.Stats()
				assert.True(t, stats.Balanced())
				assert.EqualValues(t, 5, stats.Settled())
				assert.Empty(t, stats.Workers)
				_, registered := root.ActorSystem().ProcessRegistry.GetLocal(p.PID().Id)
				assert.False(t, registered)
				assert.Equal(t, p.PID().Id, (<-in.Mail).(*actor.Terminated).Who.Id)
				assert.True(t, in.Empty(), "heard once")
				assert.ErrorIs(t, p.Tell(t.Context(), 1), messages.ErrPoolStopped)
				time.Sleep(48 * time.Hour) // a timer left behind would fire
			})
		})
	}
}

func TestANameIsFreeAgainWhenItsPoolIsDone(t *testing.T) {
	timelimit.Set(t)
	root := pooltest.System().Root
	for range 20 {
		pool, err := actors.NewPool(root, pooltest.Double, actors.WithName("again"))
		require.NoError(t, err)
		pool.Close()
		<-pool.Done()
	}
}

func TestNoGoroutineOutlivesAPool(t *testing.T) {
	timelimit.Set(t)
	root := pooltest.System().Root
	before := goleak.IgnoreCurrent()
	for _, end := range []func(p *actors.Pool[int, int]){
		func(p *actors.Pool[int, int]) { p.Close() },
		func(p *actors.Pool[int, int]) { _, _ = p.Shutdown(context.Background()) },
		func(p *actors.Pool[int, int]) { root.Stop(p.PID()) },
	} {
		pool, err := actors.NewPool(root, mischief, actors.WithSize(16), actors.WithHealth(time.Millisecond))
		require.NoError(t, err)
		for n := range 200 {
			require.NoError(t, pool.Tell(t.Context(), n, actors.Timeout(time.Millisecond)))
		}
		end(pool)
		<-pool.Done()
		goleak.VerifyNone(t, before)
	}
}

func TestWaitReturnsWhenNothingIsQueuedOrRunning(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2))
		require.NoError(t, pool.Wait(t.Context()), "nothing to wait for")
		for range 2 {
			for range 4 {
				require.NoError(t, pool.Tell(t.Context(), time.Minute))
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			assert.ErrorIs(t, pool.Wait(ctx), context.DeadlineExceeded)
			cancel()
			require.NoError(t, pool.Wait(t.Context()))
			assert.Equal(t, 2*time.Minute, time.Since(began))
		}
	})
}

// The timer of the pool's deadlines is all that could keep it.
func TestAClosedPoolCanBeCollectedThoughTimeoutsWereLeft(t *testing.T) {
	timelimit.Set(t)
	const shorts, waits, ignores = 0, 1, 2
	for name, tc := range map[string]struct {
		options []actors.Option
		use     func(t *testing.T, pool *actors.Pool[int, int], begun <-chan struct{}, release chan<- struct{})
	}{
		"in a batch": {nil, func(t *testing.T, pool *actors.Pool[int, int], begun <-chan struct{}, _ chan<- struct{}) {
			for range 50 { // tasks are short, and taken in batches
				require.NoError(t, pool.Tell(t.Context(), shorts))
				require.NoError(t, pool.Wait(t.Context()))
			}
			pool.Pause()
			for range 3 {
				require.NoError(t, pool.Tell(t.Context(), shorts, actors.Timeout(time.Hour)))
			}
			require.NoError(t, pool.Tell(t.Context(), waits))
			pool.Resume()
			<-begun
			pool.Close()
		}},
		"of an abandoned handler": {[]actors.Option{
			actors.WithWatchdog(actors.Watchdog{Grace: 10 * time.Millisecond}),
		}, func(t *testing.T, pool *actors.Pool[int, int], begun <-chan struct{}, release chan<- struct{}) {
			f, err := pool.Submit(t.Context(), ignores, actors.Timeout(time.Hour))
			require.NoError(t, err)
			<-begun
			f.Cancel()
			require.Eventually(t, func() bool { return pool.Stats().Abandoned > 0 }, 10*time.Second, time.Millisecond)
			pool.Close()
			close(release)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var collected atomic.Bool
			func() {
				large := new([1 << 20]byte)
				runtime.AddCleanup(large, func(struct{}) { collected.Store(true) }, struct{}{})
				begun, release := make(chan struct{}), make(chan struct{})
				pool, err := actors.NewPool(pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
					switch n {
					case waits:
						close(begun)
						<-ctx.Done()
					case ignores:
						close(begun)
						<-release
					}
					return int(large[0]), nil
				}, append(tc.options, actors.WithSize(1))...)
				require.NoError(t, err)
				tc.use(t, pool, begun, release)
				<-pool.Done()
			}()
			assert.Eventually(t, func() bool {
				runtime.GC()
				return collected.Load()
			}, 10*time.Second, 10*time.Millisecond)
		})
	}
}
