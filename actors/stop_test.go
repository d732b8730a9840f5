package actors_test

import (
	"context"
	"sync"
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
)

func TestShutdownFinishesWhatWasAccepted(t *testing.T) {
	for _, dispatch := range []router.Dispatch{router.LeastBusy(), router.RoundRobin()} {
		t.Run(dispatch.String(), func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithSize(2), actors.WithDispatch(dispatch))
				require.NoError(t, pool.Tell(t.Context(), 0))
				require.NoError(t, pool.Wait(t.Context()))
				for range 6 {
					require.NoError(t, pool.Tell(t.Context(), time.Minute))
				}
				pool.Pause()
				began := time.Now()
				go func() {
					time.Sleep(time.Second)
					assert.ErrorIs(t, pool.Tell(t.Context(), 0), messages.ErrPoolStopped)
				}()
				report, err := pool.Shutdown(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 3*time.Minute, time.Since(began))
				assert.Equal(t, messages.DrainReport{Finished: 6}, report, "what ended before does not count")
				again, err := pool.Shutdown(t.Context())
				require.NoError(t, err)
				assert.Equal(t, report, again)
			})
		})
	}
}

func TestShutdownIsCutShortByItsContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, func(ctx context.Context, d time.Duration) (time.Duration, error) {
			if d == time.Hour { // ignores its context
				time.Sleep(d)
				return d, nil
			}
			return pooltest.Sleep(ctx, d)
		}, actors.WithSize(3))
		var futures []*actors.Future[time.Duration]
		for _, d := range []time.Duration{time.Second, time.Minute, time.Hour, time.Minute, time.Minute, time.Minute} {
			f, err := pool.Submit(t.Context(), d, actors.ID(d.String()))
			require.NoError(t, err)
			futures = append(futures, f)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		report, err := pool.Shutdown(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Less(t, time.Since(began), 11*time.Second, "it does not wait for a handler that ignores its context")
		assert.Equal(t, messages.DrainReport{Finished: 1, Canceled: 3, Dropped: 2, Abandoned: []string{"1h0m0s"}}, report)
		for i, want := range []messages.Outcome{
			messages.Succeeded, messages.Canceled, messages.Canceled, messages.Canceled, messages.Dropped, messages.Dropped,
		} {
			_, err := futures[i].Wait(t.Context())
			assert.Equal(t, want, pooltest.OutcomeOf(err), i)
			if err != nil {
				assert.ErrorIs(t, err, messages.ErrPoolStopped)
			}
		}
		<-pool.Done()
		assert.Equal(t, time.Hour, time.Since(began), "Done waits for it")
	})
}

func TestCloseAnswersEveryoneAtOnce(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		g := pooltest.NewGate()
		pool := pooltest.Open(t, root, g.Handle, actors.WithSize(1), actors.WithQueue(1, actors.Block))
		heard := make(chan error, 3)
		for n := range 3 { // one runs, one is queued, one waits for admission
			go func() {
				_, err := pool.Ask(t.Context(), n)
				heard <- err
			}()
			synctest.Wait()
		}
		began := time.Now()
		report := pool.Close()
		assert.Equal(t, messages.DrainReport{Canceled: 1, Dropped: 1}, report)
		for range 3 {
			assert.ErrorIs(t, <-heard, messages.ErrPoolStopped)
		}
		assert.Zero(t, time.Since(began))
		<-pool.Done()
		assert.EqualValues(t, 1, pool.Stats().Rejected)
	})
}

// To close a pool that is closed does nothing; it is no message to a dead actor.
func TestCloseMayBeCalledAgain(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		letters := pooltest.Events[*actor.DeadLetterEvent](t, root.ActorSystem())
		pool := pooltest.Open(t, root, pooltest.Double)
		require.NoError(t, pool.Tell(t.Context(), 1))
		report, err := pool.Shutdown(t.Context())
		require.NoError(t, err)
		<-pool.Done()
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(func() {
				assert.Equal(t, report, pool.Close())
				_, err := pool.Shutdown(t.Context())
				assert.NoError(t, err)
			})
		}
		closers.Wait()
		pool.Pause()
		pool.Resume()
		assert.NoError(t, pool.Wait(t.Context()))
		assert.ErrorIs(t, pool.Resize(t.Context(), 2), messages.ErrPoolStopped)
		assert.Empty(t, letters)
	})
}

func TestAPoolThatIsDoneHasStoppedForGood(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Double)
		pool.Close()
		<-pool.Done()
		for _, s := range submissions(pool) {
			assert.ErrorIs(t, s.do(t.Context(), 1), messages.ErrPoolStopped, s.name)
		}
		for _, err := range pool.Map(t.Context(), func(yield func(int) bool) { yield(1) }) {
			assert.ErrorIs(t, err, messages.ErrPoolStopped)
		}
		assert.EqualValues(t, 4, pool.Stats().Rejected)
	})
}

func TestAHandlerMayCloseItsOwnPool(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, root, func(context.Context, int) (int, error) {
			pool.Close()
			return 0, nil
		}, actors.WithSize(1))
		_, err := pool.Ask(t.Context(), 1)
		assert.ErrorIs(t, err, messages.ErrPoolStopped)
		<-pool.Done()
	})
}
