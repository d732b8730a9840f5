package actors_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
)

func TestFailFastStartsNothingMore(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(1))
		g := pool.Group(t.Context(), actors.FailFast())
		var begun atomic.Int32
		pool.Pause()
		for i := range 100 {
			require.NoError(t, g.Submit(func(context.Context) error {
				begun.Add(1)
				if i == 10 {
					return errAsked
				}
				return nil
			}))
		}
		pool.Resume()
		err := g.Wait()
		assert.Equal(t, errAsked, err)
		assert.EqualValues(t, 11, begun.Load())
		canceled := 0
		for a := range g.Answers() {
			if a.Outcome == messages.Canceled {
				canceled++
				require.ErrorIs(t, a.Err, messages.ErrCanceled)
				require.ErrorIs(t, a.Err, errAsked)
			}
		}
		assert.Equal(t, 89, canceled)
		err = g.Submit(idle)
		require.ErrorIs(t, err, messages.ErrCanceled)
		require.ErrorIs(t, err, errAsked)
		assert.Equal(t, errAsked, g.Wait())
		assert.EqualValues(t, 1, pool.Stats().Rejections[messages.RejectedCanceled])
	})
}

func TestFailFastEndsTheContextsOfRunningTasks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(3))
		g := pool.Group(t.Context(), actors.FailFast())
		var cause atomic.Value
		require.NoError(t, g.Submit(func(ctx context.Context) error {
			<-ctx.Done()
			cause.Store(context.Cause(ctx))
			return nil
		}))
		require.NoError(t, g.Submit(lasting(time.Hour)))
		start := time.Now()
		require.NoError(t, g.Submit(func(ctx context.Context) error {
			_ = lasting(second)(ctx)
			panic("third")
		}))
		var crash *messages.PanicError
		require.ErrorAs(t, g.Wait(), &crash)
		assert.Equal(t, "third", crash.Value)
		assert.Equal(t, second, time.Since(start))
		synctest.Wait()
		require.ErrorIs(t, cause.Load().(error), messages.ErrCanceled)
		require.ErrorAs(t, cause.Load().(error), &crash)
	})
}

func TestARejectedSubmitFailsFast(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 1)
		g := pool.Group(t.Context(), actors.FailFast())
		start := time.Now()
		require.NoError(t, g.Submit(time.Hour))
		require.NoError(t, g.Submit(time.Hour))
		require.ErrorIs(t, g.Submit(0, actors.Timeout(-1)), messages.ErrInvalidOption)
		require.ErrorIs(t, g.Wait(), messages.ErrInvalidOption)
		assert.Zero(t, time.Since(start))
		assert.EqualValues(t, 2, pool.Stats().Canceled)
	})
}

// The race detector and the scheduler find out whether a task that is accepted while another
// fails can start.
func TestFailFastCancelsWhatIsSubmittedMeanwhile(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openJobs(t, actors.WithSize(1))
		for range 50 {
			g := pool.Group(t.Context(), actors.FailFast())
			var failed atomic.Bool
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for i := range 50 {
						err := g.Submit(func(context.Context) error {
							assert.False(t, failed.Load(), "nothing starts after the failure")
							if i == 20 {
								failed.Store(true)
								return errAsked
							}
							return nil
						})
						if err != nil {
							assert.ErrorIs(t, err, errAsked)
							return
						}
					}
				})
			}
			all.Wait()
			require.Equal(t, errAsked, g.Wait())
		}
	})
}

func TestMaxInFlightBoundsTheUnsettledTasksOfAGroup(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool, gate := openGate(t, 8)
		g, other := pool.Group(t.Context(), actors.MaxInFlight(3)), pool.Group(t.Context())
		var submitted atomic.Int32
		var submitter sync.WaitGroup
		submitter.Go(func() {
			for n := range 10 {
				assert.NoError(t, g.Submit(n))
				submitted.Add(1)
			}
		})
		synctest.Wait()
		assert.EqualValues(t, 3, submitted.Load())
		assert.EqualValues(t, 3, pool.Stats().Running)
		err := g.Submit(99, actors.NoWait())
		require.ErrorIs(t, err, messages.ErrQueueFull)
		assert.EqualValues(t, 1, pool.Stats().Rejections[messages.RejectedQueueFull])
		require.NoError(t, other.Submit(100), "it has places of its own")
		close(gate.Open)
		submitter.Wait()
		require.ErrorIs(t, g.Wait(), messages.ErrQueueFull)
		assert.Len(t, slices.Collect(g.Answers()), 11)
		require.NoError(t, other.Wait())
	})
}

func TestAWaitForAPlaceInAGroupEnds(t *testing.T) {
	for name, c := range map[string]struct {
		opts   []actors.TaskOption
		wants  []error
		reason messages.Reason
	}{
		"with the context": {nil, []error{errAsked}, messages.RejectedCanceled},
		"with the timeout": {
			[]actors.TaskOption{actors.Timeout(second)},
			[]error{messages.ErrTaskTimeout, context.DeadlineExceeded},
			messages.RejectedDeadline,
		},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool, _ := openGate(t, 2)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				g := pool.Group(ctx, actors.MaxInFlight(1))
				require.NoError(t, g.Submit(1))
				time.AfterFunc(2*second, func() { cancel(errAsked) })
				err := g.Submit(2, c.opts...)
				for _, want := range append(c.wants, messages.ErrQueueFull) {
					require.ErrorIs(t, err, want)
				}
				assert.EqualValues(t, 1, pool.Stats().Rejections[c.reason])
				require.Error(t, g.Wait())
				require.Len(t, slices.Collect(g.Answers()), 2)
			})
		})
	}
}

func TestTheTimeoutOfATaskIncludesItsWaitForAPlace(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 2)
		g := pool.Group(t.Context(), actors.MaxInFlight(1))
		start := time.Now()
		require.NoError(t, g.Submit(second))
		require.NoError(t, g.Submit(time.Hour, actors.Timeout(3*second)))
		assert.Equal(t, second, time.Since(start))
		require.ErrorIs(t, g.Wait(), messages.ErrTaskTimeout)
		assert.Equal(t, 3*second, time.Since(start))
	})
}

func TestThoseWhoWaitForAPlaceGetItInOrder(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := openSleepers(t, 4)
		g := pool.Group(t.Context(), actors.MaxInFlight(1))
		for i := range 6 {
			go func() { assert.NoError(t, g.Submit(time.Duration(i+1)*time.Millisecond)) }()
			synctest.Wait()
		}
		require.NoError(t, g.Wait(), "it waits for those that wait for a place")
		assert.Equal(t, []time.Duration{1, 2, 3, 4, 5, 6}, scaled(inputs(slices.Collect(g.Answers()))))
	})
}

func scaled(all []time.Duration) (ms []time.Duration) {
	for _, d := range all {
		ms = append(ms, d/time.Millisecond)
	}
	return ms
}
