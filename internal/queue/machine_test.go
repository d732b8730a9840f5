package queue_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/queue"
)

// An entry is an element of the model.
type entry struct {
	value    *int
	priority int
}

// A machine does everything twice: to a queue, and to a slice sorted in the order in
// which the queue must return its elements.
type machine struct {
	t     require.TestingT
	queue queue.Queue[int]
	model []entry
	next  int // the value of the next element
}

// The priorities of elements. No element has the priority above or below them.
const lowest, highest = -2, 2

func newMachine(t require.TestingT) *machine { return &machine{t: t} }

// push pushes n elements behind those of their priority.
func (m *machine) push(priority, n int) {
	at := m.end(priority)
	for range n {
		value := m.value()
		m.queue.Push(value, priority)
		m.model = slices.Insert(m.model, at, entry{value, priority})
		at++
	}
}

// pushFront pushes n elements, each before those of its priority.
func (m *machine) pushFront(priority, n int) {
	at := m.start(priority)
	for range n {
		value := m.value()
		m.queue.PushFront(value, priority)
		m.model = slices.Insert(m.model, at, entry{value, priority})
	}
}

// pushFrontAll pushes n elements together before those of their priority.
func (m *machine) pushFrontAll(priority, n int) {
	at := m.start(priority)
	var values []*int
	for i := range n {
		values = append(values, m.value())
		m.model = slices.Insert(m.model, at+i, entry{values[i], priority})
	}
	m.queue.PushFrontAll(values, priority)
}

func (m *machine) value() *int {
	value := new(m.next)
	m.next++
	return value
}

// start is the index of the first element of a priority, end that after its last one.
func (m *machine) start(priority int) int { return m.end(priority + 1) }

func (m *machine) end(priority int) int {
	at := slices.IndexFunc(m.model, func(e entry) bool { return e.priority < priority })
	if at < 0 {
		return len(m.model)
	}
	return at
}

func (m *machine) pop() {
	got := m.queue.Pop()
	if len(m.model) == 0 {
		require.Nil(m.t, got)
		return
	}
	require.Same(m.t, m.model[0].value, got)
	m.model = m.model[1:]
}

// popMore pops up to n elements of the highest priority.
func (m *machine) popMore(n int) {
	given := new(-1)
	want := []*int{given}
	if len(m.model) > 0 {
		popped := min(n, m.end(m.model[0].priority))
		want = append(want, values(m.model[:popped])...)
		m.model = m.model[popped:]
	}
	m.same(want, m.queue.PopMore([]*int{given}, n), "PopMore")
}

// popFirst pops the first element of the priority of the i-th one.
func (m *machine) popFirst(i int) {
	priority := m.model[i].priority
	at := m.start(priority)
	require.Same(m.t, m.model[at].value, m.queue.PopFirst(priority))
	m.model = slices.Delete(m.model, at, at+1)
}

// filter keeps some elements, and asks once about each.
func (m *machine) filter(keep func(value int) bool) {
	var asked []*int
	m.queue.Filter(func(value *int) bool {
		asked = append(asked, value)
		return keep(*value)
	})
	byValue := func(a, b *int) int { return *a - *b }
	all := values(m.model)
	slices.SortFunc(all, byValue)
	slices.SortFunc(asked, byValue)
	m.same(all, asked, "Filter")
	m.model = slices.DeleteFunc(m.model, func(e entry) bool { return !keep(*e.value) })
}

// check compares everything the queue shows without a change to it.
func (m *machine) check() {
	require.Equal(m.t, len(m.model), m.queue.Len())
	if len(m.model) == 0 {
		require.Nil(m.t, m.queue.Peek())
	} else {
		require.Same(m.t, m.model[0].value, m.queue.Peek())
		require.Equal(m.t, m.model[0].priority, m.queue.Top())
		require.Equal(m.t, m.model[len(m.model)-1].priority, m.queue.Bottom())
	}
	for priority := lowest - 1; priority <= highest+1; priority++ {
		start, end := m.start(priority), m.end(priority)
		require.Equal(m.t, end, m.queue.Ahead(priority))
		if start == end {
			require.Nil(m.t, m.queue.First(priority))
		} else {
			require.Same(m.t, m.model[start].value, m.queue.First(priority))
		}
	}
	m.checkAscending()
	m.checkHeads()
}

func (m *machine) checkAscending() {
	var want []*int
	for end := len(m.model); end > 0; {
		start := m.start(m.model[end-1].priority)
		want = append(want, values(m.model[start:end])...)
		end = start
	}
	for _, limit := range []int{1, len(want)/2 + 1, len(want) + 1} {
		var got []*int
		m.queue.Ascending(func(value *int) bool {
			got = append(got, value)
			return len(got) < limit
		})
		m.same(want[:min(limit, len(want))], got, "Ascending")
	}
}

// checkHeads accepts the first elements, none, and some.
func (m *machine) checkHeads() {
	for _, accept := range []func(*int) bool{
		func(*int) bool { return true },
		func(*int) bool { return false },
		func(value *int) bool { return *value%3 == 0 },
	} {
		var want, got []*int
		for i, done := 0, false; i < len(m.model); i++ {
			e := m.model[i]
			if i == m.start(e.priority) {
				done = false
			}
			if !done {
				want = append(want, e.value)
				done = accept(e.value)
			}
		}
		m.queue.Heads(func(value *int) bool {
			got = append(got, value)
			return accept(value)
		})
		m.same(want, got, "Heads")
	}
}

// same compares pointers rather than values.
func (m *machine) same(want, got []*int, method string) {
	if !slices.Equal(want, got) {
		require.Equal(m.t, numbers(want), numbers(got), method)
		require.Fail(m.t, "equal values at other addresses", method)
	}
}

func values(entries []entry) []*int {
	list := make([]*int, len(entries))
	for i, e := range entries {
		list[i] = e.value
	}
	return list
}

// numbers is what the pointers point to, -1 for nil.
func numbers(pointers []*int) []int {
	list := make([]int, len(pointers))
	for i, p := range pointers {
		list[i] = -1
		if p != nil {
			list[i] = *p
		}
	}
	return list
}

// TestAgainstSortedSlice compares any sequence of calls with a model that is
// plainly right.
func TestAgainstSortedSlice(t *testing.T) {
	priority := rapid.IntRange(lowest, highest)
	many := rapid.IntRange(1, 200)
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"push":       func(t *rapid.T) { m.push(priority.Draw(t, "priority"), 1) },
			"push many":  func(t *rapid.T) { m.push(priority.Draw(t, "priority"), many.Draw(t, "n")) },
			"push front": func(t *rapid.T) { m.pushFront(priority.Draw(t, "priority"), 1) },
			"push front many": func(t *rapid.T) {
				m.pushFront(priority.Draw(t, "priority"), many.Draw(t, "n"))
			},
			"push front all": func(t *rapid.T) {
				m.pushFrontAll(priority.Draw(t, "priority"), many.Draw(t, "n")-1)
			},
			"pop":      func(*rapid.T) { m.pop() },
			"pop more": func(t *rapid.T) { m.popMore(rapid.IntRange(0, 200).Draw(t, "n")) },
			"pop first": func(t *rapid.T) {
				if len(m.model) == 0 {
					t.Skip("nothing to pop")
				}
				m.popFirst(rapid.IntRange(0, len(m.model)-1).Draw(t, "which"))
			},
			"filter": func(t *rapid.T) { // one of each so many
				divisor := rapid.IntRange(1, 8).Draw(t, "divisor")
				removed := rapid.Bool().Draw(t, "removed")
				m.filter(func(value int) bool { return (value%divisor == 0) != removed })
			},
			"filter range": func(t *rapid.T) { // removes elements that were pushed together
				from := rapid.IntRange(0, m.next).Draw(t, "from")
				to := from + many.Draw(t, "n")
				m.filter(func(value int) bool { return value < from || value >= to })
			},
			"": func(*rapid.T) { m.check() },
		})
	})
}

// FuzzQueue reads each byte as a call: what to do and, above the lowest three bits,
// how often, with which priority or element.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 8, 16, 2, 3, 2, 2})
	f.Add([]byte{0, 24, 2, 0, 24, 4, 12, 3, 2, 5, 2})
	f.Add([]byte{167, 161, 102, 19, 7 | 20<<3, 1 | 20<<3, 254, 11, 4, 2})
	f.Fuzz(func(t *testing.T, calls []byte) {
		m := newMachine(t)
		for _, b := range calls[:min(len(calls), 64)] {
			arg := int(b >> 3)
			priority := arg%(highest-lowest+1) + lowest
			switch b & 7 {
			case 0:
				m.push(priority, 1)
			case 1:
				m.pushFront(priority, 5*arg)
			case 2:
				m.pop()
			case 3:
				m.filter(func(value int) bool { return value%(arg+1) != arg/2 })
			case 4:
				m.pushFront(priority, 1)
			case 5:
				if n := len(m.model); n > 0 {
					m.popFirst(arg % n)
				}
			case 6:
				m.popMore(5 * arg)
			case 7:
				m.push(priority, 5*arg)
			}
			m.check()
		}
	})
}
