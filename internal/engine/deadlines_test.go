package engine

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// numbered returns a queued task with the given number.
func numbered(number uint64) *Task {
	t := new(Task)
	renumber(t, number)
	return t
}

// renumber makes the cell of a task that of another.
func renumber(t *Task, number uint64) {
	t.state.Store(uint64(word(number)<<sequenceShift | word(queued)))
}

func die(t *Task) { t.state.Store(uint64(t.load().with(doneSucceeded))) }

// A deadlineMachine has deadlines and, as the model, the live entries in the order in
// which they are due.
type deadlineMachine struct {
	deadlines
	model []taskDeadline
	last  int64 // the latest one that was added
	made  uint64
}

func (m *deadlineMachine) add(due int64) {
	m.made++
	t := numbered(m.made)
	m.addLocked(due, t)
	m.last = max(m.last, due)
	at := len(m.model)
	for at > 0 && m.model[at-1].due > due {
		at--
	}
	m.model = slices.Insert(m.model, at, taskDeadline{due, t, m.made})
}

// kill settles the task of an entry, or has its cell used again.
func (m *deadlineMachine) kill(i int, reuse bool) {
	t := m.model[i].task
	m.model = slices.Delete(m.model, i, i+1)
	if !reuse {
		die(t)
		return
	}
	m.made++
	renumber(t, m.made)
}

func (m *deadlineMachine) pop(t *rapid.T, now int64) {
	for {
		entry, ok := m.popDueLocked(now)
		want := len(m.model) > 0 && m.model[0].due <= now
		require.Equal(t, want, ok)
		if !ok {
			return
		}
		require.Equal(t, m.model[0].due, entry.due, "the earliest first")
		i := slices.Index(m.model, entry) // any of those due at the same time
		require.GreaterOrEqual(t, i, 0)
		m.model = slices.Delete(m.model, i, i+1)
	}
}

func (m *deadlineMachine) check(t *rapid.T) {
	next := int64(0)
	if len(m.model) > 0 {
		next = m.model[0].due
	}
	require.Equal(t, next, m.nextLocked())
	live := 0
	for i := m.head; i != m.tail; i++ {
		if !m.ring[i&(len(m.ring)-1)].dead() {
			live++
		}
	}
	for _, entry := range m.rest {
		if !entry.dead() {
			live++
		}
	}
	require.Equal(t, len(m.model), live)
	require.LessOrEqual(t, m.tail-m.head, len(m.ring))
}

func TestDeadlinesComeInOrderWithoutTheDead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := new(deadlineMachine)
		t.Repeat(map[string]func(*rapid.T){
			"in order": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "n") {
					m.add(m.last + rapid.Int64Range(1, 3).Draw(t, "after"))
				}
			},
			"any": func(t *rapid.T) { m.add(rapid.Int64Range(1, m.last+10).Draw(t, "due")) },
			"kill": func(t *rapid.T) {
				if len(m.model) == 0 {
					t.Skip("none")
				}
				for range rapid.IntRange(1, len(m.model)).Draw(t, "n") {
					m.kill(rapid.IntRange(0, len(m.model)-1).Draw(t, "which"), rapid.Bool().Draw(t, "reuse"))
				}
			},
			"pop":  func(t *rapid.T) { m.pop(t, rapid.Int64Range(0, m.last+1).Draw(t, "now")) },
			"trim": func(*rapid.T) { m.trimLocked() },
			"":     m.check,
		})
		m.pop(t, math.MaxInt64)
		require.Empty(t, m.model)
	})
}

func TestTheRingOfDeadlinesGrowsOnlyForTheLiving(t *testing.T) {
	var d deadlines
	first := numbered(1)
	d.addLocked(1, first) // it lives, so nothing behind it is trimmed
	for i := range 10_000 {
		task := numbered(uint64(i + 2))
		d.addLocked(int64(i+2), task)
		die(task)
	}
	assert.Len(t, d.ring, leastRing)

	for i := range 1000 {
		d.addLocked(int64(20_000+i), numbered(uint64(20_000+i)))
	}
	assert.Len(t, d.ring, 1024)
	assert.EqualValues(t, 1, d.nextLocked())
}

func TestTheHeapOfDeadlinesDropsTheDead(t *testing.T) {
	var d deadlines
	d.addLocked(1_000_000, numbered(1)) // those before it are for the heap
	d.addLocked(1, numbered(2))         // it lives, so nothing behind it is trimmed
	for i := range 10_000 {
		task := numbered(uint64(i + 3))
		d.addLocked(int64(999_999-i), task)
		die(task)
	}
	assert.LessOrEqual(t, len(d.rest), 65)
	for _, free := range d.rest[len(d.rest):cap(d.rest)] {
		require.Nil(t, free.task, "what is dropped is not kept alive")
	}
}

func TestATrimmedRingKeepsNoTasksAlive(t *testing.T) {
	var d deadlines
	for i := range 20 {
		task := numbered(uint64(i + 1))
		d.addLocked(int64(i+1), task)
		die(task)
	}
	d.trimLocked()
	assert.Zero(t, d.nextLocked())
	for _, entry := range d.ring {
		require.Nil(t, entry.task)
	}
}

func TestNoTimeIsLaterThanTheEndOfTime(t *testing.T) {
	assert.EqualValues(t, 12, later(5, 7))
	assert.EqualValues(t, math.MaxInt64, later(5, math.MaxInt64))
	assert.EqualValues(t, math.MaxInt64, later(math.MaxInt64, 1))
}
