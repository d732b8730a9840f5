package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/router"
)

// Under late binding a worker takes tasks as soon as it has joined.
func TestAWorkerCountsBeforeItsResizeEnds(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	e.BeginResize()
	w := newTestWorker(e, "a")
	e.join(w)
	w.hand.occupied.Store(true)
	assert.Equal(t, 1, e.Stats().Size)
	assert.Equal(t, 1, e.Load().Size)
	assert.GreaterOrEqual(t, e.Stats().Idle, 0)
	e.EndResize()
	assert.Equal(t, 1, e.Stats().Size)
}

func TestAWorkerThatLeavesBeforeItsResizeEndsCountsNoLonger(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	e.BeginResize()
	w := newTestWorker(e, "a")
	e.join(w)
	e.leave(w)
	assert.Zero(t, e.Stats().Size)
	assert.Zero(t, e.Load().Size)
	e.EndResize()
	assert.Zero(t, e.Stats().Size)
}
