package actors_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A chore is a task that says itself what to do.
type chore func(context.Context) error

// elsewhere opens a pool whose retries go to other workers at once.
func elsewhere(t *testing.T, opts ...actors.Option) *actors.Pool[chore, string] {
	t.Helper()
	return elsewhereIn(t, pooltest.System().Root, opts...)
}

func elsewhereIn(t *testing.T, root *actor.RootContext, opts ...actors.Option) *actors.Pool[chore, string] {
	t.Helper()
	policy := actors.WithRetry(actors.Retry{Attempts: 4, Panics: true, Elsewhere: true})
	return pooltest.Open(t, root, func(ctx context.Context, d chore) (string, error) {
		return actors.WorkerID(ctx), d(ctx)
	}, append([]actors.Option{policy}, opts...)...)
}

// A trail has the workers of the attempts of a task.
type trail struct {
	mu      sync.Mutex
	workers []string // guarded by mu
}

func (tr *trail) note(ctx context.Context) (attempt int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.workers = append(tr.workers, actors.WorkerID(ctx))
	return len(tr.workers)
}

func (tr *trail) list() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.workers)
}

// fails returns a chore that fails n times.
func (tr *trail) fails(n int) chore {
	return func(ctx context.Context) error {
		if tr.note(ctx) <= n {
			return pooltest.ErrTask
		}
		return nil
	}
}

// waits returns a chore that succeeds when the gate opens.
func waits(gate <-chan struct{}) chore {
	return func(ctx context.Context) error {
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// occupy has one worker run a task until release is called.
func occupy(t *testing.T, pool *actors.Pool[chore, string], opts ...actors.TaskOption) (release func()) {
	t.Helper()
	gate := make(chan struct{})
	require.NoError(t, pool.Tell(t.Context(), waits(gate), opts...))
	synctest.Wait()
	return func() {
		close(gate)
		synctest.Wait()
	}
}

func TestElsewhereChangesTheWorkerWithEachAttempt(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		for _, size := range []int{2, 3, 8} {
			t.Run(dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					pool := elsewhere(t, actors.WithSize(size), actors.WithDispatch(dispatch))
					for range 20 {
						var tr trail
						worker, err := pool.Ask(t.Context(), tr.fails(3), actors.Key("k"))
						require.NoError(t, err)
						workers := tr.list()
						require.Len(t, workers, 4)
						assert.Equal(t, workers[3], worker)
						for i := range workers[1:] {
							assert.NotEqual(t, workers[i], workers[i+1])
						}
					}
				})
			})
		}
	}
}

func TestElsewhereHasNoEffectOnALoneWorker(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		pooltest.Bubble(t, func(t *testing.T) {
			pool := elsewhere(t, actors.WithSize(1), actors.WithDispatch(dispatch))
			var tr trail
			_, err := pool.Ask(t.Context(), tr.fails(3), actors.Key("k"))
			require.NoError(t, err)
			assert.Len(t, tr.list(), 4)
		})
	}
}

func TestElsewhereLeavesABroadcastTaskWithItsWorker(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		pooltest.Bubble(t, func(t *testing.T) {
			root := pooltest.System().Root
			pool := elsewhereIn(t, root, actors.WithSize(3), actors.WithDispatch(dispatch))
			var mu sync.Mutex
			attempts := map[string]int{}
			root.Send(pool.PID(), &messages.Broadcast{Message: chore(func(ctx context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				if attempts[actors.WorkerID(ctx)]++; attempts[actors.WorkerID(ctx)] < 3 {
					return pooltest.ErrTask
				}
				return nil
			})})
			synctest.Wait()
			require.NoError(t, pool.Wait(t.Context()))
			require.Len(t, attempts, 3)
			for worker, n := range attempts {
				assert.Equal(t, 3, n, worker)
			}
		})
	}
}

// The worker that has failed is idle, the other one is busy.
func TestElsewhereWaitsForABusyWorkerAndDelaysNobody(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(2))
		release := occupy(t, pool)
		var tr trail
		future, err := pool.Submit(t.Context(), tr.fails(1))
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, tr.list(), 1)
		stats := pool.Stats()
		assert.Equal(t, [4]int64{1, 1, 0, 1}, [4]int64{stats.Queued, stats.Running, stats.Delayed, stats.Retries})
		assert.Equal(t, 1, stats.Busy)
		assert.Equal(t, 1, pool.Load().Queued)

		for range 3 {
			worker, err := pool.Ask(t.Context(), func(context.Context) error { return nil })
			require.NoError(t, err)
			assert.Equal(t, tr.list()[0], worker, "it goes on with later tasks")
		}
		time.Sleep(time.Hour)
		assert.Len(t, tr.list(), 1, "no matter how idle the worker is")
		assert.Equal(t, time.Hour, pool.Stats().OldestQueued)

		release()
		worker, err := future.Wait(t.Context())
		require.NoError(t, err)
		assert.NotEqual(t, tr.list()[0], worker)
	})
}

func TestElsewhereTakesTheNextWorkerThatIsFree(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(4))
		releases := []func(){occupy(t, pool), occupy(t, pool), occupy(t, pool)}
		var trails [2]trail
		for i := range trails {
			require.NoError(t, pool.Tell(t.Context(), trails[i].fails(1)))
		}
		synctest.Wait()
		releases[1]()
		for i := range trails {
			workers := trails[i].list()
			require.Len(t, workers, 2, "one free worker is enough for both")
			assert.NotEqual(t, workers[0], workers[1])
		}
		releases[0]()
		releases[2]()
	})
}

func TestElsewhereKeepsTheOrderOfTheQueue(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(2))
		release := occupy(t, pool)
		var mu sync.Mutex
		var order []string
		noted := func(name string, failures int) chore {
			var tr trail
			return func(ctx context.Context) error {
				err := tr.fails(failures)(ctx)
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, name)
				}
				return err
			}
		}
		for _, name := range []string{"first", "second"} {
			require.NoError(t, pool.Tell(t.Context(), noted(name, 1)))
		}
		require.NoError(t, pool.Tell(t.Context(), noted("urgent", 1), actors.Priority(1)))
		synctest.Wait()
		releaseOther := occupy(t, pool) // now both workers are busy
		for _, name := range []string{"third", "fourth"} {
			require.NoError(t, pool.Tell(t.Context(), noted(name, 0)))
		}
		require.NoError(t, pool.Tell(t.Context(), noted("last", 0), actors.Priority(-1)))
		release()
		assert.Equal(t, []string{"urgent", "first", "second", "third", "fourth", "last"}, order)
		releaseOther()
	})
}

// shun has one of two workers fail at a task, which waits for the other: that one runs what
// other says. In a pool of one worker it is the first that fails; the second joins it.
func shun(t *testing.T, pool *actors.Pool[chore, string], other chore) (tr *trail, future *actors.Future[string]) {
	t.Helper()
	release := occupy(t, pool)
	require.NoError(t, pool.Resize(t.Context(), 2))
	require.NoError(t, pool.Tell(t.Context(), other, actors.Timeout(24*time.Hour))) // longer than the task that waits
	synctest.Wait()
	release()
	tr = new(trail)
	future, err := pool.Submit(t.Context(), tr.fails(1))
	require.NoError(t, err)
	synctest.Wait()
	require.Len(t, tr.list(), 1)
	return tr, future
}

func TestElsewhereEndsWhenAResizeLeavesOneWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(1))
		gate := make(chan struct{})
		defer close(gate)
		tr, future := shun(t, pool, waits(gate))
		require.NoError(t, pool.Resize(t.Context(), 1))
		_, err := future.Wait(t.Context())
		require.NoError(t, err)
		workers := tr.list()
		assert.Equal(t, workers[0], workers[1])
	})
}

func TestElsewhereEndsWhenTheWorkerThatHasFailedLeaves(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(1))
		release := occupy(t, pool) // the first worker, which stays
		require.NoError(t, pool.Resize(t.Context(), 2))
		var tr trail
		future, err := pool.Submit(t.Context(), tr.fails(1))
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, pool.Resize(t.Context(), 1))
		assert.EqualValues(t, 1, pool.Stats().Queued)
		release()
		_, err = future.Wait(t.Context())
		require.NoError(t, err)
	})
}

func TestElsewhereEndsWhenTheOtherWorkerIsSidelined(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(2), failures(2, time.Hour))
		gate := make(chan struct{})
		bad := func(context.Context) error { return messages.NoRetry(pooltest.ErrTask) }
		release := occupy(t, pool)
		_, err := pool.Ask(t.Context(), bad)
		require.ErrorIs(t, err, pooltest.ErrTask)
		require.NoError(t, pool.Tell(t.Context(), func(ctx context.Context) error {
			_ = waits(gate)(ctx)
			return bad(ctx)
		}))
		synctest.Wait()
		release()
		var tr trail
		future, err := pool.Submit(t.Context(), tr.fails(1))
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, tr.list(), 1)
		close(gate)
		_, err = future.Wait(t.Context())
		require.NoError(t, err)
		workers := tr.list()
		assert.Equal(t, workers[0], workers[1])
	})
}

// The strategy never decides.
func TestElsewhereEndsWhenTheOtherWorkerIsSuspended(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		undecided := pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) {})
		pool := elsewhere(t, actors.WithSize(2), actors.WithSupervision(undecided), actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
		gate := make(chan struct{})
		tr, future := shun(t, pool, func(ctx context.Context) error {
			_ = waits(gate)(ctx)
			panic(pooltest.ErrTask)
		})
		close(gate)
		_, err := future.Wait(t.Context())
		require.NoError(t, err)
		workers := tr.list()
		assert.Equal(t, workers[0], workers[1])
	})
}

// The worker that has failed is recycled after its next task.
func TestElsewhereTakesAReplacement(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		gate := make(chan struct{})
		var mu sync.Mutex
		var workers []string
		pid := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case bool:
					<-gate
				case string:
					mu.Lock()
					workers = append(workers, ctx.Self().Id)
					first := len(workers) == 1
					mu.Unlock()
					if first {
						panic(pooltest.ErrTask)
					}
					ctx.Respond("done")
				}
			})
		}, actors.WithSize(2), actors.WithMaxTasks(1), actors.WithRetry(actors.Retry{Attempts: 3, Panics: true, Elsewhere: true})))
		root.Send(pid, true)
		synctest.Wait()
		in := pooltest.NewInbox(t, root)
		in.Request(pid, "go")
		synctest.Wait()
		require.Len(t, workers, 1)
		assert.True(t, in.Empty(), "a worker that has been restarted is the same one")
		root.Send(pid, 1)
		assert.Equal(t, "done", <-in.Mail)
		require.Len(t, workers, 2)
		assert.NotEqual(t, workers[0], workers[1])
		close(gate)
	})
}

// The handler of the other worker waits for the task itself.
func TestElsewhereDoesNotDeadlock(t *testing.T) {
	for name, tt := range map[string]struct {
		dispatch   router.Dispatch
		fail, wait time.Duration // when the task fails, and when the handler begins to wait
	}{
		"it waits when the task fails":          {router.LeastBusy(), time.Second, 0},
		"it waits later":                        {router.LeastBusy(), 0, time.Second},
		"early binding, it waits when it fails": {router.RoundRobin(), time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := elsewhere(t, actors.WithSize(2), actors.WithDispatch(tt.dispatch))
				var tr trail
				_, err := pool.Ask(t.Context(), func(ctx context.Context) error {
					future, err := pool.Submit(ctx, func(ctx context.Context) error {
						time.Sleep(tt.fail)
						return tr.fails(1)(ctx)
					})
					if err != nil {
						return err
					}
					time.Sleep(tt.wait)
					_, err = future.Wait(ctx)
					return messages.NoRetry(err)
				})
				require.NoError(t, err)
				workers := tr.list()
				assert.Equal(t, workers[0], workers[1])
			})
		})
	}
}

func settled(f *actors.Future[string]) bool {
	_, ok := f.Outcome()
	return ok
}

// Whatever can become of a queued task can become of one that waits for another worker.
func TestATaskThatWaitsForAnotherWorkerIsInReach(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(t *testing.T, pool *actors.Pool[chore, string], future *actors.Future[string], open func())
		want messages.Outcome
	}{
		"cancel": {func(_ *testing.T, _ *actors.Pool[chore, string], f *actors.Future[string], _ func()) { f.Cancel() }, messages.Canceled},
		"close":  {func(_ *testing.T, p *actors.Pool[chore, string], _ *actors.Future[string], _ func()) { p.Close() }, messages.Dropped},
		"finish": {func(t *testing.T, p *actors.Pool[chore, string], _ *actors.Future[string], open func()) {
			time.AfterFunc(time.Second, open)
			_, err := p.Finish(t.Context())
			assert.NoError(t, err)
		}, messages.Dropped},
		"shutdown": {func(t *testing.T, p *actors.Pool[chore, string], _ *actors.Future[string], open func()) {
			time.AfterFunc(time.Second, open)
			_, err := p.Shutdown(t.Context())
			assert.NoError(t, err)
		}, messages.Succeeded},
		"timeout": {func(*testing.T, *actors.Pool[chore, string], *actors.Future[string], func()) {}, messages.TimedOut},
		"pause": {func(t *testing.T, p *actors.Pool[chore, string], f *actors.Future[string], open func()) {
			p.Pause()
			open()
			synctest.Wait()
			assert.False(t, settled(f), "it is paused")
			p.Resume()
			synctest.Wait()
		}, messages.Succeeded},
		"resume only": {func(t *testing.T, p *actors.Pool[chore, string], f *actors.Future[string], open func()) {
			p.Pause()
			p.Resume()
			synctest.Wait()
			assert.False(t, settled(f))
			open()
		}, messages.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := elsewhere(t, actors.WithSize(2), actors.WithTaskTimeout(time.Minute))
				gate := make(chan struct{})
				open := sync.OnceFunc(func() { close(gate) })
				defer open()
				tr, future := shun(t, pool, waits(gate))
				tt.do(t, pool, future, open)
				_, err := future.Wait(t.Context())
				assert.Equal(t, tt.want, pooltest.OutcomeOf(err), "%v", err)
				attempts := 1
				if err == nil {
					attempts = 2
				}
				assert.Len(t, tr.list(), attempts)
			})
		})
	}
}

func TestATaskThatWaitsForAnotherWorkerTakesRoom(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(2), actors.WithQueue(1, actors.DropOldest))
		gate := make(chan struct{})
		tr, future := shun(t, pool, waits(gate))
		_, err := pool.Ask(t.Context(), func(context.Context) error { return nil })
		require.NoError(t, err, "the idle worker starts it at once")
		synctest.Wait()
		release := occupy(t, pool)
		_, err = pool.Ask(t.Context(), func(context.Context) error { return nil })
		require.ErrorIs(t, err, messages.ErrDropped, "there is no room, and the retry is spared")
		assert.False(t, settled(future))
		close(gate)
		_, err = future.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, tr.list(), 2)
		release()
	})
}

// A retry of a keyed task leaves the worker of the key. The attempt after that is on it again.
func TestElsewhereLeavesTheWorkerOfAKey(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := elsewhere(t, actors.WithSize(4), actors.WithDispatch(router.ConsistentHash()))
		home, err := pool.Ask(t.Context(), func(context.Context) error { return nil }, actors.Key("k"))
		require.NoError(t, err)
		var tr trail
		_, err = pool.Ask(t.Context(), tr.fails(3), actors.Key("k"))
		require.NoError(t, err)
		workers := tr.list()
		for i, worker := range workers {
			if i%2 == 0 {
				assert.Equal(t, home, worker)
			} else {
				assert.NotEqual(t, home, worker)
			}
		}
	})
}

// Under early binding the retry waits in the queue of a worker. When that worker leaves, the
// task goes to a third one.
func TestElsewhereOutlastsTheWorkerThatHasTheRetry(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches()[1:] {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := elsewhere(t, actors.WithSize(3), actors.WithDispatch(dispatch))
				pool.Pause()
				var tr trail
				future, err := pool.Submit(t.Context(), func(ctx context.Context) error {
					if tr.note(ctx) == 1 {
						pool.Pause()
						return pooltest.ErrTask
					}
					return nil
				}, actors.Key("k"))
				require.NoError(t, err)
				pool.Resume()
				synctest.Wait()
				require.Len(t, tr.list(), 1)
				for size := 2; size > 0; size-- {
					require.NoError(t, pool.Resize(t.Context(), size))
					var queued int64
					for _, w := range pool.Stats().Workers {
						queued += int64(w.Queued)
						if w.Queued > 0 && size > 1 {
							assert.NotEqual(t, tr.list()[0], w.ID)
						}
					}
					if size > 1 {
						assert.EqualValues(t, 1, queued)
					}
				}
				pool.Resume()
				_, err = future.Wait(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

func TestElsewhereServesTasksOfUserActors(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var mu sync.Mutex
		var workers []string
		pid := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(string); !ok {
					return
				}
				mu.Lock()
				workers = append(workers, ctx.Self().Id)
				n := len(workers)
				mu.Unlock()
				if n < 3 {
					panic(pooltest.ErrTask)
				}
				ctx.Respond(n)
			})
		}, actors.WithSize(2), actors.WithRetry(actors.Retry{Attempts: 3, Min: time.Second, Max: time.Second, Panics: true, Elsewhere: true})))
		assert.Equal(t, 3, pooltest.NewInbox(t, root).Ask(pid, "go"))
		require.Len(t, workers, 3)
		assert.NotEqual(t, workers[0], workers[1])
		assert.Equal(t, workers[0], workers[2])
	})
}
