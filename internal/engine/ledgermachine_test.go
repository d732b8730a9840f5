package engine

import (
	"cmp"
	"math"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A ledgerMachine does to the shared queue of an engine under late binding what its
// workers do, one step after another. The model is a list of the tasks and where each
// of them stands.
type ledgerMachine struct {
	engine  *Engine
	workers []*machineWorker
	tasks   map[uint64]*machineTask // by number; those not settled
	settled tally
}

type machineWorker struct {
	*workerMailbox
	r *runner
	t *machineTask // in hand; nil: none
}

type machineTask struct {
	cell     *Task
	number   uint64
	priority int
	started  bool
	pinned   bool
	shuns    *machineWorker // has made its last attempt; nil: it has had none
}

// paces are means of the last tasks' times: unknown, brief, short, such that a batch
// has 6, and long.
var paces = []int64{-1, 100, 9_000, 1_000_000}

func newLedgerMachine(t *rapid.T) *ledgerMachine {
	e := newEngine(t, router.LeastBusy(), func(cfg *Config) {
		cfg.Retry = router.Retry{Attempts: math.MaxInt, Elsewhere: true}
	})
	e.shared.late.waking = true // so that nobody is woken for a retry: the machine does what workers do
	m := &ledgerMachine{engine: e, tasks: map[uint64]*machineTask{}}
	for _, w := range seat(m.engine, 3) {
		m.workers = append(m.workers, &machineWorker{workerMailbox: mailboxOf(w), r: newRunner()})
	}
	return m
}

func (m *ledgerMachine) q() *taskQueue { return m.engine.shared }

// push accepts a task, in a cell of the engine's own or of its maker's.
func (m *ledgerMachine) push(priority int, owned bool) {
	q := m.q()
	q.submitted++
	var cell *Task
	if !owned {
		cell = &newJob(nil).task
	}
	fill := func(b Body) { cell = &b.(*job).task }
	m.engine.acceptLocked(q, cell, &Spec{Priority: priority}, fill, uint64(q.submitted))
	m.note(cell, priority, false)
}

func (m *ledgerMachine) pin(w *machineWorker, priority int) {
	q := m.q()
	j := newJob(nil)
	m.engine.pinNewLocked(&j.task, &Spec{Priority: priority}, &w.Worker)
	m.note(&j.task, priority, true)
	q.lowerLocked()
}

func (m *ledgerMachine) note(cell *Task, priority int, pinned bool) {
	n := cell.load().sequence()
	m.tasks[n] = &machineTask{cell: cell, number: n, priority: priority, pinned: pinned}
}

// claim has a worker come to the queue.
func (m *ledgerMachine) claim(w *machineWorker, pace int64) bool {
	w.r.now = m.engine.now()
	w.runner = w.r
	w.pace.mean, w.pace.careful = pace, 0
	return w.claimLocked(m.q(), w.r)
}

// age makes the batches last too long.
func (m *ledgerMachine) age() {
	m.q().late.recallAt = 0
	for _, w := range m.workers {
		w.begun -= 2 * overdueTime
	}
}

// start has a worker start the next task of its batch, or skip what is not there. It
// reports false at the end of the batch.
func (m *ledgerMachine) start(t *rapid.T, w *machineWorker) bool {
	for w.t == nil && w.at < len(w.batch) {
		cell := w.batch[w.at]
		state := cell.load()
		if state.status() != queued || state.hop() != w.hop {
			w.at++
			if state.hop() == w.hop {
				w.r.dead++
			}
			continue
		}
		require.True(t, w.begin(w.r, cell, state))
		w.t = m.tasks[state.sequence()]
		require.NotNil(t, w.t, "a task that is settled or unknown has started")
		require.False(t, w.t.started, "a task has started twice")
		require.NotSame(t, w, w.t.shuns, "it shuns the task")
		w.t.started = true
	}
	return w.t != nil
}

// finish ends the task that a worker has in hand.
func (m *ledgerMachine) finish(w *machineWorker) {
	if cell := w.t.cell; m.tasks[w.t.number] != nil {
		w.settle(cell, messages.Succeeded, nil)
		m.settle(w.t, messages.Succeeded)
	} else {
		w.settle(cell, messages.Succeeded, nil) // others were faster
	}
	w.putDown(w.r, w.t.cell)
	w.t = nil
}

// fail has the task that a worker has in hand fail, to be retried at once.
func (m *ledgerMachine) fail(w *machineWorker) {
	task := w.t
	m.engine.attemptFailed(w.workerMailbox, &w.hand, task.cell, nil, errAgain)
	w.putDown(w.r, task.cell)
	w.t = nil
	if w.hand.attempt.retry != nil {
		m.engine.putBack(&w.Worker)
		task.started, task.shuns = false, w
	}
}

func (m *ledgerMachine) settle(t *machineTask, o messages.Outcome) {
	m.settled[o]++
	delete(m.tasks, t.number)
}

// cancel settles a task from outside.
func (m *ledgerMachine) cancel(t *rapid.T, task *machineTask) {
	var then after
	require.True(t, m.engine.end(task.cell, task.number, messages.Canceled, messages.ErrCanceled, messages.ErrCanceled, &then))
	then.run(m.engine.sched)
	m.settle(task, messages.Canceled)
}

// dropOldest settles the oldest task of the lowest priority.
func (m *ledgerMachine) dropOldest(t *rapid.T) {
	q := m.q()
	victim := q.victimLocked()
	waiting := m.waiting(func(task *machineTask) bool { return m.inRings(task) })
	if victim == nil {
		require.Empty(t, waiting)
		return
	}
	lowest := slices.MinFunc(waiting, func(a, b *machineTask) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.number, b.number))
	})
	require.Same(t, lowest.cell, victim)
	var then after
	require.True(t, m.engine.endQueuedLocked(q, victim, messages.Dropped, messages.ErrDropped, &then))
	then.run(m.engine.sched)
	m.settle(lowest, messages.Dropped)
}

// waiting are the tasks that have not started, in order.
func (m *ledgerMachine) waiting(which func(*machineTask) bool) (tasks []*machineTask) {
	for _, task := range m.tasks {
		if !task.started && which(task) {
			tasks = append(tasks, task)
		}
	}
	slices.SortFunc(tasks, func(a, b *machineTask) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), compareOrder(a.cell, b.cell))
	})
	return tasks
}

func (m *ledgerMachine) inRings(task *machineTask) (found bool) {
	m.q().rings.Ascending(func(t *Task) bool {
		found = t == task.cell
		return !found
	})
	return found
}

// check compares the queue with the model.
func (m *ledgerMachine) check(t *rapid.T) {
	q := m.q()
	shunnedNow := len(m.waiting(m.isShunned))
	queuedNow := len(m.waiting(func(task *machineTask) bool { return !task.pinned })) - shunnedNow
	pinnedNow := len(m.waiting(func(task *machineTask) bool { return task.pinned && m.isPinned(task) }))
	claimedPins := len(m.waiting(func(task *machineTask) bool { return task.pinned })) - pinnedNow
	require.GreaterOrEqual(t, q.liveLocked(), queuedNow+claimedPins, "never too few")
	require.Equal(t, queuedNow+claimedPins, q.exactLocked())
	require.Equal(t, queuedNow+claimedPins, q.liveLocked(), "it is exact after a recount")
	require.Equal(t, pinnedNow, q.late.pinned)
	require.Equal(t, shunnedNow, q.late.shunned.count)
	m.checkEntries(t)
	m.checkWorkers(t)

	sum := summary{engine: m.engine, stats: new(messages.Stats)}
	m.engine.stopWorld(sum.takeLocked)
	s := sum.stats
	require.EqualValues(t, queuedNow+claimedPins+pinnedNow+shunnedNow, s.Queued)
	require.EqualValues(t, len(m.tasks), s.Submitted-m.settled[messages.Succeeded]-m.settled[messages.Canceled]-m.settled[messages.Dropped])
	require.Equal(t, m.settled, sum.tally)
}

func (m *ledgerMachine) isPinned(task *machineTask) bool {
	for _, w := range m.workers {
		if w.rare != nil && slices.Contains(w.rare.pins, task.cell) {
			return true
		}
	}
	return false
}

func (m *ledgerMachine) isShunned(task *machineTask) (found bool) {
	m.q().late.shunned.eachLocked(func(t *Task) { found = found || t == task.cell })
	return found
}

// checkEntries counts the entries of the rings and batches one by one.
func (m *ledgerMachine) checkEntries(t *rapid.T) {
	q := m.q()
	entries, claimed, dead, moved, top := 0, 0, 0, 0, int64(math.MinInt64)
	var live []*Task
	q.rings.Ascending(func(task *Task) bool {
		entries++
		top = max(top, int64(task.priority()))
		if task.load().hop() != 0 {
			moved++
		}
		if isQueued(task) {
			live = append(live, task)
		} else {
			dead++
		}
		return true
	})
	q.late.shunned.eachLocked(func(task *Task) { top = max(top, int64(task.priority())) })
	for _, w := range m.workers {
		for _, task := range w.batch {
			if task == nil { // it is retried
				continue
			}
			if state := task.load(); state.hop() == w.hop && (state.status() == queued || state.dead()) {
				claimed++
				if state.dead() {
					dead++
				}
			}
		}
	}
	require.Equal(t, [...]int{entries, claimed, dead, moved}, [...]int{q.rings.Len(), int(q.claimed), int(q.dead), int(q.moved)},
		"rings, claimed, dead, moved")
	if q.priorities {
		require.Equal(t, top, q.top.Load(), "the highest priority")
	} else {
		require.Zero(t, q.top.Load())
	}
	var byModel []*Task
	for _, task := range m.waiting(func(task *machineTask) bool { return slices.Contains(live, task.cell) }) {
		byModel = append(byModel, task.cell)
	}
	slices.SortStableFunc(live, func(a, b *Task) int { return cmp.Compare(b.priority(), a.priority()) })
	require.Equal(t, byModel, live, "the order within a priority")
}

// checkWorkers checks what the queue knows of its workers.
func (m *ledgerMachine) checkWorkers(t *rapid.T) {
	able, batches, promised := 0, 0, 0
	for _, w := range m.workers {
		if w.batch == nil {
			able++
			if w.rare != nil && len(w.rare.pins) > 0 {
				promised++
			}
			require.Zero(t, w.counted)
		} else {
			batches++
		}
		require.Equal(t, w.batch == nil, w.listed)
	}
	l := m.q().late
	require.Equal(t, [...]int{able, able, promised, batches}, [...]int{l.able, l.idle.Len() + l.stateless.Len(), l.promised, len(l.batches)},
		"able, idle, promised, batches")
}
