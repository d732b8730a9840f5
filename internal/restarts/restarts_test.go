package restarts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/restarts"
	"github.com/troupe-go/troupe/messages"
)

func TestARecordExceedsItsBudgetOnlyWithinTheWindow(t *testing.T) {
	now := time.Now()
	budget := restarts.Budget{Max: 2, Within: time.Minute}
	var r restarts.Record
	assert.True(t, r.Expired(budget, now))
	for i, tt := range []struct {
		at      time.Duration
		exceeds bool
	}{
		{0, false},
		{30 * time.Second, false},
		{time.Minute, false}, // the first one is too old
		{80 * time.Second, true},
		{200 * time.Second, false},
	} {
		assert.Equal(t, tt.exceeds, r.Exceeds(budget, now.Add(tt.at)), "failure %d", i)
		assert.LessOrEqual(t, len(r), budget.Max+1)
	}
	assert.False(t, r.Expired(budget, now.Add(259*time.Second)))
	assert.True(t, r.Expired(budget, now.Add(260*time.Second)))
}

func TestABudgetWithoutAWindowCountsForever(t *testing.T) {
	var r restarts.Record
	now := time.Now()
	assert.False(t, r.Exceeds(restarts.Budget{Max: 1}, now))
	assert.True(t, r.Exceeds(restarts.Budget{Max: 1}, now.Add(1000*time.Hour)))
}

func TestABudgetThatMakesNoSenseIsAnError(t *testing.T) {
	assert.NoError(t, restarts.Budget{}.Validate())
	assert.ErrorIs(t, restarts.Budget{Max: -1}.Validate(), messages.ErrInvalidOption)
	assert.ErrorIs(t, restarts.Budget{Within: -1}.Validate(), messages.ErrInvalidOption)
}

// delaying is embedded as strategies do it.
type delaying = restarts.Delaying

func TestDelaysOfAStrategyAreFoundByItsEmbeddedPart(t *testing.T) {
	type strategy struct{ delaying }
	d := restarts.Delays{ResetAfter: time.Second}
	assert.Equal(t, &d, restarts.Of(&strategy{restarts.By(d)}))
	assert.Nil(t, restarts.Of(&strategy{}))
	assert.Nil(t, restarts.Of("any other value"))
}
