package supervision_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/internal/pooltest"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// A hostileRule is a rule that fails in one of its methods. Otherwise it adds a worker.
type hostileRule struct {
	*hostile
	in string
}

func (r hostileRule) callIn(method string) {
	if method == r.in {
		r.call()
	}
}

func (r hostileRule) String() string {
	r.callIn("String")
	return "hostile"
}

func (r hostileRule) Scaler(int, int, time.Duration) supervisor.Scaler {
	r.callIn("Scaler")
	return r
}

func (r hostileRule) Decide(load supervisor.Load) (int, string) {
	r.callIn("Decide")
	return load.Size + 1, "more"
}

func TestARuleThatFailsStopsNothingElse(t *testing.T) {
	for _, in := range []string{"String", "Scaler", "Decide"} {
		for _, fault := range []string{"panics", "exits", "blocks"} {
			t.Run(in+" "+fault, func(t *testing.T) {
				pooltest.Bubble(t, func(t *testing.T) {
					rule := hostileRule{newHostile(t), in}
					rule.become(rule.faults()[fault])
					pool := startHostile(t, actors.WithSize(2), actors.WithHealth(time.Second),
						actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 8, Rule: rule}))
					health := pooltest.Events[*messages.Stats](t, pool.System)
					pause(3 * time.Second)
					assert.NotEmpty(t, health)
					assert.Equal(t, 2, pool.size())
					require.NoError(t, pool.resize(4))
					pool.Do(stopSelf)
					pool.Do(pooltest.Fail("boom"))
					assert.Equal(t, 4, pool.size())
				})
			})
		}
	}
}

func TestAScalerThatReturnsLateGoesOn(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		rule := hostileRule{newHostile(t), "Decide"}
		rule.once(rule.block)
		pool := startHostile(t, actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 8, Rule: rule}))
		pause(time.Hour)
		assert.Equal(t, 1, pool.size())
		rule.release()
		assert.Equal(t, 2, pool.size())
		pause(time.Second)
		assert.Equal(t, 3, pool.size())
	})
}

func TestScalingGoesOnAfterAConstructorThatBlocks(t *testing.T) {
	pooltest.Bubble(t, func(t *testing.T) {
		pool := startHostile(t, actors.WithAutoscale(supervisor.Autoscale{Min: 1, Max: 8, Rule: hostileRule{newHostile(t), ""}}))
		scaled := pooltest.Events[*messages.Autoscaled](t, pool.System)
		pool.once(pool.block)
		pause(2 * time.Second)
		assert.Equal(t, 1, pool.size())
		require.Len(t, scaled, 1)
		require.Error(t, (<-scaled).Err)
		pause(time.Second)
		assert.Equal(t, 2, pool.size())
	})
}
