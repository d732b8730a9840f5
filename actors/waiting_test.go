package actors_test

import (
	"context"
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
	"github.com/troupe-go/troupe/supervisor"
)

// A worker that leaves finishes what it has in hand: whoever waits for that has
// no reason to give up.
func TestAWaitForATaskThatRunsOutlastsAResize(t *testing.T) {
	for name, ask := range map[string]func(context.Context, *actors.Pool[int, int]) error{
		"Ask": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			_, err := pool.Ask(ctx, 1, actors.Priority(1))
			return err
		},
		"Future": func(ctx context.Context, pool *actors.Pool[int, int]) error {
			f, err := pool.Submit(ctx, 1, actors.Priority(1))
			if err != nil {
				return err
			}
			time.Sleep(2 * time.Minute) // and the resize comes before the wait
			_, err = f.Wait(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				byPriority := router.Custom(func(task router.TaskView, _ router.Workers) int { return task.Priority })
				var pool *actors.Pool[int, int]
				pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					if n == 0 {
						return 0, ask(ctx, pool)
					}
					_, err := pooltest.Sleep(ctx, time.Hour)
					return n, err
				}, actors.WithSize(2), actors.WithDispatch(byPriority))
				f, err := pool.Submit(t.Context(), 0)
				require.NoError(t, err)
				synctest.Wait()
				time.Sleep(time.Minute)
				require.NoError(t, pool.Resize(t.Context(), 1)) // worker 1 leaves
				_, err = f.Wait(t.Context())
				assert.NoError(t, err)
			})
		})
	}
}

// Nor does the stop of a worker that is about to be replaced leave anybody
// waiting in vain.
func TestAWaitForAQueuedTaskOutlastsTheReplacementOfAWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
			switch n {
			case 0:
				if err := pool.Tell(ctx, -1); err != nil {
					return 0, err
				}
				return pool.Ask(ctx, 1)
			case -1:
				time.Sleep(time.Minute)
				panic(pooltest.ErrTask)
			}
			return n, nil
		}, actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(
			supervisor.Decider(func(error) actor.Directive { return actor.StopDirective }))))
		out, err := pool.Ask(t.Context(), 0)
		require.NoError(t, err)
		assert.Equal(t, 1, out)
		synctest.Wait()
		assert.EqualValues(t, 1, pool.Stats().Replaced)
	})
}

// A wait that is over, though its goroutine has not run yet, is no reason to tell
// another that it waits in vain.
func TestAWaitThatWillEndIsNoDeadlock(t *testing.T) {
	timelimit.Set(t)
	pool := nested(t, pooltest.System().Root, actors.WithSize(4))
	for range 500 {
		_, err := pool.Ask(t.Context(), 4)
		require.ErrorIs(t, err, messages.ErrDeadlock)
		_, err = pool.Ask(t.Context(), 3) // while the others hear of the end of theirs
		require.NoError(t, err)
	}
}

// unending is a context that leads to its handler and does not end with it.
type unending struct{ context.Context }

func (unending) Done() <-chan struct{} { return nil }
func (unending) Err() error            { return nil }

func TestAWorkerDoesNotWaitForWhatItsHandlerLeftWaiting(t *testing.T) {
	const leaves, sleeps, asks, works = 1, 2, 3, 4
	for name, next := range map[string][]int{"idle": nil, "with another task": {sleeps}} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				var pool *actors.Pool[int, int]
				answer := make(chan error, 1)
				pool = pooltest.Open(t, root, func(ctx context.Context, n int) (int, error) {
					switch n {
					case leaves:
						go func() {
							_, err := pool.Ask(unending{ctx}, asks)
							answer <- err
						}()
						time.Sleep(time.Millisecond) // it waits
					case sleeps:
						time.Sleep(2 * time.Second)
					case asks:
						time.Sleep(time.Second)
						return pool.Ask(ctx, works)
					}
					return n, nil
				}, actors.WithSize(2))
				for _, n := range append([]int{leaves}, next...) {
					require.NoError(t, pool.Tell(context.Background(), n))
					time.Sleep(time.Microsecond)
				}
				assert.NoError(t, <-answer, "the first worker will do it")
			})
		})
	}
}
