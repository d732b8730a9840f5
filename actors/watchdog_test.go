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
)

func TestAHandlerThatIgnoresItsContextIsAbandonedAtTheGrace(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				abandoned := pooltest.Events[*messages.WorkerAbandoned](t, root.ActorSystem())
				returned := pooltest.Events[*messages.AbandonedReturned](t, root.ActorSystem())
				replaced := pooltest.Events[*messages.WorkerReplaced](t, root.ActorSystem())
				s := newStubborn()
				pool := pooltest.Open(t, root, s.handle, actors.WithName("p"), actors.WithSize(1), actors.WithDispatch(dispatch),
					watchdog(5*time.Second, 3))
				began := time.Now()
				stuck, err := pool.Submit(t.Context(), -1, actors.ID("stuck"), actors.Timeout(time.Second))
				require.NoError(t, err)
				behind, err := pool.Submit(t.Context(), 7)
				require.NoError(t, err)

				_, err = stuck.Wait(t.Context())
				require.ErrorIs(t, err, messages.ErrTaskTimeout)
				assert.Equal(t, time.Second, time.Since(began), "settled at its timeout")
				out, err := behind.Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 7, out, "another worker has taken over the queue")
				assert.Equal(t, 6*time.Second, time.Since(began), "at the grace, exactly")

				event := <-abandoned
				assert.Equal(t, [3]any{"p", "stuck", 5 * time.Second}, [3]any{event.Pool, event.TaskID, event.Overdue})
				assert.Contains(t, string(event.Stack), "stubborn", "the stack of the handler's goroutine")
				assert.Equal(t, event.Worker.Id, (<-replaced).Replace.Id)
				require.NoError(t, pool.Wait(t.Context()), "nobody waits for it any more")
				stats := pool.Stats()
				assert.Equal(t, [5]int{1, 0, 1, 1, 1}, [5]int{stats.Size, stats.Busy, stats.Abandoned, int(stats.TimedOut), int(stats.Replaced)})
				assert.True(t, stats.Balanced())
				assert.Len(t, stats.Workers, 1)

				close(s.release)
				assert.Equal(t, "stuck", (<-returned).TaskID)
				stats = pool.Stats()
				assert.Equal(t, [3]int64{0, 1, 1}, [3]int64{int64(stats.Abandoned), stats.TimedOut, stats.Succeeded}, "its late answer changes nothing")
			})
		})
	}
}

func TestAHandlerThatEndsWithinTheGraceIsNotAbandoned(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		abandoned := pooltest.Events[*messages.WorkerAbandoned](t, root.ActorSystem())
		pool := pooltest.Open(t, root, func(_ context.Context, d time.Duration) (int, error) {
			time.Sleep(d)
			return 0, nil
		}, actors.WithSize(1), watchdog(5*time.Second, 1))
		_, err := pool.Ask(t.Context(), 6*time.Second-1, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		_, err = pool.Ask(t.Context(), time.Hour)
		require.NoError(t, err, "without a timeout it may take as long as it likes")
		assert.Empty(t, abandoned)
		assert.Zero(t, pool.Stats().Replaced)
	})
}

func TestNoMoreHandlersAreAbandonedThanTheLimitAllows(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		s := newStubborn()
		pool := pooltest.Open(t, root, s.handle, actors.WithSize(3), watchdog(time.Second, 2))
		for range 3 {
			require.NoError(t, pool.Tell(t.Context(), -1, actors.Timeout(time.Second)))
		}
		time.Sleep(time.Minute)
		stats := pool.Stats()
		assert.Equal(t, [3]int{2, 1, 3}, [3]int{stats.Abandoned, stats.Busy, stats.Size})
		s.release <- struct{}{}
		time.Sleep(time.Minute)
		stats = pool.Stats()
		assert.Contains(t, [][2]int{{2, 0}, {1, 0}}, [2]int{stats.Abandoned, stats.Busy}, "there was a place for the third, or it was the one that ended")
		close(s.release)
	})
}

func TestAPoolStopsInSpiteOfAStuckHandler(t *testing.T) {
	for name, stop := range map[string]func(t *testing.T, pool *actors.Pool[int, int]){
		"Close": func(_ *testing.T, pool *actors.Pool[int, int]) { pool.Close() },
		"Shutdown": func(t *testing.T, pool *actors.Pool[int, int]) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			report, err := pool.Shutdown(ctx)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, []string{"1"}, report.Abandoned)
		},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				s := newStubborn()
				pool := pooltest.Open(t, root, s.handle, actors.WithName("again"), actors.WithSize(2), watchdog(5*time.Second, 1))
				require.NoError(t, pool.Tell(t.Context(), -1))
				synctest.Wait()
				stop(t, pool)
				closed := time.Now()
				<-pool.Done()
				assert.LessOrEqual(t, time.Since(closed), 5*time.Second)
				assert.Equal(t, 1, pool.Stats().Abandoned)

				// The name is free, and the return of the old worker does not touch
				// the new one of the same name.
				second := pooltest.Open(t, root, pooltest.Double, actors.WithName("again"), actors.WithSize(2))
				close(s.release)
				synctest.Wait()
				assert.Zero(t, pool.Stats().Abandoned)
				for range 4 {
					_, err := second.Ask(t.Context(), 1)
					require.NoError(t, err)
				}
				root.Send(root.ActorSystem().NewLocalPID("again/supervisor/1"), "still there")
				synctest.Wait()
				assert.Equal(t, 2, second.Stats().Size)
			})
		})
	}
}

func TestALateAnswerOfAnAbandonedActorIsDiscarded(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		release := make(chan struct{})
		var rites atomic.Int32
		pool := pooltest.Spawn(t, root, actors.PropsFromProducer(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch msg := ctx.Message().(type) {
				case *messages.Task:
					if msg.Payload == "stuck" {
						<-release
					}
					ctx.Respond("answer to " + msg.Payload.(string))
				case *actor.Stopping, *actor.Stopped:
					rites.Add(1)
				}
			})
		}, actors.WithSize(1), watchdog(time.Second, 1)))
		result := in.Result(t, pool, &messages.Task{Payload: "stuck", Timeout: time.Second})
		assert.Equal(t, messages.TimedOut, result.Outcome)
		assert.Equal(t, "answer to next", in.Ask(pool, &messages.Task{Payload: "next"}))
		assert.Zero(t, rites.Load())
		close(release)
		assert.True(t, in.Empty(), "the late answer is nobody's")
		assert.EqualValues(t, 2, rites.Load(), "the actor hears of its end, when it can")
	})
}

func TestAnAbandonedHandlerMayPanic(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		release := make(chan struct{})
		pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
			if n < 0 {
				<-release
				panic("too late")
			}
			return n, nil
		}, actors.WithSize(1), watchdog(time.Second, 1))
		_, err := pool.Ask(t.Context(), -1, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		_, err = pool.Ask(t.Context(), 1)
		require.NoError(t, err)
		close(release)
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [4]int64{0, 0, 0, 1}, [4]int64{int64(stats.Abandoned), stats.Panicked, stats.Restarts, stats.Replaced})
	})
}

func TestABadWatchdogIsAnError(t *testing.T) {
	for _, w := range []actors.Watchdog{{}, {Limit: 1}, {Grace: -1, Limit: 1}, {Grace: 1, Limit: -1}} {
		_, err := actors.NewPool(pooltest.System().Root, pooltest.Double, actors.WithWatchdog(w))
		assert.ErrorIs(t, err, messages.ErrInvalidOption, "%+v", w)
	}
}
