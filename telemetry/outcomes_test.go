package telemetry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
)

// act is a handler that does as it is told.
func act(ctx context.Context, what string) (string, error) {
	switch what {
	case "fail":
		return "", pooltest.ErrTask
	case "panic":
		panic(pooltest.ErrTask)
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
