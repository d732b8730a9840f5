package actors_test

import (
	"fmt"
	"sync"
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
	"github.com/troupe-go/troupe/router"
)

// parented spawns props as the child of an actor whose strategy counts how often
// it is asked and stops the child.
func parented(t *testing.T, system *actor.ActorSystem, props *actor.Props) (pool *actor.PID, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	_, pool = pooltest.SpawnUnder(t, system.Root, props, pooltest.Strategy(func(s actor.Supervisor, child *actor.PID, _ any) {
		asked.Add(1)
		s.StopChildren(child)
	}))
	return pool, asked
}

// A recycler is a user's actor that stops itself with every n-th message.
type recycler struct {
	every   int
	poison  bool
	takes   time.Duration
	handle  func(ctx actor.Context, n int)
	handled int
}

func (r *recycler) Receive(ctx actor.Context) {
	var n int
	switch message := ctx.Message().(type) {
	case int:
		n = message
	case *messages.Task:
		n = message.Payload.(int)
	default:
		return
	}
	if r.takes > 0 {
		time.Sleep(r.takes)
	}
	r.handle(ctx, n)
	if r.handled++; r.handled == r.every {
		if r.poison {
			ctx.Poison(ctx.Self())
		} else {
			ctx.Stop(ctx.Self())
		}
	}
}

// recyclers are the ways to test: every dispatch, both ways to stop, one worker and
// several, instant tasks and tasks that take a millisecond.
func recyclers(t *testing.T, test func(t *testing.T, size int, dispatch router.Dispatch, template recycler)) {
	for _, dispatch := range []router.Dispatch{
		router.LeastBusy(), router.RoundRobin(), router.Random(), router.ConsistentHash(),
		router.Custom(func(task router.TaskView, workers router.Workers) int { return len(task.Key) % workers.Len() }),
	} {
		for _, size := range []int{1, 4} {
			for _, poison := range []bool{false, true} {
				for _, takes := range []time.Duration{0, time.Millisecond} {
					name := fmt.Sprintf("%v/%d/poison=%t/%v", dispatch, size, poison, takes)
					t.Run(name, func(t *testing.T) {
						pooltest.Bubble(t, func(t *testing.T) {
							test(t, size, dispatch, recycler{every: 3, poison: poison, takes: takes})
						})
					})
				}
			}
		}
	}
}

// settle waits until nothing is queued or running, for at most a minute.
func settle(t *testing.T, system *actor.ActorSystem, pool *actor.PID) *messages.Stats {
	t.Helper()
	for range 6000 {
		synctest.Wait()
		stats := pooltest.Stats(t, system, pool)
		if stats.Queued+stats.Running == 0 {
			return stats
		}
		time.Sleep(10 * time.Millisecond)
	}
	stats := pooltest.Stats(t, system, pool)
	require.Zero(t, stats.Queued+stats.Running, "%+v", stats)
	return stats
}

func TestWorkersThatStopThemselvesLoseNoTask(t *testing.T) {
	timelimit.Set(t)
	recyclers(t, func(t *testing.T, size int, dispatch router.Dispatch, template recycler) {
		const tasks = 400
		system := pooltest.System()
		var mu sync.Mutex
		handled := map[int]int{}
		template.handle = func(_ actor.Context, n int) {
			mu.Lock()
			defer mu.Unlock()
			handled[n]++
		}
		pool, asked := parented(t, system, actors.PropsFromProducer(func() actor.Actor {
			worker := template
			return &worker
		}, actors.WithSize(size), actors.WithDispatch(dispatch), actors.WithQueue(actors.Unbounded, router.Reject)))
		for n := range tasks {
			system.Root.Send(pool, &messages.Task{Payload: n, Key: fmt.Sprintf("%0*d", 1+n%7, 0)})
		}
		stats := settle(t, system, pool)
		assert.Equal(t, [3]int64{tasks, tasks, 0}, [3]int64{stats.Submitted, stats.Succeeded, stats.Dropped})
		mu.Lock()
		assert.Len(t, handled, tasks)
		for n, times := range handled {
			assert.Equal(t, 1, times, "task %d", n)
		}
		mu.Unlock()
		assert.Zero(t, asked.Load(), "the parent is not asked")

		synctest.Wait()
		stats = pooltest.Stats(t, system, pool)
		assert.Equal(t, size, stats.Size)
		assert.Len(t, stats.Workers, size)
		assert.Zero(t, stats.Lost)
		assert.Zero(t, stats.Restarts, "a stop is no failure")
		// Stop takes effect at once, so each worker handles three tasks. Poison lets a
		// worker finish what it has in hand.
		assert.LessOrEqual(t, stats.Replaced, int64(tasks/3))
		assert.Positive(t, stats.Replaced)
		if !template.poison {
			assert.Greater(t, stats.Replaced, int64(tasks/3-size))
		}
	})
}

func TestSendersOfSelfStoppingWorkersAreAnswered(t *testing.T) {
	timelimit.Set(t)
	recyclers(t, func(t *testing.T, size int, dispatch router.Dispatch, template recycler) {
		const tasks = 200
		system := pooltest.System()
		template.handle = func(ctx actor.Context, n int) { ctx.Respond(n) }
		pool, asked := parented(t, system, actors.PropsFromProducer(func() actor.Actor {
			worker := template
			return &worker
		}, actors.WithSize(size), actors.WithDispatch(dispatch), actors.WithQueue(actors.Unbounded, router.Reject)))
		var mu sync.Mutex
		answers := map[any]int{}
		sender := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case int:
				mu.Lock()
				defer mu.Unlock()
				answers[message]++
			case *messages.Result:
				t.Errorf("the pool answers: %+v", message)
			}
		}))
		t.Cleanup(func() { _ = system.Root.StopFuture(sender).Wait() })
		for n := range tasks {
			system.Root.RequestWithCustomSender(pool, &messages.Task{Payload: n, Key: fmt.Sprintf("%0*d", 1+n%7, 0)}, sender)
			if n%50 == 0 {
				synctest.Wait()
			}
		}
		stats := settle(t, system, pool)
		synctest.Wait()
		assert.EqualValues(t, tasks, stats.Succeeded)
		assert.Zero(t, asked.Load())
		mu.Lock()
		defer mu.Unlock()
		assert.Len(t, answers, tasks)
		for n, times := range answers {
			assert.Equal(t, 1, times, "answer %v", n)
		}
	})
}

// A worker that stops itself with its first message is replaced as often as need be.
func TestAWorkerMayStopItselfAfterEachTask(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				const tasks = 100
				system := pooltest.System()
				var order []int // one worker, so one writer at a time
				template := recycler{every: 1, handle: func(_ actor.Context, n int) { order = append(order, n) }}
				pool, asked := parented(t, system, actors.PropsFromProducer(func() actor.Actor {
					worker := template
					return &worker
				}, actors.WithSize(1), actors.WithDispatch(dispatch), actors.WithQueue(tasks, router.Reject)))
				for n := range tasks {
					system.Root.Send(pool, n)
				}
				stats := settle(t, system, pool)
				assert.EqualValues(t, tasks, stats.Succeeded)
				assert.Zero(t, stats.Dropped+stats.Rejected)
				assert.Zero(t, asked.Load())
				assert.IsIncreasing(t, order, "its queue goes on in order")
				assert.Equal(t, 1, pooltest.Stats(t, system, pool).Size)
			})
		})
	}
}

// The ledger balances in every snapshot while workers come and go, in real time.
func TestTheLedgerHoldsWhileWorkersStopThemselves(t *testing.T) {
	timelimit.Set(t)
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.ConsistentHash()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			const senders, each = 4, 500
			system := pooltest.System()
			var handled atomic.Int64
			all := make(chan struct{})
			template := recycler{every: 5, handle: func(actor.Context, int) {
				if handled.Add(1) == senders*each {
					close(all)
				}
			}}
			pool, asked := parented(t, system, actors.PropsFromProducer(func() actor.Actor {
				worker := template
				return &worker
			}, actors.WithSize(4), actors.WithDispatch(dispatch), actors.WithQueue(actors.Unbounded, router.Reject)))
			var sent sync.WaitGroup
			for range senders {
				sent.Go(func() {
					for n := range each {
						system.Root.Send(pool, &messages.Task{Payload: n, Key: fmt.Sprint(n % 20)})
					}
				})
			}
			deadline := time.After(30 * time.Second)
			for done := false; !done; {
				select {
				case <-all:
					done = true
				case <-deadline:
					require.Fail(t, "not all tasks were handled", "%d of %d: %+v", handled.Load(), senders*each, pooltest.Stats(t, system, pool))
				default:
					pooltest.Stats(t, system, pool)
				}
			}
			sent.Wait()
			_, err := system.Root.RequestFuture(pool, &messages.Drain{}, 30*time.Second).Result()
			require.NoError(t, err)
			assert.EqualValues(t, senders*each, handled.Load())
			assert.Zero(t, asked.Load())
		})
	}
}
