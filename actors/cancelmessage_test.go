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

// canceledID checks that the next mail is the result of a canceled task, and returns the ID.
func canceledID(t *testing.T, in *pooltest.Inbox) string {
	t.Helper()
	mail := <-in.Mail
	require.IsType(t, &messages.Result{}, mail)
	result := mail.(*messages.Result)
	assert.Equal(t, messages.Canceled, result.Outcome)
	assert.ErrorIs(t, result.Err, messages.ErrCanceled)
	return result.TaskID
}

func TestCancelSettlesQueuedAndRunningTasksOfAnID(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(fmt.Sprint(dispatch), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithDispatch(dispatch))
				in := pooltest.NewInbox(t, root)
				for _, id := range []string{"a", "b", "a", "c"} {
					in.Request(pool.PID(), &messages.Task{ID: id, Payload: time.Hour})
				}
				synctest.Wait()
				in.Request(pool.PID(), messages.Cancel{ID: "a"})
				assert.Equal(t, "a", canceledID(t, in))
				assert.Equal(t, "a", canceledID(t, in), "senders are told before the report is sent")
				assert.Equal(t, &messages.CancelReport{Canceled: 2}, <-in.Mail)
				synctest.Wait()
				stats := pool.Stats()
				assert.Equal(t, [3]int64{2, 1, 1}, [3]int64{stats.Canceled, stats.Running, stats.Queued})

				assert.Equal(t, &messages.CancelReport{}, in.Ask(pool.PID(), &messages.Cancel{ID: "a"}), "they are settled")
				assert.Equal(t, &messages.CancelReport{}, in.Ask(pool.PID(), &messages.Cancel{ID: "unknown"}))
				root.Send(pool.PID(), &messages.Cancel{ID: "b"})
				assert.Equal(t, "b", canceledID(t, in))
				assert.True(t, in.Empty(), "without a sender there is no report")
			})
		})
	}
}

func TestCancelFindsTasksByThePoolsNumber(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		in := pooltest.NewInbox(t, root)
		in.Request(pool.PID(), time.Hour)
		in.Request(pool.PID(), &messages.Task{ID: "3", Payload: time.Hour})
		in.Request(pool.PID(), time.Hour)
		synctest.Wait()
		for _, id := range []string{"0", "01", "+1", " 1", "2", "18446744073709551617"} {
			assert.Equal(t, &messages.CancelReport{}, in.Ask(pool.PID(), &messages.Cancel{ID: id}), id)
		}
		in.Request(pool.PID(), &messages.Cancel{ID: "3"})
		assert.Equal(t, "3", canceledID(t, in))
		assert.Equal(t, "3", canceledID(t, in), "an ID that looks like the number of another task")
		assert.Equal(t, &messages.CancelReport{Canceled: 2}, <-in.Mail)
		in.Request(pool.PID(), &messages.Cancel{ID: "1"})
		assert.Equal(t, "1", canceledID(t, in))
		assert.Equal(t, &messages.CancelReport{Canceled: 1}, <-in.Mail)
	})
}

func TestCancelEndsTheHandlersContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		causes := make(chan error, 1)
		pool := pooltest.Open(t, root, func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return 0, nil
		})
		future, err := pool.Submit(t.Context(), 1, actors.ID("one"))
		require.NoError(t, err)
		synctest.Wait()
		root.Send(pool.PID(), &messages.Cancel{ID: "one"})
		_, err = future.Wait(t.Context())
		assert.ErrorIs(t, err, messages.ErrCanceled, "a waiting goroutine is told, too")
		assert.ErrorIs(t, <-causes, messages.ErrCanceled)
	})
}

func TestCancelFindsTasksThatWaitForARetryOrForOneWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d == 0 {
				return 0, messages.RetryAfter(time.Hour)
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(2), actors.WithRetry(actors.Retry{Attempts: 2}))
		in := pooltest.NewInbox(t, root)
		in.Request(pool.PID(), &messages.Task{ID: "x", Payload: time.Duration(0)})
		synctest.Wait()
		for range 2 {
			in.Request(pool.PID(), &messages.Broadcast{Message: &messages.Task{ID: "x", Payload: time.Hour}})
		}
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Delayed)
		in.Request(pool.PID(), &messages.Cancel{ID: "x"})
		for range 5 {
			assert.Equal(t, "x", canceledID(t, in))
		}
		assert.Equal(t, &messages.CancelReport{Canceled: 5}, <-in.Mail)
	})
}

func TestCancelFindsTasksThatRunInTheirCallers(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
		in := pooltest.NewInbox(t, root)
		require.NoError(t, pool.Tell(t.Context(), time.Hour))
		synctest.Wait()
		began, failed := time.Now(), make(chan error, 1)
		go func() {
			_, err := pool.Ask(t.Context(), time.Hour, actors.ID("x"))
			failed <- err
		}()
		synctest.Wait()
		assert.Equal(t, &messages.CancelReport{Canceled: 1}, in.Ask(pool.PID(), &messages.Cancel{ID: "x"}))
		assert.ErrorIs(t, <-failed, messages.ErrCanceled)
		assert.Zero(t, time.Since(began))
	})
}

func TestCancelWorksInEveryStateOfThePool(t *testing.T) {
	for name, stop := range map[string]func(in *pooltest.Inbox, pool *actors.Pool[time.Duration, time.Duration]){
		"paused": func(_ *pooltest.Inbox, pool *actors.Pool[time.Duration, time.Duration]) { pool.Pause() },
		"draining": func(in *pooltest.Inbox, pool *actors.Pool[time.Duration, time.Duration]) {
			in.Request(pool.PID(), &messages.Drain{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
				in, other := pooltest.NewInbox(t, root), pooltest.NewInbox(t, root)
				in.Request(pool.PID(), &messages.Task{ID: "x", Payload: time.Hour})
				synctest.Wait()
				stop(other, pool)
				synctest.Wait()
				in.Request(pool.PID(), messages.Cancel{ID: "x"})
				assert.Equal(t, "x", canceledID(t, in))
				assert.Equal(t, &messages.CancelReport{Canceled: 1}, <-in.Mail)
			})
		})
	}
	t.Run("stopped", func(t *testing.T) {
		pooltest.Bubble(t, func(t *testing.T) {
			root := pooltest.System().Root
			returns := make(chan struct{})
			pool := pooltest.Open(t, root, func(context.Context, int) (int, error) { <-returns; return 0, nil })
			in := pooltest.NewInbox(t, root)
			in.Request(pool.PID(), &messages.Task{ID: "x", Payload: 1})
			synctest.Wait()
			pool.Close()
			assert.Equal(t, "x", canceledID(t, in))
			assert.Equal(t, &messages.CancelReport{}, in.Ask(pool.PID(), &messages.Cancel{ID: "x"}), "the stop has settled it")
			close(returns)
		})
	})
}

func TestCancelOfNoIDIsRefused(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		in := pooltest.NewInbox(t, root)
		in.Request(pool.PID(), time.Hour)
		result := in.Result(t, pool.PID(), messages.Cancel{})
		assert.ErrorIs(t, result.Err, messages.ErrInvalidOption)
		assert.Equal(t, messages.Rejected, result.Outcome)
		assert.Zero(t, pool.Stats().Canceled)
	})
}

func TestCancelSparesALaterTaskOfTheSameID(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(1))
		in := pooltest.NewInbox(t, root)
		for range 100 {
			in.Request(pool.PID(), &messages.Task{ID: "x", Payload: time.Hour})
			in.Request(pool.PID(), &messages.Cancel{ID: "x"})
		}
		in.Request(pool.PID(), &messages.Task{ID: "x", Payload: time.Second})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		stats := pool.Stats()
		assert.Equal(t, [2]int64{100, 1}, [2]int64{stats.Canceled, stats.Succeeded})
	})
}

func TestAWorkerMayCancelItsOwnTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		a := pooltest.StartActors(t, actors.WithSize(1))
		in := pooltest.NewInbox(t, a.System.Root)
		in.Request(a.PID, &messages.Task{ID: "x", Payload: nil})
		a.Do(func(ctx actor.Context) {
			ctx.Send(a.PID, &messages.Cancel{ID: "2"})
			assert.EqualValues(t, 1, a.Stats().Canceled, "at once")
		})
		assert.EqualValues(t, 1, a.Stats().Canceled)
	})
}

// TestCancelMeetsTasksOnTheirWay cancels tasks while workers start, retry and finish them.
func TestCancelMeetsTasksOnTheirWay(t *testing.T) {
	for _, dispatch := range pooltest.Dispatches() {
		t.Run(fmt.Sprint(dispatch), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, func(_ context.Context, n int) (int, error) {
					if n%3 == 0 {
						return 0, pooltest.ErrTask
					}
					return n, nil
				}, actors.WithSize(4), actors.WithDispatch(dispatch), actors.WithRetry(actors.Retry{Attempts: 3}))
				in := pooltest.NewInbox(t, root)
				const tasks = 500
				for i := range tasks {
					in.Request(pool.PID(), &messages.Task{ID: fmt.Sprint(i % 10), Key: fmt.Sprint(i), Payload: i})
					if i%7 == 0 {
						in.Request(pool.PID(), &messages.Cancel{ID: fmt.Sprint(i % 10)})
					}
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				results, reported := 0, 0
				for _, mail := range pooltest.Drain(in.Mail) {
					switch mail := mail.(type) {
					case *messages.Result:
						results++
					case *messages.CancelReport:
						reported += mail.Canceled
					}
				}
				stats := pool.Stats()
				assert.Equal(t, tasks, results, "one for each task")
				assert.EqualValues(t, stats.Canceled, reported)
				assert.Positive(t, reported)
				assert.True(t, stats.Balanced())
			})
		})
	}
}
