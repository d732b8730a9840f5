package engine

import (
	"fmt"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
)

func TestAskersKeepTheirOrderAndForgetThoseThatAreGone(t *testing.T) {
	left := make(map[string]bool)
	gone := func(pid *actor.PID) bool { return left[pid.Id] }
	var a askers
	for i := range 20_000 { // a pool without room, asked by actors that do not wait
		id := fmt.Sprint(i)
		a.add(actor.NewPID("", id), gone)
		left[id] = i%2_000 != 0
		assert.LessOrEqual(t, len(a.waiting), leastTidy)
	}
	for i := 0; i < 20_000; i += 2_000 {
		assert.Equal(t, fmt.Sprint(i), a.next(gone).Id)
	}
	assert.Nil(t, a.next(gone))
	assert.True(t, a.idle())
}
