package engine

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// steps are what the machine can do.
func (m *ledgerMachine) steps(pins, failures bool) map[string]func(*rapid.T) {
	q := m.q()
	pick := func(t *rapid.T, which func(*machineWorker) bool) *machineWorker {
		var some []*machineWorker
		for _, w := range m.workers {
			if which(w) {
				some = append(some, w)
			}
		}
		if len(some) == 0 {
			t.Skip("no such worker")
		}
		return some[rapid.IntRange(0, len(some)-1).Draw(t, "worker")]
	}
	priority := rapid.SampledFrom([]int{0, 0, 0, 0, 1, -1})
	steps := map[string]func(*rapid.T){
		"push": func(t *rapid.T) {
			for range rapid.IntRange(1, 20).Draw(t, "n") {
				m.push(priority.Draw(t, "priority"), rapid.Bool().Draw(t, "owned"))
			}
		},
		"claim": func(t *rapid.T) {
			w := pick(t, func(w *machineWorker) bool { return w.batch == nil })
			first := m.waiting(func(task *machineTask) bool { return m.inRings(task) || m.isShunned(task) && task.shuns != w })
			if m.claim(w, rapid.SampledFrom(paces).Draw(t, "pace")) {
				require.True(t, m.start(t, w), "it was promised a task")
				if len(first) > 0 && !w.t.pinned {
					require.False(t, first[0].cell.before(w.t.cell), "it is not the first one")
				}
			} else {
				require.Zero(t, q.exactLocked(), "it may take any of these")
				for _, task := range m.waiting(m.isShunned) {
					require.Same(t, w, task.shuns, "it may take this task")
				}
			}
		},
		"start": func(t *rapid.T) {
			w := pick(t, func(w *machineWorker) bool { return w.t == nil && w.at < len(w.batch) })
			m.start(t, w)
		},
		"finish": func(t *rapid.T) {
			m.finish(pick(t, func(w *machineWorker) bool { return w.t != nil }))
		},
		"return": func(t *rapid.T) {
			w := pick(t, func(w *machineWorker) bool { return w.t == nil && w.batch != nil })
			w.returnLocked(q, w.r)
			w.r.unlink()
		},
		"lay back": func(t *rapid.T) {
			w := pick(t, func(w *machineWorker) bool { return w.t == nil && w.batch != nil })
			w.layBackLocked(q, w.r)
			w.countBatchLocked(q)
			require.Equal(t, len(w.batch), w.at)
		},
		"cancel": func(t *rapid.T) {
			if len(m.tasks) == 0 {
				t.Skip("no task")
			}
			numbers := make([]uint64, 0, len(m.tasks))
			for n := range m.tasks {
				numbers = append(numbers, n)
			}
			slices.Sort(numbers)
			m.cancel(t, m.tasks[rapid.SampledFrom(numbers).Draw(t, "task")])
		},
		"recall": func(t *rapid.T) {
			w := pick(t, func(w *machineWorker) bool { return w.batch != nil })
			w.recallLocked(q)
		},
		"age":         func(*rapid.T) { m.age() },
		"sweep":       func(*rapid.T) { q.sweepLocked() },
		"drop oldest": m.dropOldest,
		"peek": func(t *rapid.T) {
			first := m.waiting(func(task *machineTask) bool { return !task.pinned && m.inRings(task) })
			if task := q.peekLocked(); len(first) > 0 {
				require.Same(t, first[0].cell, task)
			} else {
				require.Nil(t, task)
			}
		},
		"": m.check,
	}
	if pins {
		steps["pin"] = func(t *rapid.T) {
			m.pin(m.workers[rapid.IntRange(0, len(m.workers)-1).Draw(t, "worker")], priority.Draw(t, "priority"))
		}
	}
	if failures {
		steps["fail"] = func(t *rapid.T) {
			m.fail(pick(t, func(w *machineWorker) bool { return w.t != nil && !w.t.pinned }))
		}
	}
	return steps
}

// finishAll has the workers do what is left. Nothing may be left then.
func (m *ledgerMachine) finishAll(t *rapid.T) {
	for more := true; more; {
		more = false
		for _, w := range m.workers {
			for w.t != nil || m.start(t, w) {
				m.finish(w)
			}
			if w.batch != nil {
				w.returnLocked(m.q(), w.r)
				w.r.unlink()
			}
			more = m.claim(w, -1) || more
		}
	}
	require.Empty(t, m.tasks, "tasks that nobody has done")
	m.check(t)
	require.True(t, m.engine.Stats().Balanced())
}

func TestTheSharedQueueCountsEveryTask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newLedgerMachine(t)
		t.Repeat(m.steps(false, false))
		m.finishAll(t)
	})
}

func TestTheSharedQueueCountsPinnedTasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newLedgerMachine(t)
		t.Repeat(m.steps(true, false))
		m.finishAll(t)
	})
}

func TestTheSharedQueueCountsShunnedTasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newLedgerMachine(t)
		t.Repeat(m.steps(true, true))
		m.finishAll(t)
	})
}

func TestABodyIsToldOnceThatItIsUnlinked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newLedgerMachine(t)
		w := m.workers[0]
		m.push(0, false)
		m.push(0, true)
		m.push(0, false)
		require.True(t, m.claim(w, 100))
		bodies := []*job{w.batch[0].body.(*job), w.batch[2].body.(*job)}
		for m.start(t, w) {
			m.finish(w)
		}
		for _, j := range bodies {
			require.Zero(t, j.unlinked, "it is in the batch still")
		}
		w.returnLocked(m.q(), w.r)
		w.r.unlink()
		for _, j := range bodies {
			require.Equal(t, []messages.Outcome{messages.Succeeded}, j.told())
			require.Equal(t, 1, j.unlinked)
		}
		require.Zero(t, w.r.frees)
	})
}

func TestWhatWasCutIsInHandUntilTheNextTaskStarts(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	w := seat(e, 1)[0]
	for _, tc := range []struct {
		batch  []status
		inHand int // index; -1: none
		cut    bool
	}{
		{[]status{cutTimedOut, queued}, 0, true},
		{[]status{cutTimedOut, endedDropped}, 0, true},
		{[]status{doneFailed, cutCanceled}, 1, true},
		{[]status{cutTimedOut, running, queued}, 1, false},
		{[]status{cutTimedOut, cutCanceled, queued}, 1, true},
		{[]status{cutTimedOut, doneSucceeded, queued}, -1, false},
		{[]status{doneSucceeded, queued}, -1, false},
	} {
		w.batch = nil
		for _, s := range tc.batch {
			task := &newJob(nil).task
			task.state.Store(uint64(s))
			w.batch = append(w.batch, task)
		}
		reading := w.readBatchLocked()
		if tc.inHand < 0 {
			require.Nil(t, reading.task, "%v", tc.batch)
		} else {
			require.Same(t, w.batch[tc.inHand], reading.task, "%v", tc.batch)
		}
		require.Equal(t, tc.cut, reading.cut, "%v", tc.batch)
	}
	w.batch = nil
}
