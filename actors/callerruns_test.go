package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestACallerThatRunsATaskHearsOfItsTimeoutAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		s := newStubborn()
		pool := pooltest.Open(t, root, s.handle, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
		require.NoError(t, pool.Tell(t.Context(), -1))
		synctest.Wait()
		began := time.Now()
		_, err := pool.Ask(t.Context(), -1, actors.Timeout(time.Second))
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		assert.Equal(t, time.Second, time.Since(began))
		close(s.release)
	})
}

func TestACallerThatRunsATaskHearsOfACloseAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		s := newStubborn()
		pool := pooltest.Open(t, root, s.handle, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns))
		require.NoError(t, pool.Tell(t.Context(), -1))
		synctest.Wait()
		heard := make(chan error, 1)
		go func() {
			_, err := pool.Ask(context.Background(), -1)
			heard <- err
		}()
		synctest.Wait()
		pool.Close()
		assert.ErrorIs(t, <-heard, messages.ErrCanceled)
		close(s.release)
	})
}

func TestAHandlerStuckInItsCallerIsAbandoned(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		abandoned := pooltest.Events[*messages.WorkerAbandoned](t, root.ActorSystem())
		s := newStubborn()
		pool := pooltest.Open(t, root, s.handle, actors.WithSize(1), actors.WithQueue(0, actors.CallerRuns), watchdog(time.Second, 5))
		require.NoError(t, pool.Tell(t.Context(), -1, actors.Timeout(time.Second)))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := pool.Ask(ctx, -1)
		require.ErrorIs(t, err, messages.ErrCanceled)
		require.NoError(t, pool.Wait(t.Context()))
		first, second := <-abandoned, <-abandoned
		assert.Contains(t, string(first.Stack), "stubborn")
		assert.Contains(t, string(second.Stack), "stubborn")
		assert.NotEqual(t, first.Worker == nil, second.Worker == nil, "one had a worker")
		assert.Equal(t, 2, pool.Stats().Abandoned)
		close(s.release)
		synctest.Wait()
		assert.Zero(t, pool.Stats().Abandoned)
	})
}
