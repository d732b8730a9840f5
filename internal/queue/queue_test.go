package queue_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/queue"
)

func drain(q *queue.Queue[int]) (values []int) {
	for v := q.Pop(); v != nil; v = q.Pop() {
		values = append(values, *v)
	}
	return values
}

func TestZeroValueIsEmptyAndReady(t *testing.T) {
	var q queue.Queue[int]
	q.Heads(func(*int) { t.Error("an empty queue has a head") })
	assert.Nil(t, q.Pop())
	assert.Nil(t, q.Peek())
	assert.Nil(t, q.Lowest())
	assert.Empty(t, q.PopMore(nil, 0, 9))
	assert.Zero(t, q.Len())

	n := new(7)
	assert.False(t, q.Has(n, 0, -3))
	place := q.Push(n, -3)
	assert.True(t, q.Has(n, place, -3))
	assert.False(t, q.Has(new(7), place, -3), "another element")
	assert.Equal(t, []int{7}, drain(&q))
	assert.False(t, q.Has(n, place, -3))
}

func TestOrderIsByPriorityThenFirstInFirstOut(t *testing.T) {
	var q queue.Queue[int]
	for i, priority := range []int{0, 5, -1, 5, 0, 9, -1} {
		q.Push(new(i), priority)
	}
	assert.Equal(t, []int{5, 1, 3, 0, 4, 2, 6}, drain(&q))
}

// Neither a lone high priority that comes and goes nor a queue that moves on must
// cost an allocation each time.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	var q queue.Queue[int]
	usual, urgent := new(1), new(2)
	for range 1000 {
		q.Push(usual, 0)
	}
	allocs := testing.AllocsPerRun(1000, func() {
		q.Push(urgent, 9)
		q.Pop()
		for range 10 {
			q.Push(usual, 0)
			q.Pop()
		}
	})
	assert.Zero(t, allocs)
}

// What has been removed leaves no trace, even if the first element stays for ever.
func TestRemovedElementsTakeNoMemory(t *testing.T) {
	var q queue.Queue[int]
	q.Push(new(1), 0)
	n := new(2)
	churn := func() { q.Remove(q.Push(n, 0), 0) }
	for range 1000 {
		churn()
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const churns = 1 << 16
	for range churns {
		churn()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Less(t, int(after.HeapAlloc)-int(before.HeapAlloc), churns)
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
			"pop more":   func(t *rapid.T) { m.popMore(rapid.IntRange(0, 200).Draw(t, "n")) },
			"push many": func(t *rapid.T) {
				priority := rapid.IntRange(-2, 2).Draw(t, "priority")
				for range rapid.IntRange(1, 200).Draw(t, "n") {
					m.push(priority)
				}
			},
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
			case 6:
				m.popMore(arg)
			case 4:
				m.pushFront(arg%5 - 2)
			default:
				m.push(arg%5 - 2)
			}
			m.check()
		}
	})
}
