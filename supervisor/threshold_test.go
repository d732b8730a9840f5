package supervisor_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

func TestAutoscaleThatMakesNoSenseIsAnError(t *testing.T) {
	with := func(rule supervisor.Rule) supervisor.Autoscale {
		return supervisor.Autoscale{Min: 1, Max: 8, Rule: rule}
	}
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		autoscale supervisor.Autoscale
		err       string // what the error says; empty if there is none
	}{
		{supervisor.Autoscale{Min: 1, Max: 1}, ""},
		{supervisor.Autoscale{Min: 2, Max: 64, Every: time.Minute, DryRun: true}, ""},
		{supervisor.Autoscale{}, "autoscaling: minimum 0 < 1"},
		{supervisor.Autoscale{Min: -3, Max: 4}, "autoscaling: minimum -3 < 1"},
		{supervisor.Autoscale{Min: 4, Max: 3}, "autoscaling: maximum 3 < minimum 4"},
		{supervisor.Autoscale{Min: 1, Max: 2, Every: -time.Second}, "autoscaling: a look every -1s"},

		{with(supervisor.Threshold{Factor: 0.5, IdleAfter: time.Hour}), ""},
		{with(&supervisor.Threshold{}), ""},
		{with(supervisor.Threshold{Factor: -2}), "threshold: factor -2"},
		{with(supervisor.Threshold{Factor: nan}), "threshold: factor NaN"},
		{with(supervisor.Threshold{Factor: inf}), "threshold: factor +Inf"},
		{with(supervisor.Threshold{IdleAfter: -1}), "threshold: idle after -1ns"},

		{with(supervisor.Climb{}), ""},
		{with(supervisor.Climb{Gain: 0.1, Rounds: 8, Hold: time.Hour, IdleAfter: time.Minute}), ""},
		{with(supervisor.Climb{Gain: -0.1}), "climb: gain -0.1"},
		{with(supervisor.Climb{Gain: nan}), "climb: gain NaN"},
		{with(supervisor.Climb{Gain: -inf}), "climb: gain -Inf"},
		{with(supervisor.Climb{Rounds: -4}), "climb: -4 rounds, not 4 to 50"},
		{with(supervisor.Climb{Rounds: 3}), "climb: 3 rounds, not 4 to 50"},
		{with(supervisor.Climb{Rounds: 51}), "climb: 51 rounds, not 4 to 50"},
		{with(supervisor.Climb{Hold: -1}), "climb: hold -1ns"},
		{with(supervisor.Climb{IdleAfter: -1}), "climb: idle after -1ns"},

		{with(simpleRule{}), ""},
		{with(fussyRule{}), "autoscaling: too small"},
	}
	for _, tt := range tests {
		err := tt.autoscale.Validate()
		if tt.err == "" {
			assert.NoError(t, err, "%+v", tt.autoscale)
			continue
		}
		require.ErrorIs(t, err, messages.ErrInvalidOption, "%+v", tt.autoscale)
		assert.EqualError(t, err, messages.ErrInvalidOption.Error()+": "+tt.err)
	}
}

// simpleRule is a rule without a Validate, fussyRule one whose error is its own.
type simpleRule struct{}

func (simpleRule) String() string                                     { return "simple" }
func (simpleRule) Scaler(_, _ int, _ time.Duration) supervisor.Scaler { return nil }

type fussyRule struct{ simpleRule }

func (fussyRule) Validate() error { return errors.New("too small") }

func TestRulesHaveNames(t *testing.T) {
	assert.Equal(t, "threshold", supervisor.Threshold{}.String())
	assert.Equal(t, "climb", supervisor.Climb{}.String())
}

func TestThresholdGrowsWhenTheQueueExceedsTwiceTheSize(t *testing.T) {
	tests := []struct {
		factor float64
		size   int
		queued int64
		want   int
		why    string
	}{
		{0, 8, 0, 8, ""},
		{0, 8, 16, 8, ""},
		{0, 8, 17, 9, "queued 17 > 2 x 8 workers"},
		{0, 8, 25, 13, "queued 25 > 2 x 8 workers"},
		{0, 8, 32, 16, "queued 32 > 2 x 8 workers"},
		{0, 8, 33, 16, "queued 33 > 2 x 8 workers"}, // no more than doubled
		{0, 8, math.MaxInt64, 16, "queued 9223372036854775807 > 2 x 8 workers"},
		{0, 40, 1000, 64, "queued 1000 > 2 x 40 workers"}, // no more than the maximum
		{0, 64, 1000, 64, ""},
		{0.5, 8, 4, 8, ""},
		{0.5, 8, 5, 10, "queued 5 > 0.5 x 8 workers"},
		{1.4, 45, 63, 45, ""}, // though the product of floats is less than 63
		{1e-300, 8, 1, 16, "queued 1 > 1e-300 x 8 workers"},
		{1e300, 8, math.MaxInt64, 8, ""},
	}
	for _, tt := range tests {
		scaler := supervisor.Threshold{Factor: tt.factor}.Scaler(2, 64, time.Second)
		size, why := scaler.Decide(supervisor.Load{
			At: time.Unix(0, 0), Size: tt.size, Busy: tt.size, Queued: tt.queued, Utilization: 1,
		})
		assert.Equal(t, tt.want, size, "%+v", tt)
		assert.Equal(t, tt.why, why, "%+v", tt)
	}
}

// stretch is a number of looks at the same load.
type stretch struct {
	looks       int
	queued      int64
	busy        int
	utilization float64
	resize      int // what others make of the size before; 0 if nothing
}

func TestThresholdDecidesAsItsRuleSays(t *testing.T) {
	const rest = 0.25 // utilization
	tests := []struct {
		name string
		size int
		load []stretch
		want []decision
	}{
		{"a pool without work shrinks to the minimum", 8, []stretch{{looks: 100}}, []decision{{30, 8, 2}}},
		{
			"a queue as long as allowed changes nothing, nor does any that is not empty", 8,
			[]stretch{{looks: 100, queued: 16, busy: 8, utilization: 1}, {looks: 100, queued: 1}},
			nil,
		},
		{
			"a rush, then rest", 4,
			[]stretch{{looks: 5, queued: 41, busy: 4, utilization: 1}, {looks: 100, busy: 3, utilization: rest}},
			// 30 s after the last look with a queue
			[]decision{{0, 4, 8}, {1, 8, 16}, {2, 16, 21}, {35, 21, 6}, {65, 6, 3}},
		},
		{
			"no shrink sooner than that after a growth", 8,
			[]stretch{{looks: 29, busy: 1}, {looks: 1, queued: 17, busy: 1}, {looks: 31, busy: 1}},
			[]decision{{29, 8, 9}, {59, 9, 2}},
		},
		{
			"the most that was needed stays", 16,
			[]stretch{{looks: 10, busy: 2}, {looks: 1, busy: 9}, {looks: 10, busy: 2}, {looks: 1, busy: 5}, {looks: 100, busy: 4}},
			[]decision{{30, 16, 9}, {60, 9, 4}},
		},
		{
			"utilization counts where looks miss the work", 16,
			[]stretch{{looks: 100, utilization: 0.3}}, // 4.8 workers
			[]decision{{30, 16, 5}, {60, 5, 2}},
		},
		{
			"what a product of floats has too much is no further worker", 25,
			[]stretch{{looks: 40, utilization: 0.56}},
			[]decision{{30, 25, 14}},
		},
		{
			"one busy look restarts the time", 8,
			[]stretch{{looks: 29}, {looks: 1, busy: 8}, {looks: 100}},
			[]decision{{60, 8, 2}},
		},
		{
			"so does a resize by others", 8,
			[]stretch{{looks: 20}, {looks: 20, resize: 12}, {looks: 100, resize: 8}},
			[]decision{{70, 8, 2}},
		},
		{
			"what others make too small or too large is brought back", 8,
			[]stretch{{looks: 5, busy: 8}, {looks: 5, busy: 8, resize: 1}, {looks: 5, busy: 64, resize: 100}},
			[]decision{{5, 1, 2}, {10, 100, 64}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scaler := supervisor.Threshold{}.Scaler(2, 64, time.Second)
			size, look := tt.size, 0
			var got []decision
			for _, s := range tt.load {
				if s.resize > 0 {
					size = s.resize
				}
				for range s.looks {
					decided, why := scaler.Decide(supervisor.Load{
						At: time.Unix(int64(look), 0), Size: size, Busy: s.busy, Queued: s.queued, Utilization: s.utilization,
					})
					if decided != size {
						got = append(got, decision{look, size, decided})
						assert.NotEmpty(t, why)
					}
					size = decided
					look++
				}
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestClimbTakesAwayIdleWorkersAsThresholdDoes(t *testing.T) {
	scaler := supervisor.Climb{}.Scaler(2, 64, time.Second)
	for look := range 31 {
		size, why := scaler.Decide(supervisor.Load{At: time.Unix(int64(look), 0), Size: 8, Busy: 3})
		require.Equal(t, look == 30, size == 3, "look %d", look)
		require.Equal(t, look == 30, why == "3 of 8 workers needed at most for 30s")
	}
}

// In a dry run a pool keeps its size. The rule goes on to say what it would do.
func TestThresholdRepeatsWhatIsNotDone(t *testing.T) {
	scaler := supervisor.Threshold{}.Scaler(2, 64, time.Second)
	for look := range 100 {
		load := supervisor.Load{At: time.Unix(int64(look), 0), Size: 8, Busy: 3}
		want := 8
		switch {
		case look >= 90:
			load.Queued, want = 100, 16
		case look == 30, look == 61: // the size seen after that was not the one decided on
			want = 3
		}
		size, _ := scaler.Decide(load)
		require.Equal(t, want, size, "look %d", look)
	}
}

// A load that the pool can serve needs no more than what serves it.
func TestScalersDoNotFlapUnderAConstantLoad(t *testing.T) {
	for _, rule := range []supervisor.Rule{supervisor.Threshold{}, supervisor.Climb{}} {
		for _, arrivals := range []float64{3, 50, 77, 200} {
			s := &simulation{arrivals: arrivals, task: 0.1, pace: waiting}
			s.start(rule, 2)
			s.run(3600)
			assert.LessOrEqual(t, len(s.decisions), 10, "%v, %v/s: %v", rule, arrivals, s.decisions)
			assert.InDelta(t, arrivals*s.task, s.size, 2)
			for i, d := range s.decisions {
				if i > 0 && d.to < d.from {
					assert.GreaterOrEqual(t, d.look-s.decisions[i-1].look, 30, "%v, %v/s: %v", rule, arrivals, s.decisions)
				}
			}
		}
	}
}

// Where nothing is regular, what is needed is not always the same.
func TestScalersSeldomChangeTheirMindsAboutARandomLoad(t *testing.T) {
	for _, rule := range []supervisor.Rule{supervisor.Threshold{}, supervisor.Climb{}} {
		for seed := range uint64(4) {
			s := &simulation{arrivals: 7.6, task: 1, pace: waiting, random: seeded(seed)}
			s.start(rule, 2)
			s.run(3600)
			assert.LessOrEqual(t, len(s.decisions), 30, "%v, seed %d: %v", rule, seed, s.decisions)
			assert.InDelta(t, 10, s.size, 8, "%v, seed %d: %v", rule, seed, s.decisions)
		}
	}
}

// Whatever is seen of a pool, and whoever else resizes it.
func TestScalersStayWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minSize := rapid.IntRange(1, 100).Draw(t, "min")
		maxSize := rapid.OneOf(rapid.IntRange(minSize, minSize+100), rapid.Just(math.MaxInt)).Draw(t, "max")
		every := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "every"))
		idleAfter := time.Duration(rapid.Int64Range(0, 4*int64(every)).Draw(t, "idle after"))
		scaler := rapid.SampledFrom([]supervisor.Rule{
			supervisor.Threshold{Factor: rapid.Float64Range(0, 10).Draw(t, "factor"), IdleAfter: idleAfter},
			supervisor.Climb{Gain: rapid.Float64Range(0, 1).Draw(t, "gain"), Hold: 5 * every, IdleAfter: idleAfter},
		}).Draw(t, "rule").Scaler(minSize, maxSize, every)

		share := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64(), rapid.Just(math.Inf(1)))
		count := rapid.OneOf(rapid.IntRange(0, 200), rapid.Int())
		now := time.Unix(0, 0)
		size := count.Draw(t, "size")
		for range rapid.IntRange(1, 200).Draw(t, "looks") {
			load := supervisor.Load{At: now, Size: size, Busy: size, Queued: 1, Throughput: float64(size), Utilization: 1}
			if rapid.IntRange(0, 9).Draw(t, "saturated") == 0 { // rarely not: the climb is to get somewhere
				load.Busy = count.Draw(t, "busy")
				load.Queued = rapid.Int64().Draw(t, "queued")
				load.Throughput = share.Draw(t, "throughput")
				load.Utilization = share.Draw(t, "utilization")
			}
			decided, why := scaler.Decide(load)
			require.GreaterOrEqual(t, decided, minSize)
			require.LessOrEqual(t, decided, maxSize)
			if decided != size {
				require.NotEmpty(t, why)
			}
			if rapid.IntRange(0, 9).Draw(t, "resized") > 0 {
				size = decided
			} else {
				size = count.Draw(t, "size")
			}
			if rapid.IntRange(0, 9).Draw(t, "jump") > 0 {
				now = now.Add(every)
			} else {
				now = now.Add(time.Duration(rapid.Int64().Draw(t, "by")))
			}
		}
	})
}
