package actors_test

import (
	"context"
	"runtime"
	"sync"
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
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
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
	root := pooltest.System().Root
	for range 20 {
		pool, err := actors.NewPool(root, pooltest.Double, actors.WithName("again"))
		require.NoError(t, err)
		pool.Close()
		<-pool.Done()
	}
}

func TestNoGoroutineOutlivesAPool(t *testing.T) {
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

func TestShutdownFinishesWhatWasAccepted(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), actors.WithDispatch(dispatch))
				require.NoError(t, pool.Tell(t.Context(), 0))
				require.NoError(t, pool.Wait(t.Context()))
				for range 6 {
					require.NoError(t, pool.Tell(t.Context(), time.Minute))
				}
				pool.Pause()
				began := time.Now()
				go func() {
					time.Sleep(time.Second)
					assert.ErrorIs(t, pool.Tell(t.Context(), 0), messages.ErrPoolStopped)
				}()
				report, err := pool.Shutdown(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 3*time.Minute, time.Since(began))
				assert.Equal(t, messages.DrainReport{Finished: 6}, report, "what ended before does not count")
				again, err := pool.Shutdown(t.Context())
				require.NoError(t, err)
				assert.Equal(t, report, again)
			})
		})
	}
}

func TestShutdownIsCutShortByItsContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d == time.Hour { // ignores its context
				time.Sleep(d)
				return d, nil
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(3))
		var futures []*actors.Future[time.Duration]
		for _, d := range []time.Duration{time.Second, time.Minute, time.Hour, time.Minute, time.Minute, time.Minute} {
			f, err := pool.Submit(t.Context(), d, actors.ID(d.String()))
			require.NoError(t, err)
			futures = append(futures, f)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		report, err := pool.Shutdown(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Less(t, time.Since(began), 11*time.Second, "it does not wait for a handler that ignores its context")
		assert.Equal(t, messages.DrainReport{Finished: 1, Canceled: 3, Dropped: 2, Abandoned: []string{"1h0m0s"}}, report)
		for i, want := range []messages.Outcome{
			messages.Succeeded, messages.Canceled, messages.Canceled, messages.Canceled, messages.Dropped, messages.Dropped,
		} {
			_, err := futures[i].Wait(t.Context())
			assert.Equal(t, want, pooltest.OutcomeOf(err), i)
			if err != nil {
				assert.ErrorIs(t, err, messages.ErrPoolStopped)
			}
		}
		<-pool.Done()
		assert.Equal(t, time.Hour, time.Since(began), "Done waits for it")
	})
}

func TestCloseAnswersEveryoneAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1), actors.WithQueue(1, actors.Block))
		heard := make(chan error, 3)
		for n := range 3 { // one runs, one is queued, one waits for admission
			go func() {
				_, err := pool.Ask(t.Context(), n)
				heard <- err
			}()
			synctest.Wait()
		}
		began := time.Now()
		report := pool.Close()
		assert.Equal(t, messages.DrainReport{Canceled: 1, Dropped: 1}, report)
		for range 3 {
			assert.ErrorIs(t, <-heard, messages.ErrPoolStopped)
		}
		assert.Zero(t, time.Since(began))
		<-pool.Done()
		assert.EqualValues(t, 1, pool.Stats().Rejected)
	})
}

// To close a pool that is closed does nothing; it is no message to a dead actor.
func TestCloseMayBeCalledAgain(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		letters := pooltest.Events[*actor.DeadLetterEvent](t, root.ActorSystem())
		pool := pooltest.Open(t, root, pooltest.Double)
		require.NoError(t, pool.Tell(t.Context(), 1))
		report, err := pool.Shutdown(t.Context())
		require.NoError(t, err)
		<-pool.Done()
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(func() {
				assert.Equal(t, report, pool.Close())
				_, err := pool.Shutdown(t.Context())
				assert.NoError(t, err)
			})
		}
		closers.Wait()
		pool.Pause()
		pool.Resume()
		assert.NoError(t, pool.Wait(t.Context()))
		assert.ErrorIs(t, pool.Resize(t.Context(), 2), messages.ErrPoolStopped)
		assert.Empty(t, letters)
	})
}

func TestAPoolThatIsDoneHasStoppedForGood(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Double)
		pool.Close()
		<-pool.Done()
		for _, s := range submissions(pool) {
			assert.ErrorIs(t, s.do(t.Context(), 1), messages.ErrPoolStopped, s.name)
		}
		for _, err := range pool.Map(t.Context(), func(yield func(int) bool) { yield(1) }) {
			assert.ErrorIs(t, err, messages.ErrPoolStopped)
		}
		assert.EqualValues(t, 4, pool.Stats().Rejected)
	})
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

func TestResizeWhileBusyLosesNoTask(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.ConsistentHash()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), actors.WithDispatch(dispatch))
				for range 60 {
					require.NoError(t, pool.Tell(t.Context(), time.Minute))
				}
				began := time.Now()
				for _, size := range []int{6, 1, 5, 3} {
					require.NoError(t, pool.Resize(t.Context(), size))
					assert.Equal(t, size, pool.Stats().Size)
					time.Sleep(30 * time.Second)
				}
				require.NoError(t, pool.Wait(t.Context()))
				stats := pool.Stats()
				assert.EqualValues(t, 60, stats.Succeeded)
				assert.Len(t, stats.Workers, 3)
				if dispatch.String() == router.LeastBusy().String() {
					assert.Less(t, time.Since(began), 25*time.Minute)
				}
			})
		})
	}
}

func TestAResizeGivesTheNewWorkersWhatWaits(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		for range 4 {
			require.NoError(t, pool.Tell(t.Context(), time.Minute))
		}
		began := time.Now()
		require.NoError(t, pool.Resize(t.Context(), 4))
		require.NoError(t, pool.Wait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

// A worker that is on its way out counts neither before nor after.
func TestAResizeWhileAWorkerIsBeingReplacedIsExact(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch msg := ctx.Message().(type) {
				case *actor.Stopping:
					time.Sleep(time.Second) // it puts its things in order
				case error:
					panic(msg)
				}
			})
		}, actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(
			supervisor.Decider(func(error) actor.Directive { return actor.StopDirective })))))
		in := pooltest.NewInbox(t, root)
		in.Result(t, pool, pooltest.ErrTask)
		synctest.Wait()
		assert.Equal(t, 3, in.Ask(pool, &messages.Resize{Size: 3}).(*messages.Resized).To)
		time.Sleep(time.Hour)
		assert.Equal(t, 3, in.Stats(t, pool).Size)
	})
}

func TestAHandlerMayCloseItsOwnPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(context.Context, int) (int, error) {
			pool.Close()
			return 0, nil
		}, actors.WithSize(1))
		_, err := pool.Ask(t.Context(), 1)
		assert.ErrorIs(t, err, messages.ErrPoolStopped)
		<-pool.Done()
	})
}

// The timer of the pool's deadlines is all that could keep it.
func TestAClosedPoolCanBeCollectedThoughTimeoutsWereLeft(t *testing.T) {
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
		"of a handler given up": {[]actors.Option{
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
