package actors_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// replacing makes the strategy stop a worker that has failed. start is called when its
// replacement starts, with the number of the attempt.
func replacing(start func(attempt int32)) []actors.Option {
	var started atomic.Int32
	return []actors.Option{
		actors.WithSize(2),
		actors.WithSupervision(supervisor.OneForOne(supervisor.Decider(func(error) actor.Directive { return actor.StopDirective }))),
		actors.WithWorkerProps(actor.WithOnInit(func(actor.Context) {
			if n := started.Add(1); n > 2 {
				start(n - 2)
			}
		})),
	}
}

// crashLater takes a worker for a second, and then stops it.
func crashLater(t *testing.T, pool *jobPool) {
	t.Helper()
	_, err := pool.Submit(context.Background(), func(context.Context) error {
		time.Sleep(time.Second)
		panic(pooltest.ErrTask)
	})
	require.NoError(t, err)
}

// The awaited task can run on a worker that is still being made.
func TestAWorkerOnItsWayRaisesNoAlarm(t *testing.T) {
	for name, start := range map[string]func(int32){
		"slow":      func(int32) { time.Sleep(300 * time.Millisecond) },
		"very slow": func(int32) { time.Sleep(3 * time.Second) },
		"failing once": func(attempt int32) {
			if attempt == 1 {
				panic("not today")
			}
		},
	} {
		for when, begun := range map[string]time.Duration{"before": -time.Millisecond, "after": time.Millisecond} {
			t.Run(name+", asked "+when, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					pool := openJobs(t, replacing(start)...)
					crashLater(t, pool)
					time.Sleep(time.Second + begun)
					require.NoError(t, ask(t, pool, 0, func(ctx context.Context) error {
						_, err := pool.Ask(ctx, idle)
						return err
					})())
					assert.Equal(t, 2, pool.Stats().Size)
				})
			})
		}
	}
}

func TestAWorkerThatIsLostRaisesTheAlarm(t *testing.T) {
	for name, opts := range map[string][]actors.Option{
		"is not replaced":                     {actors.WithSize(2), actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0)))},
		"has a replacement that cannot start": replacing(func(int32) { panic("not today") }),
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := openJobs(t, opts...)
				crashLater(t, pool)
				require.ErrorIs(t, ask(t, pool, 0, func(ctx context.Context) error {
					_, err := pool.Ask(ctx, idle)
					return err
				})(), messages.ErrDeadlock)
				assert.Equal(t, 1, pool.Stats().Size)
			})
		})
	}
}

// The only worker waits for a task that runs in its caller, which waits for a task that only
// this worker could run.
func TestADeadlockThroughATaskInItsCallerIsFound(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(1), actors.WithQueue(1, actors.CallerRuns))
		start := time.Now()
		require.ErrorIs(t, ask(t, pool, 0, func(ctx context.Context) error {
			filler, err := pool.Submit(context.Background(), idle)
			if err != nil {
				return err
			}
			_, err = pool.Ask(ctx, func(ctx context.Context) error { // the queue is full
				filler.Cancel()
				_, err := pool.Ask(ctx, idle)
				return err
			})
			return err
		})(), messages.ErrDeadlock)
		assert.Zero(t, time.Since(start))
	})
}
