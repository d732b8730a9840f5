package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/router"
)

// The graph answers for all waits what a search answers for each.
func TestTheGraphAndTheSearchAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "workers")
		e, c := handlers(t, router.RoundRobin(), n)
		e.deadlocks.wanted.Store(int64(rapid.SampledFrom([]int{n, n, n, n + 1}).Draw(rt, "wanted")))
		d := &e.deadlocks
		d.mu.Lock()
		defer d.mu.Unlock()
		d.blocked = make(map[*hand][]*poolWait)
		for range rapid.IntRange(0, 2*n).Draw(rt, "waits") {
			from := c[rapid.IntRange(0, n-1).Draw(rt, "from")]
			wait := newPoolWait(from, nil)
			if to := rapid.IntRange(-1, n-1).Draw(rt, "to"); to >= 0 {
				wait.room.Store(workerOf(e, c[to]))
			}
			wait.over.Store(rapid.IntRange(0, 9).Draw(rt, "over") == 0)
			d.blocked[from.hand] = append(d.blocked[from.hand], wait)
		}
		var first *poolWait
		for w := range e.roster.everyWorker {
			for _, wait := range d.blocked[&w.hand] {
				if first == nil && d.isVainLocked(wait) {
					first = wait
				}
			}
		}
		assert.Same(rt, first, d.graphLocked().firstVain())
	})
}

// Many handlers wait in two goroutines each, for tasks of one another.
func BenchmarkDeadlockGraph(b *testing.B) {
	const n = 400
	e := newEngine(b, router.RoundRobin())
	workers := seat(e, n)
	d := &e.deadlocks
	d.blocked = make(map[*hand][]*poolWait)
	for i, w := range workers {
		for _, to := range []int{i + 1, i + 7} {
			wait := newPoolWait(handle(e, w), nil)
			wait.room.Store(workers[to%n])
			d.blocked[&w.hand] = append(d.blocked[&w.hand], wait)
		}
	}
	workers[0].hand.occupied.Store(false)
	delete(d.blocked, &workers[0].hand) // it goes on
	for b.Loop() {
		if d.graphLocked().firstVain() != nil {
			b.Fatal("a wait is vain")
		}
	}
}
