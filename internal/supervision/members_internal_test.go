package supervision

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
)

func TestMembersKnowWhoLeavesAndWhy(t *testing.T) {
	m := newMembers()
	pid := func(id string) *actor.PID { return actor.NewPID("local", id) }
	a, b, c, d := pid("a"), pid("b"), pid("c"), pid("d")
	for _, worker := range []*actor.PID{a, b, c, d} {
		m.join(worker)
	}
	m.dismiss("spent", a, c, pid("stranger"))
	m.retire("resized", b)
	m.retire("resized", c) // after its dismissal: by request, so not lost
	m.dismiss("spent", b)  // after its retirement: no change
	assert.Equal(t, 1, m.replaceable())

	for _, tt := range []struct {
		worker    *actor.PID
		departure departure
		leaves    bool
	}{
		{a, departure{"spent", true}, true},
		{b, departure{"resized", false}, true},
		{c, departure{"resized", false}, true},
		{d, departure{}, false},
	} {
		departure, leaves, known := m.remove(tt.worker)
		assert.Equal(t, tt.departure, departure, tt.worker.Id)
		assert.Equal(t, tt.leaves, leaves, tt.worker.Id)
		assert.True(t, known)
		_, _, known = m.remove(tt.worker)
		assert.False(t, known, "forgotten")
	}
	assert.Zero(t, m.replaceable())
}
