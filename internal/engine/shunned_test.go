package engine

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// shunBy accepts a task whose first attempt w has made, and queues it again. Nobody is woken.
func shunBy(e *Engine, w *Worker, priority int) *Task {
	t, q := &newJob(nil).task, e.shared
	q.mu.Lock()
	defer q.mu.Unlock()
	q.submitted++
	e.enterLedgerLocked(q, t, &Spec{Priority: priority}, e.newNumberLocked(q), nobody, 0)
	t.makeSpecial().past = &history{attempts: 1, order: e.acceptedLocked(q), shunner: w.shunnerLocked()}
	e.queueLocked(q, nil, t)
	return t
}

func TestShunnedTasksComeInOrderForOtherWorkers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEngine(t, router.LeastBusy())
		workers := seat(e, 4)
		s := &e.shared.late.shunned
		var tasks []*Task
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				w := rapid.SampledFrom(workers).Draw(t, "by")
				tasks = append(tasks, shunBy(e, w, rapid.IntRange(-1, 1).Draw(t, "priority")))
			},
			"remove": func(t *rapid.T) {
				if len(tasks) == 0 {
					t.Skip("no task")
				}
				i := rapid.IntRange(0, len(tasks)-1).Draw(t, "task")
				require.True(t, e.shared.unshunLocked(tasks[i]))
				require.False(t, e.shared.unshunLocked(tasks[i]))
				if rapid.Bool().Draw(t, "back") {
					e.shared.shunLocked(tasks[i])
				} else {
					tasks = slices.Delete(tasks, i, i+1)
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(tasks), s.count)
				for _, w := range workers {
					var first *Task
					for _, task := range tasks {
						if task.shunnedBy() != w && (first == nil || task.before(first)) {
							first = task
						}
					}
					require.Equal(t, first, s.firstForLocked(w))
				}
			},
		})
		require.ElementsMatch(t, tasks, e.shared.takeAllLocked())
		require.Zero(t, s.count)
	})
}

func TestARecalledShunnedTaskIsShunnedStill(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	workers := seat(e, 2)
	task := shunBy(e, workers[0], 0)
	w, r := workers[1], newRunner()
	w.runner, r.now = r, e.now()
	for range 20 { // more than a task can hop
		require.True(t, w.claimLocked(e.shared, r))
		assert.Zero(t, e.shared.late.shunned.count)
		w.recallLocked(e.shared)
		w.returnLocked(e.shared, r)
		require.False(t, workers[0].claimLocked(e.shared, newRunner()))
		require.Equal(t, 1, e.shared.late.shunned.count)
	}
	require.True(t, w.claimLocked(e.shared, r))
	assert.True(t, mailboxOf(w).begin(r, task, task.load()))
}

func TestABatchEndsBeforeAShunnedTask(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	workers := seat(e, 2)
	var want []*Task
	for range 2 {
		want = append(want, accept(e, nil, &Spec{}))
	}
	shunned := shunBy(e, workers[0], 0)
	last := accept(e, nil, &Spec{})
	w, r := workers[1], newRunner()
	r.now, w.runner, w.pace.mean = 1, r, 9_000
	for _, batch := range [][]*Task{want, {shunned}, {last}} {
		require.True(t, w.claimLocked(e.shared, r))
		require.Equal(t, batch, w.batch)
		for _, task := range batch {
			require.True(t, mailboxOf(w).begin(r, task, task.load()))
			mailboxOf(w).settle(task, messages.Succeeded, nil)
		}
		w.returnLocked(e.shared, r)
	}
}

// Otherwise the worker would put the rest back after each task, since a task of a higher
// priority waits.
func TestAWorkerThatShunsAnUrgentTaskClaimsOneAtATime(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	workers := seat(e, 2)
	first := accept(e, nil, &Spec{})
	accept(e, nil, &Spec{Priority: -1})
	shunBy(e, workers[0], 1)
	accept(e, nil, &Spec{})
	w, r := workers[0], newRunner()
	r.now, w.runner, w.pace.mean = 1, r, 9_000
	require.True(t, w.claimLocked(e.shared, r))
	assert.Equal(t, []*Task{first}, w.batch)
	assert.True(t, mailboxOf(w).wanted(), "it looks again after that one")
}

func TestTasksOfAShunnerThatLeavesAreForEverybody(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	workers := seat(e, 3)
	task := shunBy(e, workers[0], 0)
	e.leave(workers[0])
	for _, w := range workers[1:] {
		assert.Same(t, task, e.shared.late.shunned.firstForLocked(w))
	}
	assert.Nil(t, task.shunnedBy())
	assert.Nil(t, workers[0].shunnerLocked(), "it shuns no further task")
	assert.True(t, e.shared.unshunLocked(task))
}

// A free worker takes a task of the queue, or one that others shun, but none that it shuns.
func TestAShunnedTaskTakesTheRoomOfAFreeWorker(t *testing.T) {
	e := newEngine(t, router.LeastBusy(), withCapacity(0))
	workers := seat(e, 2)
	l := e.shared.late
	assert.Equal(t, 2, l.freeLocked(e.shared))
	shunBy(e, workers[0], 0)
	assert.Equal(t, 1, l.freeLocked(e.shared))
	shunBy(e, workers[0], 0)
	assert.Equal(t, 1, l.freeLocked(e.shared), "the worker that shuns both is free")
	shunBy(e, workers[1], 0)
	assert.Zero(t, l.freeLocked(e.shared))
}
