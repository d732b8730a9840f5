package actors_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	protorouter "github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestAHandlerPoolAnswersEveryTaskWithOneResult(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromHandler(func(ctx context.Context, n int) (int, error) {
			switch n {
			case 1:
				return 0, pooltest.ErrTask
			case 2:
				panic("two")
			case 3:
				return 0, wait(ctx)
			}
			return n, nil
		}, actors.WithSize(1)))
		in := pooltest.NewInbox(t, root)
		for _, tt := range []struct {
			message any
			outcome messages.Outcome
			err     error
		}{
			{&messages.Task{ID: "a", Payload: 7}, messages.Succeeded, nil},
			{7, messages.Succeeded, nil},
			{&messages.Task{ID: "a", Payload: 1}, messages.Failed, pooltest.ErrTask},
			{&messages.Task{ID: "a", Payload: 2}, messages.Panicked, nil},
			{&messages.Task{ID: "a", Payload: 3, Timeout: time.Second}, messages.TimedOut, messages.ErrTaskTimeout},
			{&messages.Task{ID: "a", Payload: "3"}, messages.Rejected, messages.ErrPayloadType},
			{"3", messages.Rejected, messages.ErrPayloadType},
			{&messages.Task{ID: "a"}, messages.Rejected, messages.ErrPayloadType},
			{&messages.Task{ID: "a", Payload: 7, Timeout: -1}, messages.Rejected, messages.ErrInvalidOption},
		} {
			result := in.Result(t, pool, tt.message)
			assert.Equal(t, tt.outcome, result.Outcome, tt.message)
			if _, ok := tt.message.(*messages.Task); ok {
				assert.Equal(t, "a", result.TaskID)
			}
			if tt.outcome == messages.Succeeded {
				assert.NoError(t, result.Err)
				assert.Equal(t, 7, result.Value)
			} else {
				assert.Error(t, result.Err, tt.message)
				assert.Nil(t, result.Value)
			}
			if tt.err != nil {
				assert.ErrorIs(t, result.Err, tt.err)
			}
			assert.True(t, in.Empty(), "one answer to %v", tt.message)
		}
		stats := in.Stats(t, pool)
		assert.Equal(t, [2]int64{5, 4}, [2]int64{stats.Submitted, stats.Rejected})
	})
}

func wait(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestAResultNamesItsWorkerAndItsTimes(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromHandler(pooltest.Sleep, actors.WithSize(1)))
		in := pooltest.NewInbox(t, root)
		in.Request(pool, time.Minute)
		synctest.Wait()
		in.Request(pool, time.Second)
		<-in.Mail
		result := (<-in.Mail).(*messages.Result)
		stats := in.Stats(t, pool)
		assert.Equal(t, &messages.Result{
			TaskID: "2", Value: time.Second, Outcome: messages.Succeeded,
			Pool: stats.Pool, Worker: stats.Workers[0].ID, Attempts: 1, Wait: time.Minute, Run: time.Second,
		}, result)
	})
}

func TestSendsFromActorsNeverBlockAndAreAnsweredOrDeadLetters(t *testing.T) {
	for _, tt := range []struct {
		overflow actors.Overflow
		outcome  messages.Outcome
		err      error
	}{
		{actors.Block, messages.Rejected, messages.ErrQueueFull},
		{actors.Reject, messages.Rejected, messages.ErrQueueFull},
		{actors.CallerRuns, messages.Rejected, messages.ErrQueueFull},
		{actors.DropNewest, messages.Dropped, messages.ErrDropped},
	} {
		t.Run(tt.overflow.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				letters := pooltest.Events[*actor.DeadLetterEvent](t, root.ActorSystem())
				pool := pooltest.Spawn(t, root, actors.PropsFromHandler(pooltest.Sleep, actors.WithSize(1), actors.WithQueue(0, tt.overflow)))
				in := pooltest.NewInbox(t, root)
				root.Send(pool, time.Hour)
				synctest.Wait()
				began := time.Now()
				result := in.Result(t, pool, &messages.Task{ID: "id", Payload: time.Second})
				assert.ErrorIs(t, result.Err, tt.err)
				assert.Equal(t, tt.outcome, result.Outcome)
				assert.Equal(t, "id", result.TaskID)
				assert.Zero(t, time.Since(began))
				assert.Empty(t, letters)
				if tt.outcome == messages.Rejected {
					root.Send(pool, time.Second)
					letter := <-letters
					assert.Equal(t, time.Second, letter.Message)
					assert.True(t, pool.Equal(letter.PID), "the letter was for the pool")
				}
			})
		})
	}
}

func TestControlMessagesAreAnswered(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromHandler(pooltest.Sleep, actors.WithSize(2), actors.WithName("controlled")))
		in := pooltest.NewInbox(t, root)
		assert.Equal(t, "controlled", in.Stats(t, pool).Pool)
		assert.Equal(t, &messages.Resized{From: 2, To: 5}, in.Ask(pool, &messages.Resize{Size: 5}))
		assert.Equal(t, 5, in.Stats(t, pool).Size)
		result := in.Result(t, pool, &messages.Resize{Size: 0})
		assert.ErrorIs(t, result.Err, messages.ErrInvalidOption)
		assert.ErrorContains(t, result.Err, "0")

		assert.Equal(t, &messages.Paused{}, in.Ask(pool, &messages.Pause{}))
		in.Request(pool, time.Minute)
		stats := in.Stats(t, pool)
		assert.True(t, stats.Paused)
		assert.EqualValues(t, 1, stats.Queued)
		assert.Equal(t, &messages.Resumed{}, in.Ask(pool, &messages.Resume{}))
		assert.Equal(t, messages.Succeeded, (<-in.Mail).(*messages.Result).Outcome)

		root.Send(pool, time.Minute)
		assert.Equal(t, &messages.DrainReport{Finished: 1}, in.Ask(pool, &messages.Drain{}))
	})
}

func TestABroadcastReachesEveryWorkerAndEachAnswers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Spawn(t, root, actors.PropsFromHandler(pooltest.Sleep, actors.WithSize(3), actors.WithQueue(1, actors.Reject)))
		in := pooltest.NewInbox(t, root)
		root.Send(pool, time.Minute) // a part of the broadcast waits for the busy worker
		synctest.Wait()
		for _, message := range []any{
			&messages.Broadcast{Message: time.Second},
			&messages.Broadcast{Message: &messages.Task{ID: "all", Payload: time.Second}},
			&protorouter.BroadcastMessage{Message: time.Second},
		} {
			in.Request(pool, message)
			workers := make(map[string]bool)
			for range 3 {
				result := (<-in.Mail).(*messages.Result)
				assert.NoError(t, result.Err)
				workers[result.Worker] = true
			}
			assert.Len(t, workers, 3)
			assert.True(t, in.Empty())
		}
		result := in.Result(t, pool, &messages.Broadcast{Message: "wrong"})
		assert.ErrorIs(t, result.Err, messages.ErrPayloadType)
		assert.EqualValues(t, 1, in.Stats(t, pool).Rejected)
	})
}

func TestProtoActorsRouterMessagesWork(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, got := echoes(actors.WithSize(2))
		pool := pooltest.Spawn(t, root, props)
		in := pooltest.NewInbox(t, root)
		routees := func() []*actor.PID { return in.Ask(pool, &protorouter.GetRoutees{}).(*protorouter.Routees).PIDs }
		require.Len(t, routees(), 2)

		root.Send(pool, &protorouter.AdjustPoolSize{Change: 2})
		assert.Len(t, routees(), 4)
		root.Send(pool, &protorouter.AdjustPoolSize{Change: -3})
		assert.Len(t, routees(), 1)
		result := in.Result(t, pool, &protorouter.AdjustPoolSize{Change: -1})
		assert.ErrorIs(t, result.Err, messages.ErrInvalidOption)

		foreign := pooltest.NewInbox(t, root)
		root.Send(pool, &protorouter.AddRoutee{PID: foreign.PID})
		require.Len(t, routees(), 2)
		root.Send(pool, &protorouter.BroadcastMessage{Message: 1})
		assert.Equal(t, 1, <-foreign.Mail)
		assert.Equal(t, 1, <-got)

		root.Send(pool, &protorouter.RemoveRoutee{PID: foreign.PID})
		require.Len(t, routees(), 1)
		result = in.Result(t, pool, &protorouter.RemoveRoutee{PID: routees()[0]})
		assert.ErrorIs(t, result.Err, messages.ErrInvalidOption, "the last worker")
		synctest.Wait()
		root.Send(foreign.PID, 2)
		assert.Equal(t, 2, <-foreign.Mail, "a foreign routee is not stopped")

		root.Send(pool, &protorouter.AddRoutee{PID: foreign.PID})
		require.Len(t, routees(), 2)
		require.NoError(t, root.StopFuture(foreign.PID).Wait())
		synctest.Wait()
		assert.Len(t, routees(), 1, "a routee that has stopped is no routee")
	})
}

func TestAMessageBatchIsRoutedOneByOneWithItsSender(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		props, _ := echoes(actors.WithSize(1))
		pool := pooltest.Spawn(t, root, props)
		in := pooltest.NewInbox(t, root)
		in.Request(pool, batch{"a", "b"})
		assert.Equal(t, "echo of a", <-in.Mail)
		assert.Equal(t, "echo of b", <-in.Mail)
		assert.True(t, in.Empty())
	})
}

type batch []any

func (b batch) GetMessages() []any { return b }

func TestResultsPassTheSenderMiddlewareOfTheRootContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var seen atomic.Int32
		root.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
			return func(ctx actor.SenderContext, to *actor.PID, envelope *actor.MessageEnvelope) {
				if _, ok := envelope.Message.(*messages.Result); ok {
					seen.Add(1)
				}
				next(ctx, to, envelope)
			}
		})
		pool := pooltest.Open(t, root, pooltest.Double)
		_, err := root.RequestFuture(pool.PID(), &messages.Task{Payload: 3}, time.Second).Result()
		require.NoError(t, err)
		assert.EqualValues(t, 1, seen.Load())
	})
}
