package actors_test

import (
	"context"
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

func TestAStoppedWorkerHandsItsQueueBackAndIsReplaced(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin(), router.ConsistentHash()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				replaced := pooltest.Events[*messages.WorkerReplaced](t, root.ActorSystem())
				pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(2), actors.WithDispatch(dispatch),
					actors.WithSupervision(supervisor.OneForOne(supervisor.Decider(
						func(error) actor.Directive { return actor.StopDirective }))))
				pool.Pause()
				require.NoError(t, pool.Tell(t.Context(), -1))
				for n := range 20 {
					require.NoError(t, pool.Tell(t.Context(), n))
				}
				pool.Resume()
				require.NoError(t, pool.Wait(t.Context()))
				stats := pool.Stats()
				assert.Equal(t, [4]int64{20, 1, 0, 0}, [4]int64{stats.Succeeded, stats.Panicked, stats.Dropped, stats.Canceled})
				assert.Equal(t, 2, stats.Size)
				assert.Equal(t, [2]int64{1, 0}, [2]int64{stats.Replaced, stats.Restarts})
				e := <-replaced
				assert.NotEqual(t, e.Worker.Id, e.Replace.Id)
				assert.Empty(t, replaced)
			})
		})
	}
}

func TestABudgetThatIsSpentLosesTheWorker(t *testing.T) {
	for name, s := range map[string]actor.SupervisorStrategy{
		"supervisor.OneForOne": supervisor.OneForOne(supervisor.Restarts(2, time.Minute)),
		"actor.OneForOne":      actor.NewOneForOneStrategy(2, time.Minute, actor.DefaultDecider),
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(1), actors.WithSupervision(s))
				fail := func() {
					_, err := pool.Ask(t.Context(), -1)
					require.ErrorIs(t, err, pooltest.ErrTask)
					synctest.Wait()
				}
				fail()
				fail()
				time.Sleep(time.Hour) // the budget is for a minute
				fail()
				fail()
				assert.EqualValues(t, 4, pool.Stats().Restarts)
				assert.Equal(t, 1, pool.Stats().Size)
				fail()
				stats := pool.Stats()
				assert.Equal(t, 0, stats.Size, "not replaced")
				assert.EqualValues(t, 0, stats.Replaced)
			})
		})
	}
}

func TestABudgetOfNoRestartsLosesTheWorkerAtItsFirstFailure(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithSize(2),
			actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, time.Minute))))
		_, err := pool.Ask(t.Context(), -1)
		require.ErrorIs(t, err, pooltest.ErrTask)
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, 1, stats.Size)
		assert.Zero(t, stats.Replaced+stats.Restarts)
	})
}

func TestWithoutWorkersTasksAreRefusedAndTheParentIsAsked(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		reasons := make(chan any, 10)
		_, pool := pooltest.SpawnUnder(t, root, actors.PropsFromHandler(pooltest.Crash, actors.WithSize(1),
			actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0)))),
			pooltest.Strategy(func(_ actor.Supervisor, _ *actor.PID, reason any) { reasons <- reason }))
		in := pooltest.NewInbox(t, root)
		in.Ask(pool, &messages.Pause{})
		in.Request(pool, &messages.Task{Payload: -1, ID: "crash"})
		in.Request(pool, &messages.Task{Payload: 1, ID: "queued"})
		root.Send(pool, &messages.Resume{})

		result := (<-in.Mail).(*messages.Result)
		assert.Equal(t, "crash", result.TaskID)
		assert.Equal(t, messages.Panicked, result.Outcome)
		result = (<-in.Mail).(*messages.Result)
		assert.Equal(t, "queued", result.TaskID)
		assert.Equal(t, messages.Dropped, result.Outcome)
		assert.ErrorIs(t, result.Err, messages.ErrNoWorkers)
		result = in.Result(t, pool, 1)
		assert.Equal(t, messages.Rejected, result.Outcome)
		assert.ErrorIs(t, result.Err, messages.ErrNoWorkers)

		reason := <-reasons
		assert.ErrorIs(t, reason.(error), messages.ErrNoWorkers)
		assert.Equal(t, 0, in.Stats(t, pool).Size)

		require.IsType(t, &messages.Resized{}, in.Ask(pool, &messages.Resize{Size: 2}))
		assert.NoError(t, in.Result(t, pool, 1).Err, "new workers end it")
		assert.Empty(t, reasons)
	})
}

func TestAWaitForRoomEndsWhenNoWorkersAreLeft(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(context.Context, int) (int, error) {
			time.Sleep(time.Second)
			panic(pooltest.ErrTask)
		}, actors.WithSize(1), actors.WithQueue(0, actors.Block),
			actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))))
		require.NoError(t, pool.Tell(t.Context(), 1))
		synctest.Wait()
		// It gets the room that the failed task leaves, or none.
		_, err := pool.Ask(t.Context(), 2)
		assert.ErrorIs(t, err, messages.ErrNoWorkers)
		_, err = pool.Submit(t.Context(), 3)
		assert.ErrorIs(t, err, messages.ErrNoWorkers)
	})
}

func TestAWorkerThatCannotStartIsSoonLost(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var starts atomic.Int32
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*actor.Started); ok {
					starts.Add(1)
					panic("not today")
				}
			})
		}, actors.WithSize(1)))
		synctest.Wait()
		assert.Less(t, starts.Load(), int32(50))
		assert.ErrorIs(t, in.Result(t, pool, "task").Err, messages.ErrNoWorkers)
	})
}
