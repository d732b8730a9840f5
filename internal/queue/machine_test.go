package queue_test

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/queue"
)

// An entry is an element of the model.
type entry struct {
	value    *int
	place    queue.Place
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
	n := new(m.next)
	m.next++
	place := m.queue.Push(n, priority)
	at := slices.IndexFunc(m.model, func(e entry) bool { return e.priority < priority })
	if at < 0 {
		at = len(m.model)
	}
	m.model = slices.Insert(m.model, at, entry{n, place, priority})
}

func (m *machine) pop() {
	got := m.queue.Pop()
	if len(m.model) == 0 {
		require.Nil(m.t, got)
		return
	}
	m.popped(got)
}

// popMore pops up to n elements of the first one's priority.
func (m *machine) popMore(n int) {
	if len(m.model) == 0 {
		require.Empty(m.t, m.queue.PopMore(nil, 0, n))
		return
	}
	priority := m.model[0].priority
	require.Empty(m.t, m.queue.PopMore(nil, priority+1, n))
	want := 0
	for want < min(n, len(m.model)) && m.model[want].priority == priority {
		want++
	}
	got := m.queue.PopMore(nil, priority, n)
	require.Len(m.t, got, want)
	for _, value := range got {
		m.popped(value)
	}
}

func (m *machine) popped(got *int) {
	first := m.model[0]
	m.model = m.model[1:]
	require.Same(m.t, first.value, got)
	require.False(m.t, m.queue.Has(first.value, first.place, first.priority))
}

// pushFront pushes an element that is served before those of its priority.
func (m *machine) pushFront(priority int) {
	n := new(m.next)
	m.next++
	place := m.queue.PushFront(n, priority)
	at := slices.IndexFunc(m.model, func(e entry) bool { return e.priority <= priority })
	if at < 0 {
		at = len(m.model)
	}
	m.model = slices.Insert(m.model, at, entry{n, place, priority})
}

func (m *machine) remove(i int) {
	e := m.model[i]
	m.model = slices.Delete(m.model, i, i+1)
	m.queue.Remove(e.place, e.priority)
	require.False(m.t, m.queue.Has(e.value, e.place, e.priority))
}

// check compares all that can be seen of the queue without changing it.
func (m *machine) check() {
	require.Equal(m.t, len(m.model), m.queue.Len())
	heads := map[int]int{} // the oldest value of each priority
	for _, e := range m.model {
		require.True(m.t, m.queue.Has(e.value, e.place, e.priority))
		if _, seen := heads[e.priority]; !seen {
			heads[e.priority] = *e.value
		}
	}
	var want, got []int
	for _, value := range heads {
		want = append(want, value)
	}
	m.queue.Heads(func(value *int) { got = append(got, *value) })
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

	if len(m.model) == 0 {
		require.Nil(m.t, m.queue.Peek())
		require.Nil(m.t, m.queue.Lowest())
		return
	}
	require.Same(m.t, m.model[0].value, m.queue.Peek())
	require.Equal(m.t, heads[m.model[len(m.model)-1].priority], *m.queue.Lowest())
}
