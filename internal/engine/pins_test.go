package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// pin accepts a task for w alone.
func pin(e *Engine, w *Worker, priority int) *Task {
	t := &newJob(nil).task
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	e.pinNewLocked(t, &Spec{Priority: priority}, w)
	return t
}

func TestPinnedTasksWaitInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEngine(t, router.LeastBusy())
		w := seat(e, 1)[0]
		for _, priority := range rapid.SliceOfN(rapid.IntRange(-1, 1), 1, 20).Draw(t, "priorities") {
			pin(e, w, priority)
		}
		pins := w.rare.pins
		for i := range pins[1:] {
			require.True(t, pins[i].before(pins[i+1]), "%d", i)
		}
		require.Equal(t, len(pins), e.shared.late.pinned)
		require.Equal(t, 1, e.shared.late.promised)
	})
}

func TestAPinnedTaskComesBeforeSharedOnes(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	workers := seat(e, 2)
	shared := accept(e, nil, &Spec{Priority: 9})
	pinned := pin(e, workers[1], 0)
	for i, want := range []*Task{shared, pinned} {
		r := newRunner()
		require.True(t, workers[i].claimLocked(e.shared, r))
		assert.Same(t, want, workers[i].batch[0])
	}
	assert.Zero(t, e.shared.late.pinned)
	assert.Zero(t, e.shared.late.promised)
}

func TestOtherWorkersDoNotStealPinnedTasks(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	workers := seat(e, 2)
	pin(e, workers[0], 0)
	assert.False(t, workers[1].claimLocked(e.shared, newRunner()))
	assert.Equal(t, 1, e.shared.late.promised)
}

func TestARecalledPinnedTaskIsClaimedAgain(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	w := seat(e, 1)[0]
	task := pin(e, w, 0)
	r := newRunner()
	w.runner, r.now = r, e.now()
	for range 20 { // more than a task can hop
		require.True(t, w.claimLocked(e.shared, r))
		w.recallLocked(e.shared)
		w.returnLocked(e.shared, r)
		require.Equal(t, []*Task{task}, w.rare.pins)
	}
	require.True(t, w.claimLocked(e.shared, r))
	assert.True(t, mailboxOf(w).begin(r, task, task.load()))
}

func TestACanceledPinnedTaskIsGoneAtOnce(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	w := seat(e, 1)[0]
	first, second := pin(e, w, 0), pin(e, w, 0)
	e.Cancel(first, messages.ErrCanceled)
	assert.Equal(t, []*Task{second}, w.rare.pins)
	assert.Equal(t, 1, e.shared.late.pinned)
	assert.Zero(t, e.shared.dead, "it leaves no dead entry")
	e.Cancel(second, messages.ErrCanceled)
	assert.Zero(t, e.shared.late.promised)
	assert.True(t, e.Stats().Balanced())
}

func TestTakingThePinsEndsTheirWait(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	w := seat(e, 1)[0]
	assert.Empty(t, w.takePinsLocked(e.shared))
	tasks := []*Task{pin(e, w, 0), pin(e, w, 0)}
	assert.Equal(t, tasks, w.takePinsLocked(e.shared))
	assert.Zero(t, e.shared.late.pinned)
	assert.Zero(t, e.shared.late.promised)
	assert.False(t, w.unpinLocked(e.shared, tasks[0]), "it does not wait any more")
	assert.False(t, (*Worker)(nil).unpinLocked(e.shared, tasks[0]), "its worker is gone")
}
