package backoff_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/messages"
)

func TestDelaysDoubleUpToTheMaximum(t *testing.T) {
	b := backoff.Backoff{Min: 100 * time.Millisecond, Max: time.Second}
	for n, want := range []int64{100, 200, 400, 800, 1000, 1000} {
		assert.Equal(t, want, b.Delay(n).Milliseconds())
	}
	assert.Equal(t, time.Second, b.Delay(62))
	assert.Equal(t, time.Second, b.Delay(1000))
	assert.Zero(t, backoff.Backoff{}.Delay(7), "at once, however often")
}

func TestJitterNeverLeavesTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := backoff.Backoff{Jitter: rapid.Float64Range(0, 1).Draw(t, "jitter")}
		b.Min = time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "min"))
		b.Max = time.Duration(rapid.Int64Range(int64(b.Min), math.MaxInt64).Draw(t, "max"))
		n := rapid.IntRange(0, 100).Draw(t, "n")
		assert.NoError(t, b.Validate("delay"))
		plain := backoff.Backoff{Min: b.Min, Max: b.Max}.Delay(n)
		for range 20 {
			d := b.Delay(n)
			assert.LessOrEqual(t, b.Min, d)
			assert.LessOrEqual(t, d, b.Max)
			assert.LessOrEqual(t, math.Abs(float64(d-plain)), b.Jitter*float64(plain)*(1+1e-9)+1)
		}
	})
}

// A cap on each delay alone would make half of them equal once the maximum is
// reached.
func TestJitterSpreadsTheDelaysAtTheMaximumToo(t *testing.T) {
	b := backoff.Backoff{Min: time.Second, Max: time.Minute, Jitter: 0.5}
	seen := map[time.Duration]bool{}
	for range 100 {
		d := b.Delay(20)
		assert.GreaterOrEqual(t, d, 30*time.Second)
		seen[d] = true
	}
	assert.Greater(t, len(seen), 90)
}

func TestNonsenseIsAnError(t *testing.T) {
	for _, b := range []backoff.Backoff{
		{Min: -1, Max: 1},
		{Min: 2, Max: 1},
		{Max: 1},
		{Min: 1, Max: 1, Jitter: -0.1},
		{Min: 1, Max: 1, Jitter: 1.1},
		{Min: 1, Max: 1, Jitter: math.NaN()},
	} {
		assert.ErrorIs(t, b.Validate("delay"), messages.ErrInvalidOption, "%+v", b)
	}
}
