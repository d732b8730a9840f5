package telemetry_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errTask = errors.New("the task's own error")

// quiet is an actor system that logs nothing. Its goroutine that counts dead letters is
// gone after a millisecond.
func quiet() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// open starts a pool that is closed at the end of the test.
func open[In, Out any](
	t testing.TB, system *actor.ActorSystem, handler actors.Handler[In, Out], opts ...actors.Option,
) *actors.Pool[In, Out] {
	t.Helper()
	pool, err := actors.NewPool(system.Root, handler, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		<-pool.Done()
	})
	return pool
}

// act is a handler that does as it is told.
func act(ctx context.Context, what string) (string, error) {
	switch what {
	case "fail":
		return "", errTask
	case "panic":
		panic(errTask)
	case "hang":
		<-ctx.Done()
		return "", context.Cause(ctx)
	default:
		return what, actors.Report(ctx, "done", 1)
	}
}

// eachOutcome has a pool with act settle tasks in most of the ways there are.
func eachOutcome(t *testing.T, pool *actors.Pool[string, string]) {
	t.Helper()
	ctx := context.Background()
	for range 3 {
		_, err := pool.Ask(ctx, "well")
		require.NoError(t, err)
	}
	for _, what := range []string{"fail", "fail", "panic"} {
		_, err := pool.Ask(ctx, what)
		require.Error(t, err)
	}
	_, err := pool.Ask(ctx, "hang", actors.Timeout(time.Millisecond))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	canceled, cancel := context.WithCancel(ctx)
	time.AfterFunc(time.Millisecond, cancel)
	_, err = pool.Ask(canceled, "hang")
	require.ErrorIs(t, err, context.Canceled)
	_, err = pool.Ask(canceled, "late")
	require.ErrorIs(t, err, context.Canceled)
	assert.NoError(t, pool.Wait(ctx))
}
