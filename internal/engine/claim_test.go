package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/router"
)

// claimBatch accepts n tasks, six at most, and has w claim them in one batch.
func claimBatch(t *testing.T, e *Engine, w *Worker, r *runner, n int) (tasks []*Task) {
	for range n {
		tasks = append(tasks, accept(e, nil, &Spec{}))
	}
	r.now, w.runner, w.pace.mean = 1, r, 9_000 // at the same time for all workers, so that no batch is overdue
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	require.True(t, w.claimLocked(w.q, r))
	require.Equal(t, tasks, w.batch)
	return tasks
}

func TestRecalledTasksGoBackToTheirPlaces(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		e := newEngine(t, router.LeastBusy())
		workers := seat(e, 2)
		want := append(claimBatch(t, e, workers[0], newRunner(), 3), claimBatch(t, e, workers[1], newRunner(), 3)...)
		for _, i := range order {
			workers[i].recallLocked(e.shared)
		}
		assert.Equal(t, want, e.shared.takeAllLocked(), "recalled in the order %v", order)
	}
}

func TestRecalledTasksAreCountedOnce(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	w := seat(e, 1)[0]
	claimBatch(t, e, w, newRunner(), 3)
	w.recallLocked(e.shared)
	assert.Equal(t, 3, e.Load().Queued)
	assert.Zero(t, e.shared.claimed, "the batch has none of them any more")
}
