package queue_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/queue"
)

type node = queue.Node[int]

// nodeOf returns a node that is in no queue.
func nodeOf(value int) *node { return &node{Value: value} }

func drain(q *queue.Queue[int]) (values []int) {
	for v, ok := q.Pop(); ok; v, ok = q.Pop() {
		values = append(values, v)
	}
	return values
}

func TestZeroValueIsEmptyAndReady(t *testing.T) {
	var q queue.Queue[int]
	_, popped := q.Pop()
	_, next := q.Peek()
	_, lowest := q.Lowest()
	q.Heads(func(int) { t.Error("an empty queue has a head") })
	assert.False(t, popped)
	assert.False(t, next)
	assert.False(t, lowest)
	assert.Zero(t, q.Len())

	n := nodeOf(7)
	assert.False(t, n.Queued())
	q.Push(n, -3)
	assert.True(t, n.Queued())
	assert.Equal(t, []int{7}, drain(&q))
	assert.False(t, n.Queued())
}

func TestOrderIsByPriorityThenFirstInFirstOut(t *testing.T) {
	var q queue.Queue[int]
	for i, priority := range []int{0, 5, -1, 5, 0, 9, -1} {
		q.Push(nodeOf(i), priority)
	}
	assert.Equal(t, []int{5, 1, 3, 0, 4, 2, 6}, drain(&q))
}

// A node may be queued again, in the same queue or another, once it is in none.
func TestNodeIsReusable(t *testing.T) {
	var a, b queue.Queue[int]
	n := nodeOf(1)
	for range 3 {
		a.Push(n, 0)
		a.Remove(n)
		b.Push(n, 4)
		v, ok := b.Pop()
		require.True(t, ok)
		require.Equal(t, 1, v)
	}
	assert.Zero(t, a.Len())
	assert.Zero(t, b.Len())
}

// A lone high priority that comes and goes must not cost an allocation each time.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var q queue.Queue[int]
	usual, urgent := nodeOf(1), nodeOf(2)
	q.Push(usual, 0)
	allocs := testing.AllocsPerRun(1000, func() {
		q.Push(urgent, 9)
		q.Pop()
	})
	assert.Zero(t, allocs)
}

// TestAgainstSortedSlice compares any sequence of calls with a model that is
// plainly right.
func TestAgainstSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"push":       func(t *rapid.T) { m.push(rapid.IntRange(-2, 2).Draw(t, "priority")) },
			"push front": func(t *rapid.T) { m.pushFront(rapid.IntRange(-2, 2).Draw(t, "priority")) },
			"pop":        func(*rapid.T) { m.pop() },
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

// FuzzQueue reads each byte as a call: what to do and, above the lowest three
// bits, with which priority or element.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 8, 16, 2, 3, 2, 2})
	f.Add([]byte{0, 24, 2, 0, 24, 4, 12, 3, 2, 5, 2})
	f.Fuzz(func(t *testing.T, calls []byte) {
		m := newMachine(t)
		for _, b := range calls {
			arg := int(b >> 3)
			switch b & 7 {
			case 2, 5:
				m.pop()
			case 3:
				if n := len(m.model); n > 0 {
					m.remove(arg % n)
				}
			case 4:
				m.pushFront(arg%5 - 2)
			default:
				m.push(arg%5 - 2)
			}
			m.check()
		}
	})
}
