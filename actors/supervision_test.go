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

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
	"github.com/troupe-go/troupe/supervisor"
)

func TestAPanicSettlesTheTaskAndItsWaiterHearsAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		slow := pooltest.Strategy(func(s actor.Supervisor, child *actor.PID, _ any) {
			time.Sleep(time.Hour) // the waiter does not wait for the strategy
			s.RestartChildren(child)
		})
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(2), actors.WithSupervision(slow))
		began := time.Now()
		_, err := pool.Ask(t.Context(), -1)
		assert.Zero(t, time.Since(began))
		var panicked *messages.PanicError
		require.ErrorAs(t, err, &panicked)
		assert.Equal(t, pooltest.ErrTask, panicked.Value)
		assert.ErrorIs(t, err, pooltest.ErrTask, "the value of the panic is in the error's chain")
		assert.Contains(t, string(panicked.Stack), "pooltest.Crash", "the stack is that of the panic")
		assert.EqualValues(t, 1, pool.Stats().Panicked)

		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(began), "the other worker goes on")
		time.Sleep(2 * time.Hour)
		assert.EqualValues(t, 1, pool.Stats().Restarts)
	})
}

func TestAnActorIsAnsweredWithTheStackOfAPanic(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(1))
		answer, err := root.RequestFuture(pool.PID(), -1, time.Minute).Result()
		require.NoError(t, err)
		var panicked *messages.PanicError
		require.ErrorAs(t, answer.(*messages.Result).Err, &panicked)
		assert.Contains(t, string(panicked.Stack), "pooltest.Crash")
	})
}

func TestGoexitIsTreatedLikeAPanic(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
			if n < 0 {
				runtime.Goexit()
			}
			return n, nil
		}, actors.WithSize(1))
		for range 3 {
			_, err := pool.Ask(t.Context(), -1)
			var panicked *messages.PanicError
			require.ErrorAs(t, err, &panicked)
			assert.ErrorIs(t, err, messages.ErrGoexit)
			out, err := pool.Ask(t.Context(), 1)
			require.NoError(t, err)
			assert.Equal(t, 1, out)
		}
		stats := pool.Stats()
		assert.Equal(t, [2]int64{3, 3}, [2]int64{stats.Panicked, stats.Restarts})
	})
}

func TestTheStrategyThatIsPluggedInIsTheOneAsked(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		type failure struct {
			worker string
			reason any
		}
		asked := make(chan failure, 10)
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(3), actors.WithSupervision(
			pooltest.Strategy(func(s actor.Supervisor, child *actor.PID, reason any) {
				assert.Len(t, s.Children(), 3)
				asked <- failure{child.Id, reason}
				s.RestartChildren(child)
			})))
		_, err := pool.Ask(t.Context(), -1)
		require.Error(t, err)
		f := <-asked
		assert.Equal(t, pooltest.ErrTask, f.reason)
		synctest.Wait()
		for _, w := range pool.Stats().Workers {
			restarts := int64(0)
			if w.ID == f.worker {
				restarts = 1
			}
			assert.Equal(t, restarts, w.Restarts, w.ID)
		}
		assert.Empty(t, asked, "asked once")
	})
}

func TestAnErrorIsNoFailureOfTheWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { return 0, pooltest.ErrTask },
			actors.WithSupervision(pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { t.Error("asked") })))
		_, err := pool.Ask(t.Context(), 1)
		require.ErrorIs(t, err, pooltest.ErrTask)
		synctest.Wait()
	})
}

func TestARestartKeepsTheQueueAndItsOrder(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.ConsistentHash()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				begun := make(chan int, 20)
				pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					begun <- n
					if n%3 == 0 {
						panic(n)
					}
					return n, nil
				}, actors.WithSize(1), actors.WithDispatch(dispatch))
				pool.Pause()
				for n := range 10 {
					require.NoError(t, pool.Tell(t.Context(), n, actors.Key("k")))
				}
				pool.Resume()
				require.NoError(t, pool.Wait(t.Context()))
				close(begun)
				n := 0
				for got := range begun {
					assert.Equal(t, n, got)
					n++
				}
				assert.Equal(t, 10, n)
				synctest.Wait() // the last restart comes after the last task
				stats := pool.Stats()
				assert.Equal(t, [3]int64{6, 4, 4}, [3]int64{stats.Succeeded, stats.Panicked, stats.Restarts})
			})
		})
	}
}

func TestAllForOneRestartsAllWorkers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(3), actors.WithSupervision(supervisor.AllForOne()))
		healthy, err := pool.Submit(t.Context(), 1)
		require.NoError(t, err)
		_, err = pool.Ask(t.Context(), -1)
		require.ErrorIs(t, err, pooltest.ErrTask)
		_, err = healthy.Wait(t.Context())
		require.NoError(t, err, "a restart waits for the task in hand")
		synctest.Wait()
		for _, w := range pool.Stats().Workers {
			assert.EqualValues(t, 1, w.Restarts, w.ID)
		}
	})
}

func TestAnEscalatedFailureIsTheParentsToDecide(t *testing.T) {
	for _, tt := range []struct {
		name     string
		decide   func(actor.Supervisor, ...*actor.PID)
		answers  int // of the tasks that are queued behind the failure
		restarts int64
	}{
		{"resume", actor.Supervisor.ResumeChildren, 5, 0},
		{"restart", actor.Supervisor.RestartChildren, 5, 0},
		{"stop", actor.Supervisor.StopChildren, 0, 0},
	} {
		for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
			t.Run(tt.name+"/"+dispatch.String(), func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					root := pooltest.System().Root
					var asked atomic.Int32
					_, pool := pooltest.SpawnUnder(t, root, actors.PropsFromHandler(pooltest.Crash, actors.WithSize(1),
						actors.WithDispatch(dispatch), actors.WithSupervision(supervisor.Escalate())),
						pooltest.Strategy(func(s actor.Supervisor, child *actor.PID, reason any) {
							asked.Add(1)
							assert.Equal(t, pooltest.ErrTask, reason)
							tt.decide(s, child)
						}))
					in := pooltest.NewInbox(t, root)
					in.Ask(pool, &messages.Pause{})
					for _, n := range []int{-1, 1, 2, 3, 4, 5} {
						in.Request(pool, n)
					}
					root.Send(pool, &messages.Resume{})
					assert.Equal(t, messages.Panicked, (<-in.Mail).(*messages.Result).Outcome)
					for n := range 5 {
						result := (<-in.Mail).(*messages.Result)
						if n < tt.answers {
							assert.Equal(t, n+1, result.Value)
						} else {
							assert.ErrorIs(t, result.Err, messages.ErrDropped)
						}
					}
					assert.EqualValues(t, 1, asked.Load())
				})
			})
		}
	}
}

func TestAStrategyThatPanicsHarmsNobody(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(1),
			actors.WithSupervision(pooltest.Strategy(func(actor.Supervisor, *actor.PID, any) { panic("no idea") })))
		_, err := pool.Ask(t.Context(), -1)
		require.ErrorIs(t, err, pooltest.ErrTask)
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
	})
}

// keeping is a strategy that keeps the message that an actor failed with.
type keeping struct{ message chan any }

func (k keeping) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, message any) {
	k.message <- message
	s.ResumeChildren(child)
}

func TestAStrategySeesThePayloadOfTheTaskThatFailed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		k := keeping{make(chan any, 1)}
		pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { panic(pooltest.ErrTask) }, actors.WithSupervision(k))
		require.NoError(t, pool.Tell(t.Context(), 77))
		assert.Equal(t, 77, <-k.message)
		_, err := pool.Ask(t.Context(), 78)
		require.ErrorIs(t, err, pooltest.ErrTask)
		assert.Equal(t, 78, <-k.message)
	})
}

func TestTheStackOfAPanicBeginsWhereItPanicked(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(_ context.Context, in string) (int, error) {
			if in == "goexit" {
				runtime.Goexit()
			}
			return len(in), explode(in)
		})
		_, err := pool.Ask(t.Context(), "now")
		var crash *messages.PanicError
		require.ErrorAs(t, err, &crash)
		assert.Regexp(t, `^goroutine \d+ \[running.*\]:\npanic\(.*\n.*\n.*actors_test\.explode\(`, string(crash.Stack))
		_, err = pool.Ask(t.Context(), "goexit")
		require.ErrorAs(t, err, &crash)
		assert.Contains(t, string(crash.Stack), "runtime.Goexit")
	})
}

//go:noinline
func explode(in string) error { panic("explode " + in) }
