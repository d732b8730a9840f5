package actors_test

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// endless yields d for ever, and counts.
func endless(d time.Duration, pulled *int) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for yield(d) {
			*pulled++
		}
	}
}

func TestMapKeepsItsWorkersBusyBehindASlowTask(t *testing.T) {
	const size, n = 8, 800
	tasks := slices.Repeat([]time.Duration{5 * time.Millisecond}, n)
	for i := range 4 {
		tasks[i*n/4] = 200 * time.Millisecond
	}
	took := func(run func(*actors.Pool[time.Duration, time.Duration])) (d time.Duration) {
		pooltest.Bubble(t, func(t *testing.T) {
			pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(size))
			start := time.Now()
			run(pool)
			d = time.Since(start)
		})
		return d
	}
	alone := took(func(pool *actors.Pool[time.Duration, time.Duration]) {
		for _, d := range tasks {
			require.NoError(t, pool.Tell(context.Background(), d))
		}
		require.NoError(t, pool.Wait(context.Background()))
	})
	mapped := took(func(pool *actors.Pool[time.Duration, time.Duration]) {
		i := 0
		for d, err := range pool.Map(context.Background(), slices.Values(tasks)) {
			require.NoError(t, err)
			require.Equal(t, tasks[i], d)
			i++
		}
		require.Equal(t, n, i)
	})
	t.Logf("Tell and Wait %v, Map %v", alone, mapped)
	assert.LessOrEqual(t, mapped, alone*11/10)
}

func TestMapBoundsTheAnswersThatWaitForTheirTurn(t *testing.T) {
	for name, pause := range map[string]time.Duration{"fast input": 0, "slow input": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(2))
				pulled := 0
				ins := func(yield func(time.Duration) bool) {
					for d := range endless(time.Millisecond, &pulled) {
						if pulled == 0 {
							d = time.Hour
						}
						time.Sleep(pause)
						if !yield(d) {
							return
						}
					}
				}
				for d, err := range pool.Map(t.Context(), ins) {
					require.NoError(t, err)
					require.Equal(t, time.Hour, d)
					break
				}
				assert.Greater(t, pulled, 200, "the second worker goes on")
				assert.Less(t, pulled, 300, "for a while")
			})
		})
	}
}

func TestMapRunsAheadOfASlowConsumerByTwoTasksAWorker(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(3))
		pulled, consumed := 0, 0
		for _, err := range pool.Map(t.Context(), endless(time.Millisecond, &pulled)) {
			require.NoError(t, err)
			time.Sleep(time.Second)
			consumed++
			assert.LessOrEqual(t, pulled-consumed, 2*3)
			if consumed == 50 {
				break
			}
		}
		assert.Greater(t, pulled-consumed, 3)
	})
}

// mostAtOnce is a handler that naps and records how many run at the same time.
type mostAtOnce struct {
	mu        sync.Mutex
	now, most int // guarded by mu
}

func (m *mostAtOnce) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now += n
	m.most = max(m.most, m.now)
}

func (m *mostAtOnce) handle(ctx context.Context, d time.Duration) (time.Duration, error) {
	m.add(1)
	defer m.add(-1)
	return pooltest.Sleep(ctx, d)
}

func (m *mostAtOnce) reset() (most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	most, m.most = m.most, m.now
	return most
}

func TestMapUsesTheWorkersOfAPoolThatGrows(t *testing.T) {
	t.Run("resized", func(t *testing.T) {
		pooltest.Bubble(t, func(t *testing.T) {
			var busy mostAtOnce
			pool := pooltest.Open(t, pooltest.System().Root, busy.handle, actors.WithSize(1))
			time.AfterFunc(time.Minute, func() { assert.NoError(t, pool.Resize(t.Context(), 8)) })
			n := 0
			for _, err := range pool.Map(t.Context(), slices.Values(slices.Repeat([]time.Duration{time.Hour}, 16))) {
				require.NoError(t, err)
				n++
				if n == 1 {
					assert.Equal(t, 8, busy.reset(), "while Map waits for the first answer")
				}
			}
			assert.Equal(t, 16, n)
		})
	})
	for name, rule := range map[string]supervisor.Rule{
		"autoscaled": nil, "autoscaled at a higher threshold": supervisor.Threshold{Factor: 5.5},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				var busy mostAtOnce
				pool := pooltest.Open(t, pooltest.System().Root, busy.handle, actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 8, Rule: rule}))
				for _, err := range pool.Map(t.Context(), slices.Values(slices.Repeat([]time.Duration{time.Minute}, 100))) {
					require.NoError(t, err)
				}
				assert.Equal(t, 8, busy.reset())
			})
		})
	}
}

func TestMapLooksAheadLessInAPoolThatShrinks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(8))
		pulled, consumed := 0, 0
		for _, err := range pool.Map(t.Context(), endless(time.Minute, &pulled)) {
			require.NoError(t, err)
			consumed++
			switch consumed {
			case 1:
				require.NoError(t, pool.Resize(t.Context(), 1))
			case 100:
				assert.LessOrEqual(t, pulled-consumed, 2)
				return
			}
		}
	})
}

func TestAheadSetsHowFarMapRunsAhead(t *testing.T) {
	for _, ahead := range []int{1, 4, 50} {
		pooltest.Bubble(t, func(t *testing.T) {
			var busy mostAtOnce
			pool := pooltest.Open(t, pooltest.System().Root, busy.handle, actors.WithSize(8))
			pulled, consumed := 0, 0
			for _, err := range pool.Map(t.Context(), endless(time.Millisecond, &pulled), actors.Ahead(ahead)) {
				require.NoError(t, err)
				stats := pool.Stats()
				assert.LessOrEqual(t, stats.Submitted-stats.Settled(), int64(ahead))
				time.Sleep(time.Second)
				consumed++
				if consumed == 20 {
					break
				}
			}
			assert.Equal(t, min(ahead, 8), busy.reset())
		})
	}
}

func TestMapYieldsOneErrorForAnOptionThatMakesNoSense(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(1))
		for name, option := range map[string]actors.TaskOption{
			"Ahead(0)": actors.Ahead(0), "Ahead(-3)": actors.Ahead(-3), "-1ns": actors.Timeout(-1), "option 0": {},
		} {
			pulled := 0
			var errs []error
			for _, err := range pool.Map(t.Context(), endless(0, &pulled), option) {
				errs = append(errs, err)
			}
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], messages.ErrInvalidOption)
			require.ErrorContains(t, errs[0], name)
			assert.Zero(t, pulled)
		}
		assert.EqualValues(t, 4, pool.Stats().Rejected)
	})
}

func TestAheadIsNoOptionOfASingleTask(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := pooltest.Open(t, pooltest.System().Root, pooltest.Sleep, actors.WithSize(1))
		_, asked := pool.Ask(t.Context(), 0, actors.Ahead(7))
		_, submitted := pool.Submit(t.Context(), 0, actors.Ahead(7))
		for _, err := range []error{asked, submitted, pool.Tell(t.Context(), 0, actors.Ahead(7)), pool.Group(t.Context()).Submit(0, actors.Ahead(7))} {
			require.ErrorIs(t, err, messages.ErrInvalidOption)
			require.ErrorContains(t, err, "Ahead(7)")
		}
		assert.EqualValues(t, 4, pool.Stats().Rejections[messages.RejectedInvalid])
	})
}
