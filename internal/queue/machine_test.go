package queue_test

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/queue"
)

// An entry is an element of the model.
type entry struct {
	node     *node
	priority int
}

// A machine does everything twice: to a queue, and to a slice that is kept in
// the order in which the queue must give its elements out.
type machine struct {
	t     require.TestingT
	queue queue.Queue[int]
	model []entry
	next  int // the value of the next element
}

func newMachine(t require.TestingT) *machine { return &machine{t: t} }

func (m *machine) push(priority int) {
	n := nodeOf(m.next)
	m.next++
	m.queue.Push(n, priority)
	at := slices.IndexFunc(m.model, func(e entry) bool { return e.priority < priority })
	if at < 0 {
		at = len(m.model)
	}
	m.model = slices.Insert(m.model, at, entry{n, priority})
}

func (m *machine) pop() {
	got, ok := m.queue.Pop()
	require.Equal(m.t, len(m.model) > 0, ok)
	if !ok {
		require.Zero(m.t, got)
		return
	}
	first := m.model[0]
	m.model = m.model[1:]
	require.Equal(m.t, first.node.Value, got)
	require.False(m.t, first.node.Queued())
}

// pushFront pushes an element that is served before those of its priority.
func (m *machine) pushFront(priority int) {
	n := nodeOf(m.next)
	m.next++
	m.queue.PushFront(n, priority)
	at := slices.IndexFunc(m.model, func(e entry) bool { return e.priority <= priority })
	if at < 0 {
		at = len(m.model)
	}
	m.model = slices.Insert(m.model, at, entry{n, priority})
}

func (m *machine) remove(i int) {
	n := m.model[i].node
	m.model = slices.Delete(m.model, i, i+1)
	m.queue.Remove(n)
	require.False(m.t, n.Queued())
}

// check compares all that can be seen of the queue without changing it.
func (m *machine) check() {
	require.Equal(m.t, len(m.model), m.queue.Len())
	heads := map[int]int{} // the oldest value of each priority
	for _, e := range m.model {
		require.True(m.t, e.node.Queued())
		if _, seen := heads[e.priority]; !seen {
			heads[e.priority] = e.node.Value
		}
	}
	var want, got []int
	for _, value := range heads {
		want = append(want, value)
	}
	m.queue.Heads(func(value int) { got = append(got, value) })
	require.ElementsMatch(m.t, want, got)

	for _, priority := range []int{-1, 0, 1} {
		ahead := 0
		for _, e := range m.model {
			if e.priority >= priority {
				ahead++
			}
		}
		require.Equal(m.t, ahead, m.queue.Ahead(priority))
	}

	next, ok := m.queue.Peek()
	require.Equal(m.t, len(m.model) > 0, ok)
	if ok {
		require.Equal(m.t, m.model[0].node.Value, next)
	}
	lowest, ok := m.queue.Lowest()
	require.Equal(m.t, len(m.model) > 0, ok)
	if ok {
		require.Equal(m.t, heads[m.model[len(m.model)-1].priority], lowest)
	}
}
