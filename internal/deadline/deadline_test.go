package deadline_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/deadline"
)

type entry = deadline.Entry[int]

func TestZeroValueIsEmptyAndReady(t *testing.T) {
	var h deadline.Heap[int]
	_, next := h.Next()
	_, due := h.PopDue(1 << 62)
	assert.False(t, next)
	assert.False(t, due)
	assert.Zero(t, h.Len())

	e := &entry{Value: 7}
	assert.False(t, e.Set())
	h.Add(e, 10)
	assert.True(t, e.Set())
}

func TestDueIsFromTheInstantItselfOn(t *testing.T) {
	var h deadline.Heap[int]
	e := &entry{Value: 7}
	h.Add(e, 10)
	_, due := h.PopDue(9)
	assert.False(t, due)
	assert.True(t, e.Set())
	value, due := h.PopDue(10)
	assert.True(t, due)
	assert.Equal(t, 7, value)
	assert.False(t, e.Set())
}

func TestEntryIsReusable(t *testing.T) {
	var h deadline.Heap[int]
	first, e := &entry{Value: 1}, &entry{Value: 2}
	h.Add(first, 5)
	for at := range int64(3) {
		h.Add(e, at)
		h.Remove(e)
		h.Add(e, at)
		value, due := h.PopDue(4)
		require.True(t, due)
		require.Equal(t, 2, value)
	}
	assert.Equal(t, 1, h.Len())
}

// The entries 4, 5 and 6 come in order. The others do not.
func TestEachVisitsEveryValueOnce(t *testing.T) {
	var h deadline.Heap[int]
	each := func() (values []int) {
		h.Each(func(value int) { values = append(values, value) })
		slices.Sort(values)
		return values
	}
	assert.Empty(t, each())
	entries := map[int64]*entry{}
	for _, at := range []int64{4, 3, 5, 1, 6, 2} {
		entries[at] = &entry{Value: int(at)}
		h.Add(entries[at], at)
	}
	assert.Equal(t, []int{1, 2, 3, 4, 5, 6}, each())
	assert.Equal(t, 6, h.Len(), "visited, not removed")

	h.Remove(entries[2])
	h.Remove(entries[5])
	assert.Equal(t, []int{1, 3, 4, 6}, each())
	for range 3 {
		h.PopDue(4)
	}
	assert.Equal(t, []int{6}, each())
	h.Remove(entries[6])
	h.Add(entries[2], 2)
	h.Add(entries[1], 1)
	assert.Equal(t, []int{1, 2}, each())
}

// Setting and ending a deadline is part of each task that has one.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var h deadline.Heap[int]
	h.Add(&entry{}, 100)
	e := &entry{}
	allocs := testing.AllocsPerRun(1000, func() {
		h.Add(e, 50)
		h.Remove(e)
	})
	assert.Zero(t, allocs)
}

func TestAgainstSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{t: t}
		instant := rapid.Int64Range(-20, 20)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) { m.add(instant.Draw(t, "at")) },
			"pop": func(t *rapid.T) { m.popDue(instant.Draw(t, "now")) },
			"remove": func(t *rapid.T) {
				if len(m.model) == 0 {
					t.Skip("nothing to remove")
				}
				m.remove(rapid.IntRange(0, len(m.model)-1).Draw(t, "which"))
			},
			"": func(*rapid.T) { m.check() },
		})
	})
}

// FuzzHeap reads two bytes as a call and its argument.
func FuzzHeap(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 9, 0, 3, 0, 200, 1, 3, 1, 255})
	f.Add([]byte{0, 1, 0, 1, 0, 1, 2, 1, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, calls []byte) {
		m := &machine{t: t}
		for pair := range slices.Chunk(calls[:len(calls)&^1], 2) {
			arg := int64(int8(pair[1]))
			switch pair[0] % 3 {
			case 0:
				m.add(arg)
			case 1:
				m.popDue(arg)
			case 2:
				if n := len(m.model); n > 0 {
					m.remove(int(pair[1]) % n)
				}
			}
			m.check()
		}
	})
}

// A machine does everything twice: to a heap, and to a slice sorted by deadline.
type machine struct {
	t     require.TestingT
	heap  deadline.Heap[int]
	model []timed
	next  int // the value of the next entry
}

type timed struct {
	at    int64
	entry *entry
}

func (m *machine) add(at int64) {
	e := &entry{Value: m.next}
	m.next++
	m.heap.Add(e, at)
	m.model = append(m.model, timed{at, e})
	slices.SortStableFunc(m.model, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
}

func (m *machine) remove(i int) {
	e := m.model[i].entry
	m.model = slices.Delete(m.model, i, i+1)
	m.heap.Remove(e)
	require.False(m.t, e.Set())
}

// popDue accepts any of the entries that share the earliest deadline: there is
// no order among them.
func (m *machine) popDue(now int64) {
	value, due := m.heap.PopDue(now)
	require.Equal(m.t, len(m.model) > 0 && m.model[0].at <= now, due)
	if !due {
		require.Zero(m.t, value)
		return
	}
	i := slices.IndexFunc(m.model, func(e timed) bool { return e.entry.Value == value })
	require.GreaterOrEqual(m.t, i, 0, "popped an entry that is not in the heap")
	require.Equal(m.t, m.model[0].at, m.model[i].at)
	require.False(m.t, m.model[i].entry.Set())
	m.model = slices.Delete(m.model, i, i+1)
}

func (m *machine) check() {
	require.Equal(m.t, len(m.model), m.heap.Len())
	at, ok := m.heap.Next()
	require.Equal(m.t, len(m.model) > 0, ok)
	if ok {
		require.Equal(m.t, m.model[0].at, at)
	}
	want, got := []int{}, []int{}
	for _, e := range m.model {
		require.True(m.t, e.entry.Set())
		want = append(want, e.entry.Value)
	}
	m.heap.Each(func(value int) { got = append(got, value) })
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(m.t, want, got)
}
