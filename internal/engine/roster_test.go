package engine

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func rosterWorker(id int) *Worker {
	w := &Worker{}
	w.hand.worker = strconv.Itoa(id)
	return w
}

func TestIndexesOfWorkersThatAreGoneAreReused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, made, most := newRoster(), 0, 0
		var there []*Worker
		t.Repeat(map[string]func(*rapid.T){
			"enroll": func(*rapid.T) {
				w := rosterWorker(made)
				made++
				r.enrollLocked(w)
				there = append(there, w)
				most = max(most, len(there))
			},
			"strike": func(t *rapid.T) {
				if len(there) == 0 {
					t.Skip("nobody")
				}
				i := rapid.IntRange(0, len(there)-1).Draw(t, "who")
				w := there[i]
				there = slices.Delete(there, i, i+1)
				r.strikeLocked(w)
				require.Nil(t, r.worker(w.index))
				require.NotContains(t, r.byID, w.hand.worker)
			},
			"": func(t *rapid.T) {
				require.ElementsMatch(t, there, r.workers)
				require.Len(t, r.byID, len(there))
				require.Equal(t, most, r.used, "an index is new only if none is free")
				require.LessOrEqual(t, len(*r.slots.Load()), max(2*most, 4))
				for _, w := range there {
					require.Same(t, w, r.worker(w.index))
					require.Same(t, w, r.byID[w.hand.worker])
					require.Same(t, w, r.workers[w.rosterAt])
				}
				for _, gone := range r.workers[len(r.workers):cap(r.workers)] {
					require.Nil(t, gone, "who is gone is not kept alive")
				}
			},
		})
	})
}

func TestATaskOfNobodyHasNoWorker(t *testing.T) {
	assert.Nil(t, newRoster().worker(nobody))
}

func TestReadersMayUseTheSlotsThatGrew(t *testing.T) {
	r := newRoster()
	first := rosterWorker(0)
	r.enrollLocked(first)
	old := r.slots.Load()
	for i := range 9 {
		r.enrollLocked(rosterWorker(i + 1))
	}
	assert.NotSame(t, old, r.slots.Load())
	assert.Same(t, first, (*old)[first.index].Load())
	assert.Same(t, first, r.worker(first.index))
}

func TestSidelinedWorkersAreRouteesButNotEligible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRoster()
		var workers, want []*Worker
		for i, sidelined := range rapid.SliceOfN(rapid.Bool(), 0, 10).Draw(t, "sidelined") {
			w := rosterWorker(i)
			w.sidelined = sidelined
			workers = append(workers, w)
			if !sidelined {
				want = append(want, w)
			}
		}
		r.setRouteesLocked(workers)
		v := r.view.Load()
		require.Equal(t, workers, v.routees)
		require.Equal(t, len(v.eligible), v.Len())
		if len(want) == 0 || len(want) == len(workers) { // all are eligible, none is aside
			require.Equal(t, workers, v.eligible)
			require.Nil(t, v.aside)
			return
		}
		require.Equal(t, want, v.eligible)
		for i, w := range workers {
			require.Equal(t, w.sidelined, v.aside[i])
		}
		for i, w := range v.eligible {
			require.Equal(t, w.hand.worker, v.ID(i))
		}
	})
}

func TestAViewNeverChanges(t *testing.T) {
	r := newRoster()
	workers := []*Worker{rosterWorker(0), rosterWorker(1)}
	r.setRouteesLocked(workers)
	before := r.view.Load()
	workers[0].sidelined = true
	r.setRouteesLocked(workers)
	assert.Len(t, before.eligible, 2)
	assert.Len(t, r.view.Load().eligible, 1)
}

func TestSharesOfTheCapacity(t *testing.T) {
	for _, c := range []struct {
		capacity int
		shares   []int
	}{
		{0, []int{0, 0, 0}},
		{1, []int{1, 0, 0}},
		{3, []int{1, 1, 1}},
		{8, []int{3, 3, 2}},
		{1024, []int{1024}},
		{unbounded, []int{unbounded, unbounded}},
	} {
		for i, want := range c.shares {
			assert.Equal(t, want, shareOf(c.capacity, i, len(c.shares)), "%d of %d", i, c.capacity)
		}
	}
}

func TestSharesSumUpAndDifferByOneAtMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		capacity := rapid.IntRange(0, 1<<40).Draw(t, "capacity")
		sum, before := 0, shareOf(capacity, 0, n)
		most := before
		for i := range n {
			share := shareOf(capacity, i, n)
			require.LessOrEqual(t, share, before, "the first ones have more")
			sum, before = sum+share, share
		}
		require.Equal(t, capacity, sum)
		require.LessOrEqual(t, most-before, 1)
	})
}
