package actors_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestATaskThatKeepsCrashingWorkersIsQuarantined(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		quarantined := pooltest.Events[*messages.TaskQuarantined](t, root.ActorSystem())
		pool := pooltest.Open(t, root, newPoison().handle, actors.WithName("ward"), actors.WithSize(2), retry(panics), quarantine(3, 0))
		began := time.Now()
		future, err := pool.Submit(t.Context(), -1, actors.ID("bad"), actors.Key("k"), actors.Priority(4),
			actors.Header("h", "v"), actors.Timeout(time.Hour))
		require.NoError(t, err)
		_, err = future.Wait(t.Context())
		assert.ErrorIs(t, err, messages.ErrQuarantined)
		var panicked *messages.PanicError
		require.ErrorAs(t, err, &panicked)
		assert.Equal(t, "crash 3", panicked.Value, "the last one is in the chain")
		assert.Equal(t, 3*time.Second, time.Since(began), "not tried a fourth time")

		stats := pool.Stats()
		assert.Equal(t, [4]int64{1, 0, 2, 1}, [4]int64{stats.Quarantined, stats.Panicked, stats.Retries, int64(stats.InQuarantine)})
		event := <-quarantined
		assert.Equal(t, "ward", event.Pool)
		tasks := pool.Quarantine()
		require.Len(t, tasks, 1)
		task := tasks[0]
		assert.Equal(t, task, event.QuarantinedTask)
		assert.Equal(t, messages.Task{
			ID: "bad", Payload: -1, Key: "k", Priority: 4, Timeout: time.Hour, Headers: map[string]string{"h": "v"},
		}, task.Task)
		assert.Equal(t, 3, task.Attempts)
		assert.Zero(t, time.Since(task.At))
		require.Len(t, task.Panics, 3)
		for i, p := range task.Panics {
			assert.Equal(t, fmt.Sprintf("crash %d", i+1), p.Value)
			assert.Contains(t, string(p.Stack), "poison", "the stack is that of the panic")
		}
	})
}

func TestAQuarantineForTheFirstCrashNeedsNoRetry(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, newPoison().handle, actors.WithSize(1), quarantine(1, 0))
		require.NoError(t, pool.Tell(t.Context(), -1))
		assert.Equal(t, messages.Quarantined, in.Result(t, pool.PID(), -2).Outcome)
		_, err := pool.Ask(t.Context(), -3)
		assert.ErrorIs(t, err, messages.ErrQuarantined)
		synctest.Wait()
		payloads := []any{}
		for _, task := range pool.Quarantine() {
			payloads = append(payloads, task.Task.Payload)
			assert.Equal(t, 1, task.Attempts)
		}
		assert.Equal(t, []any{-1, -2, -3}, payloads, "oldest first")
	})
}

func TestTasksThatHaveUsedUpTheirAttemptsAreQuarantinedIfAskedFor(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		a := &attempts{plan: []func() error{failing, crashing, failing, failing}}
		pool := pooltest.Open(t, root, a.handle, retry(panics),
			actors.WithQuarantine(actors.Quarantine{Crashes: 2, Exhausted: true}))
		_, err := pool.Ask(t.Context(), 1)
		assert.ErrorIs(t, err, messages.ErrQuarantined)
		assert.ErrorIs(t, err, pooltest.ErrTask)
		require.Len(t, pool.Quarantine(), 1)
		assert.Len(t, pool.Quarantine()[0].Panics, 1)
		assert.Equal(t, pooltest.ErrTask, pool.Quarantine()[0].Err)

		a.plan = []func() error{func() error { return messages.NoRetry(pooltest.ErrTask) }}
		_, err = pool.Ask(t.Context(), 1)
		assert.NotErrorIs(t, err, messages.ErrQuarantined, "it had attempts left")
	})
}

// An error is no crash, even if it is that of a panic elsewhere.
func TestAPanicOfAnotherPoolIsNoCrash(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		other := pooltest.Open(t, root, newPoison().handle)
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) { return other.Ask(ctx, n) }, quarantine(1, 0))
		_, err := pool.Ask(t.Context(), -1)
		assert.NotErrorIs(t, err, messages.ErrQuarantined)
		var panicked *messages.PanicError
		assert.ErrorAs(t, err, &panicked)
		assert.EqualValues(t, 1, pool.Stats().Failed)
	})
}

func TestTheQuarantineKeepsTheNewest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, newPoison().handle, quarantine(1, 2))
		for n := -1; n >= -4; n-- {
			_, err := pool.Ask(t.Context(), n)
			require.Error(t, err)
		}
		tasks := pool.Quarantine()
		require.Len(t, tasks, 2)
		assert.Equal(t, [2]any{-3, -4}, [2]any{tasks[0].Task.Payload, tasks[1].Task.Payload})
		stats := pool.Stats()
		assert.Equal(t, [2]int64{4, 2}, [2]int64{stats.Quarantined, int64(stats.InQuarantine)})
	})
}

func TestQuarantinedTasksCanBeRequeuedOrDeleted(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		p := newPoison()
		pool := pooltest.Open(t, root, p.handle, actors.WithSize(1), quarantine(1, 0), actors.WithQueue(0, actors.DropNewest))
		for n := -1; n >= -4; n-- {
			_, err := pool.Ask(t.Context(), n)
			require.Error(t, err)
			synctest.Wait()
		}
		assert.Equal(t, 1, pool.DeleteQuarantined(2, 77))
		p.cured.Store(true)

		n, err := pool.Requeue(1)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Equal(t, -1, <-p.done)
		synctest.Wait()
		_, err = pool.Requeue(1)
		assert.ErrorIs(t, err, messages.ErrNotQuarantined)
		assert.ErrorContains(t, err, "1")

		pool.Pause() // no room
		n, err = pool.Requeue(4, 3)
		assert.ErrorIs(t, err, messages.ErrQueueFull, "it is not dropped, whatever the policy")
		assert.Zero(t, n)
		assert.Len(t, pool.Quarantine(), 2, "nothing is lost")
		pool.Resume()
		_, err = pool.Requeue(4)
		require.NoError(t, err, "a rejection leaves it fit to be submitted")
		assert.Equal(t, -4, <-p.done)
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [3]int64{6, 2, 4}, [3]int64{stats.Submitted, stats.Succeeded, stats.Quarantined}, "each a new task of the ledger")

		pool.Close()
		assert.Len(t, pool.Quarantine(), 1, "it can still be read")
		_, err = pool.Requeue(3)
		assert.ErrorIs(t, err, messages.ErrPoolStopped)
	})
}

func TestTheQuarantineIsListedRequeuedAndDeletedByMessages(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		cured := false
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch msg := ctx.Message().(type) {
				case string, *messages.Task:
					if !cured {
						panic(msg)
					}
					ctx.Respond("well")
				}
			})
		}, actors.WithSize(1), quarantine(1, 0)))
		assert.Equal(t, messages.Quarantined, in.Result(t, pool, "plain").Outcome)
		task := &messages.Task{ID: "named", Payload: "in an envelope", Priority: 2}
		assert.Equal(t, messages.Quarantined, in.Result(t, pool, task).Outcome)
		assert.Equal(t, messages.Quarantined, in.Result(t, pool, "third").Outcome)

		tasks := in.Ask(pool, &messages.ListQuarantine{}).(*messages.Quarantine).Tasks
		require.Len(t, tasks, 3)
		assert.Equal(t, "plain", tasks[0].Task.Payload)
		assert.Equal(t, messages.Task{ID: "named", Payload: "in an envelope", Priority: 2}, tasks[1].Task)

		cured = true
		in.Request(pool, &messages.Requeue{Numbers: []int64{tasks[1].Number, tasks[0].Number, 99}})
		answers := []any{<-in.Mail, <-in.Mail, <-in.Mail}
		assert.Contains(t, answers, any("well"), "the worker's own answer reaches the sender")
		for _, answer := range answers {
			if requeued, ok := answer.(*messages.Requeued); ok {
				assert.Equal(t, 2, requeued.Count)
				assert.ErrorIs(t, requeued.Err, messages.ErrNotQuarantined)
			}
		}
		assert.Equal(t, &messages.Deleted{Count: 1}, in.Ask(pool, &messages.DeleteQuarantined{Numbers: []int64{tasks[2].Number}}))
		assert.Empty(t, in.Ask(pool, &messages.ListQuarantine{}).(*messages.Quarantine).Tasks)
	})
}

func TestATaskThatRanInItsCallerCanBeQuarantined(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			if n < 0 {
				panic(n)
			}
			_, err := pooltest.Sleep(ctx, time.Minute)
			return n, err
		}, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns), quarantine(1, 0))
		require.NoError(t, pool.Tell(t.Context(), 1))
		synctest.Wait()
		_, err := pool.Ask(t.Context(), -1)
		assert.ErrorIs(t, err, messages.ErrQuarantined)
		require.Len(t, pool.Quarantine(), 1)
		assert.Empty(t, pool.Quarantine()[0].Worker)
	})
}

func TestAQuarantineThatNoTaskCouldReachIsAnError(t *testing.T) {
	for name, options := range map[string][]actors.Option{
		"no limit":                {actors.WithQuarantine(actors.Quarantine{})},
		"negative":                {actors.WithQuarantine(actors.Quarantine{Crashes: -1})},
		"keeps less than none":    {quarantine(1, -1)},
		"no retry":                {quarantine(2, 0)},
		"no retry of panics":      {quarantine(2, 0), retry()},
		"more crashes than tries": {quarantine(5, 0), retry(panics)},
		"exhausted without tries": {actors.WithQuarantine(actors.Quarantine{Crashes: 1, Exhausted: true})},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := actors.NewPool(pooltest.System().Root, pooltest.Double, options...)
			assert.ErrorIs(t, err, messages.ErrInvalidOption)
		})
	}
}

func TestTheTimeOfARequeuedTaskBeginsWhenItIsAccepted(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		broken := true
		pool := pooltest.Open(t, root, func(_ context.Context, d time.Duration) (int, error) {
			if d == time.Millisecond && broken {
				panic("broken")
			}
			time.Sleep(d)
			return 0, nil
		}, actors.WithSize(1), actors.WithQueue(0, actors.Reject), actors.WithQuarantine(actors.Quarantine{Crashes: 1}))
		_, err := pool.Ask(t.Context(), time.Millisecond, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrQuarantined)
		synctest.Wait()
		broken = false
		number := pool.Quarantine()[0].Number

		require.NoError(t, pool.Tell(t.Context(), time.Minute))
		_, err = pool.Requeue(number)
		require.ErrorIs(t, err, messages.ErrQueueFull)
		time.Sleep(time.Hour)
		_, err = pool.Requeue(number)
		require.NoError(t, err)
		require.NoError(t, pool.Wait(t.Context()))
		assert.Zero(t, pool.Stats().TimedOut)
	})
}
