package supervisor_test

import (
	"context"
	"math"
	"runtime"
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
	"github.com/troupe-go/troupe/supervisor"
)

// A decision of the autoscaler, and when.
type scaling struct {
	at       time.Duration
	from, to int
}

// scalings collects the decisions from now on.
func scalings(t *testing.T, system *actor.ActorSystem) func() []scaling {
	t.Helper()
	began := time.Now()
	var seen []scaling
	sub := system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(*messages.Autoscaled); ok {
			seen = append(seen, scaling{time.Since(began), e.From, e.To})
		}
	})
	t.Cleanup(func() { system.EventStream.Unsubscribe(sub) })
	return func() []scaling { synctest.Wait(); return seen }
}

func TestTheThresholdRuleGrowsWithTheQueueAndShrinksWhenIdle(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		const s = time.Second
		decided := scalings(t, root.ActorSystem())
		resized := pooltest.Events[*messages.PoolResized](t, root.ActorSystem())
		explained := pooltest.Events[*messages.Autoscaled](t, root.ActorSystem())
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithName("p"), actors.WithAutoscale(supervisor.Autoscale{
			Min: 2, Max: 10, Rule: supervisor.Threshold{IdleAfter: 20 * s},
		}))
		assert.Equal(t, 2, pool.Stats().Size, "it begins with the least")
		time.Sleep(s / 2) // a look is then half a second away
		for range 24 {
			require.NoError(t, pool.Tell(t.Context(), 10*s))
		}
		// 22 are queued at 1 s: doubled to 4; 20 are at 2 s: to 8; 16 are at 3 s, which
		// are no more than twice 8. All are done at 31 s at the latest.
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []scaling{{1 * s, 2, 4}, {2 * s, 4, 8}}, decided()[:2])
		shrunk := decided()[2:]
		require.NotEmpty(t, shrunk)
		last := shrunk[len(shrunk)-1]
		assert.Equal(t, 2, last.to, "idle workers leave")
		for _, d := range shrunk {
			assert.Less(t, d.to, d.from)
			assert.GreaterOrEqual(t, d.at, 22*s, "not before they have been idle for 20 s")
		}
		assert.Equal(t, 2, pool.Stats().Size)

		event := <-explained
		assert.Equal(t, [4]any{"p", "threshold", int64(22), 2}, [4]any{event.Pool, event.Rule, event.Queued, event.Busy})
		assert.Contains(t, event.Reason, "22")
		assert.InDelta(t, 0.5, event.Utilization, 1e-6, "since half a second, of one")
		assert.Contains(t, (<-resized).Reason, event.Reason)
	})
}

// One hour of a load that just about fills the queue to the threshold and lets it
// drain: the size goes up and stays, and does not come back the moment it is idle.
func TestAutoscalingDoesNotFlap(t *testing.T) {
	for name, rule := range map[string]supervisor.Rule{
		"threshold": supervisor.Threshold{IdleAfter: time.Minute},
		"climb":     supervisor.Climb{IdleAfter: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				decided := scalings(t, root.ActorSystem())
				pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithQueue(actors.Unbounded, actors.Block),
					actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 32, Rule: rule}))
				time.Sleep(500 * time.Millisecond) // between two looks
				for began := time.Now(); time.Since(began) < time.Hour; {
					for range 25 { // a burst of 10 s of work, every 10 s
						require.NoError(t, pool.Tell(t.Context(), 400*time.Millisecond))
					}
					time.Sleep(10 * time.Second)
				}
				all := decided()
				assert.LessOrEqual(t, len(all), 6, "%v", all)
				for i := 1; i < len(all); i++ {
					if grew, shrinks := all[i-1].to > all[i-1].from, all[i].to < all[i].from; grew && shrinks {
						assert.GreaterOrEqual(t, all[i].at-all[i-1].at, time.Minute, "%v", all)
					}
				}
			})
		})
	}
}

// Two processors, for a hundred workers: work that computes has one of them, work
// that waits has none.
func TestTheClimbFindsTheSizeForTheLoad(t *testing.T) {
	const cores = 2
	for name, tt := range map[string]struct {
		waits       bool
		least, most int
	}{
		"I/O-bound": {true, 45, 64},
		"CPU-bound": {false, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				processors := make(chan struct{}, cores)
				pool := pooltest.Open(t, root, func(_ context.Context, d time.Duration) (int, error) {
					if !tt.waits {
						processors <- struct{}{}
						defer func() { <-processors }()
					}
					time.Sleep(d)
					return 0, nil
				}, actors.WithSize(2), actors.WithQueue(actors.Unbounded, actors.Block),
					actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 64, Rule: supervisor.Climb{}}))
				time.Sleep(250 * time.Millisecond) // so that no look is at the instant at which tasks end
				for range 600 {                    // ten minutes with more work than can be done
					for range 200 - pool.Stats().Queued {
						require.NoError(t, pool.Tell(t.Context(), 500*time.Millisecond))
					}
					time.Sleep(time.Second)
				}
				size := pool.Stats().Size
				assert.GreaterOrEqual(t, size, tt.least)
				assert.LessOrEqual(t, size, tt.most)
			})
		})
	}
}

// scaler is a rule, and its scaler, made of a function.
type scaler func(supervisor.Load) (int, string)

func (scaler) String() string                                       { return "own" }
func (f scaler) Scaler(int, int, time.Duration) supervisor.Scaler   { return f }
func (f scaler) Decide(load supervisor.Load) (size int, why string) { return f(load) }

func TestACustomRuleDecidesAndMayFail(t *testing.T) {
	for name, tt := range map[string]struct {
		decide scaler
		size   int
	}{
		"decides":   {func(supervisor.Load) (int, string) { return 5, "five" }, 5},
		"panics":    {func(supervisor.Load) (int, string) { panic("rule") }, 2},
		"exits":     {func(supervisor.Load) (int, string) { runtime.Goexit(); return 5, "" }, 2},
		"too many":  {func(supervisor.Load) (int, string) { return math.MaxInt, "all" }, 2},
		"too few":   {func(supervisor.Load) (int, string) { return math.MinInt, "none" }, 2},
		"one worse": {func(supervisor.Load) (int, string) { return 9, "nine" }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Bubble(t, func(t *testing.T) {
				root := pooltest.System().Root
				pool := pooltest.Open(t, root, pooltest.Double, actors.WithAutoscale(supervisor.Autoscale{Min: 2, Max: 8, Rule: tt.decide}))
				time.Sleep(time.Minute)
				_, err := pool.Ask(t.Context(), 1)
				require.NoError(t, err)
				assert.Equal(t, tt.size, pool.Stats().Size)
				require.NoError(t, pool.Resize(t.Context(), 3), "the supervisor is none the worse for it")
			})
		})
	}
}

func TestADryRunSaysWhatItWouldDo(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		explained := pooltest.Events[*messages.Autoscaled](t, root.ActorSystem())
		pool := pooltest.Open(t, root, pooltest.Sleep, actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 4, Every: time.Minute, DryRun: true}))
		for range 10 {
			require.NoError(t, pool.Tell(t.Context(), time.Hour))
		}
		time.Sleep(30 * time.Minute)
		assert.Equal(t, 1, pool.Stats().Size)
		require.Len(t, explained, 1, "said once")
		event := <-explained
		assert.True(t, event.DryRun)
		assert.Equal(t, [2]int{1, 2}, [2]int{event.From, event.To})
	})
}

func TestTheAutoscalersBoundsHoldForEverybody(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		in := pooltest.NewInbox(t, root)
		pool := pooltest.Open(t, root, pooltest.Double, actors.WithSize(3), actors.WithAutoscale(supervisor.Autoscale{Min: 2, Max: 4}))
		require.NoError(t, pool.Resize(t.Context(), 4))
		for _, size := range []int{1, 5} {
			assert.ErrorIs(t, pool.Resize(t.Context(), size), messages.ErrInvalidOption)
			assert.ErrorIs(t, in.Result(t, pool.PID(), &messages.Resize{Size: size}).Err, messages.ErrInvalidOption)
		}
		assert.Equal(t, 4, pool.Stats().Size)
	})
}

// What was lost for good is not made up for by scaling, nor are its restarts.
func TestAutoscalingDoesNotReplaceWhatIsLost(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		root := pooltest.System().Root
		pool := pooltest.Open(t, root, pooltest.Crash, actors.WithDispatch(router.LeastBusy()),
			actors.WithSupervision(supervisor.OneForOne(supervisor.Restarts(0, 0))),
			actors.WithAutoscale(supervisor.Autoscale{Min: 3, Max: 4}))
		for range 2 {
			_, err := pool.Ask(t.Context(), -1)
			require.ErrorIs(t, err, pooltest.ErrTask)
		}
		time.Sleep(time.Hour)
		assert.Equal(t, 1, pool.Stats().Size)
		for range 200 {
			require.NoError(t, pool.Tell(t.Context(), 1))
		}
		time.Sleep(time.Minute)
		stats := pool.Stats()
		assert.LessOrEqual(t, stats.Size, 2)
		assert.Equal(t, 2, stats.Lost)
	})
}

func TestBadAutoscalingIsAnError(t *testing.T) {
	for name, options := range map[string][]actors.Option{
		"no bounds":        {actors.WithAutoscale(supervisor.Autoscale{})},
		"reversed":         {actors.WithAutoscale(supervisor.Autoscale{Min: 3, Max: 2})},
		"interval":         {actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 2, Every: -1})},
		"rule":             {actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 2, Rule: supervisor.Threshold{Factor: -1}})},
		"size out of them": {actors.WithSize(3), actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 2})},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := actors.NewPool(pooltest.System().Root, pooltest.Double, options...)
			assert.ErrorIs(t, err, messages.ErrInvalidOption)
		})
	}
}
