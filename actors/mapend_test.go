package actors_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
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

// errAsked is the cause of a cancellation.
var errAsked = errors.New("asked to stop")

func TestMapYieldsTheErrorsThatAskReturns(t *testing.T) {
	type pool = *actors.Pool[time.Duration, time.Duration]
	for name, end := range map[string]func() (context.Context, func()){
		"canceled": func() (context.Context, func()) {
			ctx, cancel := context.WithCancel(context.Background())
			return ctx, cancel
		},
		"canceled for a cause": func() (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(context.Background())
			return ctx, func() { cancel(errAsked) }
		},
		"at its deadline": func() (context.Context, func()) {
			return context.WithTimeout(context.Background(), time.Minute)
		},
	} {
		for _, queued := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				failing := func(call func(ctx context.Context, p pool) error) (err error) {
					pooltest.Bubble(t, func(t *testing.T) {
						p := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(1))
						if queued {
							require.NoError(t, p.Tell(context.Background(), 2*time.Minute))
							synctest.Wait()
						}
						ctx, cancel := end()
						timer := time.AfterFunc(time.Minute+time.Second, cancel)
						defer timer.Stop()
						err = call(ctx, p)
					})
					return err
				}
				asked := failing(func(ctx context.Context, p pool) error {
					_, err := p.Ask(ctx, time.Hour)
					return err
				})
				mapped := failing(func(ctx context.Context, p pool) (first error) {
					for _, err := range p.Map(ctx, slices.Values([]time.Duration{time.Hour, time.Hour, time.Hour})) {
						if first == nil {
							first = err
						}
					}
					return first
				})
				require.ErrorIs(t, asked, messages.ErrCanceled)
				for _, target := range []error{messages.ErrCanceled, context.Canceled, context.DeadlineExceeded, errAsked} {
					assert.Equal(t, errors.Is(asked, target), errors.Is(mapped, target), target)
				}
			})
		}
	}
}

func TestMapYieldsAnErrorForANilContext(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(1))
		var errs []error
		pulled := 0
		for _, err := range pool.Map(nil, endless(0, &pulled)) { //nolint:staticcheck // that is the test
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		assert.ErrorIs(t, errs[0], messages.ErrInvalidOption)
	})
}

func TestMapInAHandlerIsToldOfADeadlockAsAskIs(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		var pool *actors.Pool[int, int]
		pool = pooltest.Open(t, pooltest.System().Root, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, nil
			}
			answers := 0
			for _, err := range pool.Map(ctx, slices.Values([]int{0, 0, 0, 0, 0})) {
				assert.ErrorIs(t, err, messages.ErrDeadlock)
				assert.ErrorIs(t, err, messages.ErrCanceled)
				answers++
			}
			return answers, nil
		}, actors.WithSize(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		out, err := pool.Ask(ctx, 1)
		require.NoError(t, err)
		assert.Equal(t, 5, out)
		assert.EqualValues(t, 5, pool.Stats().Canceled)
	})
}

// However the loop over a Map ends, what was not consumed is canceled, and no goroutine is
// left: the bubble would report it.
func TestMapCancelsWhatWasNotConsumed(t *testing.T) {
	type pool = *actors.Pool[time.Duration, time.Duration]
	pulled := 0
	consume := func(p pool, at func()) {
		p.Map(context.Background(), endless(time.Minute, &pulled))(func(time.Duration, error) bool { at(); return true })
	}
	failing := func(fail func()) iter.Seq[time.Duration] {
		return func(yield func(time.Duration) bool) {
			for range 7 {
				if !yield(time.Minute) {
					return
				}
			}
			fail()
		}
	}
	for name, run := range map[string]func(pool){
		"break": func(p pool) {
			p.Map(context.Background(), endless(time.Minute, &pulled))(func(time.Duration, error) bool { return false })
		},
		"panic":                 func(p pool) { consume(p, func() { panic("consumer") }) },
		"Goexit":                func(p pool) { consume(p, runtime.Goexit) },
		"panic in the iterator": func(p pool) { p.Map(context.Background(), failing(func() { panic("iterator") }))(ignore) },
		"Goexit in the iterator": func(p pool) {
			p.Map(context.Background(), failing(runtime.Goexit))(ignore)
		},
		"end of the context": func(p pool) {
			ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
			defer cancel()
			p.Map(ctx, endless(time.Minute, &pulled))(ignore)
		},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				p := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(3))
				start := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { _ = recover() }()
					run(p)
				}()
				<-done
				synctest.Wait()
				stats := p.Stats()
				assert.Zero(t, stats.Queued+stats.Running)
				assert.Positive(t, stats.Canceled)
				assert.Equal(t, stats.Submitted, stats.Succeeded+stats.Canceled)
				assert.Less(t, time.Since(start), 3*time.Minute)
			})
		})
	}
}

func ignore(time.Duration, error) bool { return true }

func TestMapPullsItsInputOnTheConsumersGoroutine(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(4))
		var inside atomic.Int32 // the consumer or the iterator runs
		ins := func(yield func(time.Duration) bool) {
			for range 100 {
				assert.EqualValues(t, 1, inside.Add(1))
				runtime.Gosched()
				inside.Add(-1)
				if !yield(time.Millisecond) {
					return
				}
			}
		}
		for _, err := range pool.Map(t.Context(), ins) {
			assert.EqualValues(t, 1, inside.Add(1))
			require.NoError(t, err)
			runtime.Gosched()
			inside.Add(-1)
		}
	})
}

func TestMapYieldsARejectionInItsPlace(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(1), actors.WithQueue(0, actors.Reject))
		var errs []error
		for _, err := range pool.Map(t.Context(), slices.Values(slices.Repeat([]time.Duration{time.Minute}, 3))) {
			errs = append(errs, err)
		}
		require.Len(t, errs, 3)
		require.NoError(t, errs[0])
		assert.ErrorIs(t, errs[1], messages.ErrQueueFull)
	})
}
