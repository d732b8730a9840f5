package queue_test

import (
	"fmt"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/internal/queue"
)

func drain(q *queue.Queue[int]) (values []int) {
	for v := q.Pop(); v != nil; v = q.Pop() {
		values = append(values, *v)
	}
	return values
}

// checkEmpty calls every method that an empty queue must bear.
func checkEmpty(t *testing.T, q *queue.Queue[int], priority int) {
	t.Helper()
	fail := func(*int) bool { t.Error("an empty queue has an element"); return true }
	q.Heads(fail)
	q.Ascending(fail)
	q.Filter(fail)
	assert.Nil(t, q.Pop())
	assert.Nil(t, q.Peek())
	assert.Nil(t, q.First(priority))
	assert.Empty(t, q.PopMore(nil, 9))
	assert.Zero(t, q.Len())
	assert.Zero(t, q.Ahead(priority))
}

func TestZeroValueIsEmptyAndReady(t *testing.T) {
	var q queue.Queue[int]
	checkEmpty(t, &q, -3)
	q.Push(new(7), -3)
	assert.Equal(t, 1, q.Len())
	assert.Equal(t, -3, q.Top())
	assert.Equal(t, []int{7}, drain(&q))
	checkEmpty(t, &q, -3)
}

func TestPushFrontOnZeroValue(t *testing.T) {
	var q queue.Queue[int]
	q.PushFront(new(7), -3)
	q.Push(new(8), -3)
	assert.Equal(t, []int{7, 8}, drain(&q))
	checkEmpty(t, &q, -3)
}

func TestFilterThatRemovesAllLeavesAnEmptyQueue(t *testing.T) {
	var q queue.Queue[int]
	for priority := range 20 {
		q.Push(new(priority), priority)
	}
	q.Filter(func(*int) bool { return false })
	for priority := range 20 {
		checkEmpty(t, &q, priority)
	}
	q.Push(new(1), 3)
	q.Push(new(2), 4)
	assert.Equal(t, []int{2, 1}, drain(&q))
}

func TestOrderIsByPriorityThenFirstInFirstOut(t *testing.T) {
	var q queue.Queue[int]
	for i, priority := range []int{0, 5, -1, 5, 0, 9, -1} {
		q.Push(new(i), priority)
	}
	assert.Equal(t, []int{5, 1, 3, 0, 4, 2, 6}, drain(&q))
}

func TestPopMoreKeepsToTheHighestPriority(t *testing.T) {
	var q queue.Queue[int]
	for i, priority := range []int{0, 5, 5, 0, 5} {
		q.Push(new(i), priority)
	}
	assert.Empty(t, q.PopMore(nil, 0))
	assert.Equal(t, []int{1, 2}, numbers(q.PopMore(nil, 2)))
	assert.Equal(t, 5, q.Top())
	assert.Equal(t, []int{4}, numbers(q.PopMore(nil, 9)))
	assert.Equal(t, 0, q.Top())
	assert.Equal(t, []int{-1, 0, 3}, numbers(q.PopMore([]*int{nil}, 9)), "appended")
}

func TestPopFirstOfAnyPriorityKeepsTheOthers(t *testing.T) {
	var q queue.Queue[int]
	for i, priority := range []int{0, 5, -1, 5, 0} {
		q.Push(new(i), priority)
	}
	assert.Equal(t, 2, *q.PopFirst(-1))
	assert.Nil(t, q.First(-1))
	assert.Nil(t, q.PopFirst(-1), "a priority that is gone")
	assert.Equal(t, 0, *q.PopFirst(0))
	assert.Equal(t, 4, *q.First(0))
	assert.Equal(t, 3, q.Len())
	assert.Equal(t, []int{1, 3, 4}, drain(&q))
}

// A chunk has 64 elements. The lists begin before, at and after the edge of a chunk.
func TestFilterAcrossChunks(t *testing.T) {
	keeps := map[string]func(place, n int) bool{
		"all":         func(int, int) bool { return true },
		"none":        func(int, int) bool { return false },
		"first":       func(place, _ int) bool { return place == 0 },
		"last":        func(place, n int) bool { return place == n-1 },
		"all but one": func(place, n int) bool { return place != n/2 },
		"first half":  func(place, n int) bool { return place < n/2 },
		"second half": func(place, n int) bool { return place >= n/2 },
		"one chunk":   func(place, _ int) bool { return place < 64 },
		"every third": func(place, _ int) bool { return place%3 == 0 },
	}
	edges := [6]int{0, 1, 63, 64, 65, 129}
	for name, keep := range keeps {
		for i := range 6 * 6 * 6 {
			front, back, popped := edges[i/36], edges[i/6%6], edges[i%6]
			if popped > front+back {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d+%d-%d", name, front, back, popped), func(t *testing.T) {
				checkFilter(t, front, back, popped, keep)
			})
		}
	}
}

// checkFilter filters a list that was pushed at both ends and popped, and uses it
// thereafter.
func checkFilter(t *testing.T, front, back, popped int, keep func(place, n int) bool) {
	m := newMachine(t)
	m.push(0, back)
	m.pushFront(0, front)
	m.popMore(popped)
	place := map[int]int{}
	for i, e := range m.model {
		place[*e.value] = i
	}
	m.filter(func(value int) bool { return keep(place[value], len(place)) })
	m.check()
	m.push(0, 1)
	m.pushFront(0, 1)
	m.check()
	m.push(0, 70)
	m.pushFront(0, 70)
	m.check()
	m.popMore(len(m.model))
	m.check()
}

// Neither a lone high priority that comes and goes nor a queue that moves on must
// cost an allocation each time.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	usual, urgent := new(1), new(2)
	batch := make([]*int, 0, 100)
	calls := map[string]func(q *queue.Queue[int]){
		"a high priority": func(q *queue.Queue[int]) {
			q.Push(urgent, 9)
			q.Pop()
		},
		"a low priority": func(q *queue.Queue[int]) {
			q.Push(urgent, -9)
			q.PopFirst(-9)
		},
		"one by one": func(q *queue.Queue[int]) {
			for range 10 {
				q.Push(usual, 0)
				q.Pop()
			}
		},
		"at the front": func(q *queue.Queue[int]) {
			for range 100 {
				q.PushFront(usual, 0)
			}
			q.PopMore(batch, 100)
		},
		"in batches": func(q *queue.Queue[int]) {
			for range 100 {
				q.Push(usual, 0)
			}
			q.PopMore(batch, 100)
		},
		"filtered": func(q *queue.Queue[int]) {
			for range 100 {
				q.Push(urgent, 0)
			}
			q.Filter(func(n *int) bool { return n == usual })
		},
	}
	for name, call := range calls {
		for _, length := range []int{0, 1000} {
			t.Run(fmt.Sprintf("%s/%d", name, length), func(t *testing.T) {
				var q queue.Queue[int]
				for range length {
					q.Push(usual, 0)
				}
				assert.Zero(t, testing.AllocsPerRun(1000, func() { call(&q) }))
				assert.Equal(t, length, q.Len())
			})
		}
	}
}

// Removed elements leave no trace, even if the first element stays forever.
func TestFilteredElementsTakeNoMemory(t *testing.T) {
	var q queue.Queue[int]
	first, n := new(1), new(2)
	q.Push(first, 0)
	churn := func() {
		q.Push(n, 0)
		q.Filter(func(e *int) bool { return e == first })
	}
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
	assert.Equal(t, []int{1}, drain(&q))
}

// A queue that stays must not keep what left it alive: popped elements only up to the
// end of their chunk, filtered ones not at all.
func TestRemovedElementsAreCollected(t *testing.T) {
	type large [64]int
	fill := func(q *queue.Queue[large]) (elements []weak.Pointer[large]) {
		for range 200 {
			e := new(large)
			q.Push(e, 0)
			elements = append(elements, weak.Make(e))
		}
		return elements
	}
	alive := func(elements []weak.Pointer[large]) (n int) {
		runtime.GC()
		for _, e := range elements {
			if e.Value() != nil {
				n++
			}
		}
		return n
	}
	tests := []struct {
		name   string
		remove func(q *queue.Queue[large])
		most   int
	}{
		{"popped to the last", func(q *queue.Queue[large]) { q.PopMore(nil, 200) }, 0},
		{"popped in part", func(q *queue.Queue[large]) { q.PopMore(nil, 150) }, 50 + 63},
		{"filtered to the last", func(q *queue.Queue[large]) {
			q.Filter(func(*large) bool { return false })
		}, 0},
		{"filtered in part", func(q *queue.Queue[large]) {
			i := 0
			q.Filter(func(*large) bool { i++; return i%20 == 0 })
		}, 10},
		{"popped, then filtered to the last", func(q *queue.Queue[large]) {
			q.PopMore(nil, 100)
			q.Filter(func(*large) bool { return false })
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var q queue.Queue[large]
			elements := fill(&q)
			tt.remove(&q)
			n := alive(elements)
			assert.GreaterOrEqual(t, n, q.Len())
			assert.LessOrEqual(t, n, tt.most)
			runtime.KeepAlive(&q)
		})
	}
}

// A backlog may be long for a while.
func TestLongQueueKeepsLittleMemoryOnceEmpty(t *testing.T) {
	var q queue.Queue[int]
	const n = 100_000
	front, back := new(1), new(2)
	heap := func() int {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC() // a sync.Pool survives the first
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	before := heap()
	for range n {
		q.Push(back, 0)
		q.PushFront(front, 0)
	}
	assert.Greater(t, heap()-before, 8*n)
	for i := range 2 * n {
		want := front
		if i >= n {
			want = back
		}
		if got := q.Pop(); got != want {
			t.Fatalf("element %d is %p, want %p", i, got, want)
		}
	}
	assert.Less(t, heap()-before, 32<<10)
	q.Push(new(3), 0)
	assert.Equal(t, []int{3}, drain(&q))
}
