package troupetest_test

import (
	"context"
	"errors"
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
	"github.com/troupe-go/troupe/troupetest"
)

// A desk is a Worker that counts its tasks. A negative one panics.
type desk struct {
	n     int
	close func() error
}

func (d *desk) Handle(_ context.Context, n int) (int, error) {
	if n < 0 {
		panic("negative")
	}
	d.n++
	return d.n, nil
}

func (d *desk) Close() error {
	if d.close != nil {
		return d.close()
	}
	return nil
}

func newDesk(context.Context) (*desk, error) { return new(desk), nil }

func TestAPoolWithStatesRecordsEveryTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := troupetest.NewPoolOf(t, pooltest.System().Root, newDesk, actors.WithSize(1), actors.WithName("office"))
		require.NoError(t, pool.Tell(t.Context(), 1))
		_, err := pool.Ask(t.Context(), -1, actors.ID("bad"))
		require.Error(t, err)
		n, err := pool.Ask(t.Context(), 3)
		require.NoError(t, err)
		assert.Equal(t, 1, n, "a new state after the restart")
		assert.Equal(t, []int{1, -1, 3}, pool.Submitted())
		assert.Equal(t, messages.Panicked, pool.Task("bad").Outcome)
		assert.Equal(t, "office/supervisor/1", pool.Task("3").Worker)
	})
}

// A pool closes states in many ways; each state is closed once.
func TestStatesThatThePoolHasClosedPassTheCheck(t *testing.T) {
	for name, opts := range map[string][]actors.Option{
		"max tasks":    {actors.WithMaxTasks(2)},
		"max age":      {actors.WithMaxAge(time.Minute)},
		"idle timeout": {actors.WithIdleTimeout(time.Minute)},
		"none":         nil,
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var closed atomic.Int64
				pool := troupetest.NewPoolOf(t, nil, func(context.Context) (*desk, error) {
					return &desk{close: func() error {
						closed.Add(1)
						return errors.New("not well closed")
					}}, nil
				}, append([]actors.Option{actors.WithSize(2)}, opts...)...)
				for n := range 10 {
					_, _ = pool.Ask(t.Context(), n%5-1)
					time.Sleep(40 * time.Second)
				}
				time.Sleep(time.Hour)
				require.NoError(t, pool.Resize(t.Context(), 1))
				_, err := pool.Finish(t.Context())
				require.NoError(t, err)
				assert.GreaterOrEqual(t, closed.Load(), int64(4), "two for panics, two at the end")
			})
		})
	}
}

func TestAStateThatIsSharedFailsTheTest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, shared := newFakeT(t), new(desk)
		failures := fake.run(func() {
			pool := troupetest.NewPoolOf(fake, pooltest.System().Root,
				func(context.Context) (*desk, error) { return shared, nil }, actors.WithSize(2), actors.WithName("office"))
			_, err := pool.Ask(t.Context(), 1)
			assert.NoError(t, err)
			synctest.Wait()
		})
		assert.Contains(t, failures, `the Workers of pool "office" were not closed exactly once each`)
		assert.Regexp(t, `the \*troupetest_test.desk that was made for office/supervisor/\d is that of office/supervisor/\d, which is not closed yet`, failures)
		assert.NotContains(t, failures, "the record of pool")
	})
}

func TestAStateMayBeUsedAgainAfterItsClose(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		one := new(desk)
		pool := troupetest.NewPoolOf(t, nil, func(context.Context) (*desk, error) { return one, nil },
			actors.WithSize(1), actors.WithMaxTasks(1))
		for n := range 3 {
			got, err := pool.Ask(t.Context(), n)
			require.NoError(t, err)
			assert.Equal(t, n+1, got)
		}
	})
}

// A bell has no variable of its own: all pointers to bells may be equal.
type bell struct{}

func (*bell) Handle(context.Context, int) (int, error) { return 0, nil }
func (*bell) Close() error                             { return nil }

// A crate cannot be compared.
type crate struct{ bottles []int }

func (c crate) Handle(context.Context, int) (int, error) { return len(c.bottles), nil }
func (c crate) Close() error                             { return nil }

// A stamp is no io.Closer.
type stamp int

func (s stamp) Handle(_ context.Context, n int) (int, error) { return int(s) * n, nil }

func TestAnyWorkerCanBeChecked(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		bells := troupetest.NewPoolOf(t, nil, func(context.Context) (*bell, error) { return new(bell), nil }, actors.WithSize(3))
		crates := troupetest.NewPoolOf(t, nil, func(context.Context) (crate, error) { return crate{[]int{1}}, nil }, actors.WithSize(3))
		stamps := troupetest.NewPoolOf(t, nil, func(context.Context) (stamp, error) { return 7, nil }, actors.WithSize(3))
		for _, pool := range []*troupetest.Pool[int, int]{bells, crates, stamps} {
			for answer := range pool.Each(t.Context(), slices.Values([]int{1, 2, 3})) {
				require.NoError(t, answer.Err)
			}
		}
	})
}

func TestAWorkerThatCannotBeMadeIsNotClosed(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		for _, produce := range []func(context.Context) (actors.Worker[int, int], error){
			func(context.Context) (actors.Worker[int, int], error) { return nil, pooltest.ErrTask },
			func(context.Context) (actors.Worker[int, int], error) { return new(desk), pooltest.ErrTask },
			func(context.Context) (actors.Worker[int, int], error) { panic(pooltest.ErrTask) },
			func(context.Context) (actors.Worker[int, int], error) { return nil, nil },
		} {
			pool := troupetest.NewPoolOf(t, nil, produce, actors.WithSize(1))
			_, err := pool.Ask(t.Context(), 1)
			require.ErrorIs(t, err, messages.ErrNoWorkers)
		}
	})
}

func TestAnInvalidPoolWithStatesEndsTheTest(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		for _, start := range []func(*fakeT){
			func(fake *fakeT) { troupetest.NewPoolOf(fake, nil, newDesk, actors.WithMaxTasks(0)) },
			func(fake *fakeT) { troupetest.NewPoolOf[*desk, int, int](fake, nil, nil) },
			func(fake *fakeT) { troupetest.NewFuncPool(fake, nil, actors.WithSize(-1)) },
		} {
			fake := newFakeT(t)
			failures := fake.run(func() {
				start(fake)
				t.Error("it returned")
			})
			assert.Contains(t, failures, "the pool cannot start: troupe: invalid option")
		}
	})
}

func TestAProduceOrCloseThatNeverReturnsIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		for want, produce := range map[string]func(release chan struct{}) (*desk, error){
			"The function that makes the Worker of office/supervisor/1, which began ": func(release chan struct{}) (*desk, error) {
				_, err := stuckHandler(release)
				return new(desk), err
			},
			"Close of the Worker of office/supervisor/1, which began ": func(release chan struct{}) (*desk, error) {
				return &desk{close: func() error {
					_, err := stuckHandler(release)
					return err
				}}, nil
			},
		} {
			fake, release := newFakeT(t), make(chan struct{})
			failures := fake.run(func() {
				troupetest.NewPoolOf(fake, pooltest.System().Root,
					func(context.Context) (*desk, error) { return produce(release) }, actors.WithSize(1), actors.WithName("office"))
				synctest.Wait()
			})
			assert.Contains(t, failures, "has not stopped within 10s")
			assert.Contains(t, failures, want)
			assert.Contains(t, failures, "troupetest_test.stuckHandler(", "its stack")
			assert.NotContains(t, failures, "exactly once", "it is reported once")
			close(release)
			synctest.Wait()
		}
	})
}

func TestAGoroutineThatAWorkerLeavesBehindIsReported(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		fake, release := newFakeT(t), make(chan struct{})
		failures := fake.run(func() {
			troupetest.NewPoolOf(fake, nil, func(context.Context) (*desk, error) {
				go leakedGoroutine(release)
				return new(desk), nil
			}, actors.WithSize(1))
			synctest.Wait()
		})
		assert.Contains(t, failures, "goroutines that this test has started are still running")
		assert.Contains(t, failures, "troupetest_test.leakedGoroutine\n")
		close(release)
	})
}
