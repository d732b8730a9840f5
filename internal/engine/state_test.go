package engine

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/router"
)

// Otherwise the worker could begin a task between the two, with a state whose context has
// ended.
func TestAWorkerKnowsOfItsStopWhenTheContextOfItsStateEnds(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		w := mailboxOf(seat(e, 1)[0])
		w.parked = false // it makes its state
		told := -1
		w.hand.state = new(workerState)
		assert.True(t, w.hand.state.begin(func() { told = w.system.Len() }))
		w.PostSystemMessage(&actor.Stop{})
		assert.Equal(t, 1, told)
	})
}
