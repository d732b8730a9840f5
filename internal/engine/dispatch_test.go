package engine

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// viewOf returns a view of n workers, of which some are sidelined.
func viewOf(n int, sidelined ...int) *view {
	r := newRoster()
	var workers []*Worker
	for i := range n {
		w := &Worker{gauges: new(gauges)}
		w.q = &taskQueue{owner: w}
		w.hand.worker = strconv.Itoa(i)
		workers = append(workers, w)
	}
	for _, i := range sidelined {
		workers[i].sidelined = true
	}
	r.setRouteesLocked(workers)
	return r.view.Load()
}

func TestBindingsFollowTheUsersChoice(t *testing.T) {
	first := func(router.TaskView, router.Workers) int { return 0 }
	for want, d := range map[binding]router.Dispatch{
		late: router.LeastBusy(), roundRobin: router.RoundRobin(), random: router.Random(),
		hashed: router.ConsistentHash(), picked: router.Custom(first),
	} {
		assert.Equal(t, want, newDispatch(d).binding, "%v", d)
	}
}

// addressOf says where a task goes.
func addressOf(d *dispatch, s *Spec, v *view) (target, error) {
	err := d.address(s, v)
	return s.to, err
}

func TestTurnsAreExactHoweverManyDraw(t *testing.T) {
	timelimit.Set(t)
	const senders, each, workers = 4, 251, 3
	d, v := newDispatch(router.RoundRobin()), viewOf(workers)
	var mu sync.Mutex
	drawn, turns := map[*Worker]int{}, map[uint64]bool{}
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range each {
				w, turn := d.draw(v)
				mu.Lock()
				drawn[w]++
				turns[turn] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	assert.Len(t, turns, senders*each, "no turn is drawn twice")
	assert.EqualValues(t, senders*each, d.accepted())
	for _, w := range v.routees {
		assert.InDelta(t, senders*each/float64(workers), drawn[w], 1)
	}
}

func TestSidelinedWorkersAreNotDrawn(t *testing.T) {
	v := viewOf(4, 1, 3)
	for _, d := range []router.Dispatch{router.RoundRobin(), router.Random()} {
		drawn := map[string]bool{}
		chooser := newDispatch(d)
		for range 100 {
			w, _ := chooser.draw(v)
			drawn[w.hand.worker] = true
		}
		assert.Equal(t, map[string]bool{"0": true, "2": true}, drawn, "%v", d)
	}
}

func TestNumbersAreTurnsWhereWorkersAreDrawn(t *testing.T) {
	for _, d := range []router.Dispatch{router.RoundRobin(), router.Random()} {
		assert.EqualValues(t, 17, newDispatch(d).number(17))
	}
	d := newDispatch(router.ConsistentHash())
	assert.EqualValues(t, 1, d.number(17))
	assert.EqualValues(t, 2, d.number(17))
	assert.EqualValues(t, 2, d.accepted())
}

func TestJumpMovesFewKeysAndOnlyToTheNewBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 500).Draw(t, "n")
		key := rapid.Uint64().Draw(t, "key")
		before, after := jump(key, n), jump(key, n+1)
		require.GreaterOrEqual(t, before, 0)
		require.Less(t, before, n)
		if after != before {
			require.Equal(t, n, after)
		}
	})
	const keys, n = 20_000, 9
	moved, key := 0, uint64(1)
	for range keys {
		key = key*6364136223846793005 + 1442695040888963407
		if jump(key, n) != jump(key, n+1) {
			moved++
		}
	}
	assert.InEpsilon(t, keys/float64(n+1), moved, 0.1)
}

func TestOnlyTheKeysOfASidelinedWorkerMove(t *testing.T) {
	const keys = 1000
	whole, partly := viewOf(5), viewOf(5, 2)
	moved := 0
	for key := range uint64(keys) {
		before, after := hashTo(key, whole).hand.worker, hashTo(key, partly).hand.worker
		require.NotEqual(t, "2", after)
		if before != "2" {
			require.Equal(t, before, after)
		} else {
			moved++
		}
	}
	assert.NotZero(t, moved)
}

func TestKeysStayIfAllWorkersAreSidelined(t *testing.T) {
	whole, none := viewOf(3), viewOf(3, 0, 1, 2)
	for key := range uint64(100) {
		require.Equal(t, hashTo(key, whole).hand.worker, hashTo(key, none).hand.worker)
	}
	assert.Nil(t, hashTo(1, viewOf(0)))
}

func TestOnlyKeyedTasksHaveATarget(t *testing.T) {
	d, v := newDispatch(router.ConsistentHash()), viewOf(3)
	to, err := addressOf(d, &Spec{Key: "k"}, v)
	require.NoError(t, err)
	assert.True(t, to.keyed)
	assert.Same(t, hashTo(to.hash, v), to.worker)
	to, err = addressOf(d, &Spec{}, v)
	require.NoError(t, err)
	assert.Equal(t, target{}, to)
	to, err = addressOf(newDispatch(router.RoundRobin()), &Spec{Key: "k"}, v)
	require.NoError(t, err)
	assert.Equal(t, target{}, to)
}

func TestACustomDispatchIsAskedAboutTheEligible(t *testing.T) {
	v := viewOf(3, 0)
	d := newDispatch(router.Custom(func(task router.TaskView, workers router.Workers) int {
		assert.Equal(t, "k", task.Key)
		assert.Equal(t, 2, workers.Len())
		assert.Equal(t, "1", workers.ID(0))
		assert.Zero(t, workers.Load(0))
		return 1
	}))
	to, err := addressOf(d, &Spec{Key: "k"}, v)
	require.NoError(t, err)
	assert.Equal(t, "2", to.worker.hand.worker)
	assert.False(t, to.keyed)

	to, err = addressOf(d, &Spec{}, viewOf(0))
	require.NoError(t, err, "nobody is asked when there are no workers")
	assert.Nil(t, to.worker)
}

func TestMistakesOfACustomDispatchAreErrors(t *testing.T) {
	v := viewOf(2)
	for name, pick := range map[string]func(router.TaskView, router.Workers) int{
		"picked worker 2 of 2":  func(router.TaskView, router.Workers) int { return 2 },
		"picked worker -1 of 2": func(router.TaskView, router.Workers) int { return -1 },
		"panicked: oops":        func(router.TaskView, router.Workers) int { panic("oops") },
	} {
		w, err := newDispatch(router.Custom(pick)).ask(router.TaskView{}, v)
		assert.Nil(t, w)
		require.ErrorIs(t, err, messages.ErrInvalidOption)
		assert.ErrorContains(t, err, name)
	}
}

// A sender may have chosen the worker before it was sidelined.
func TestASidelinedWorkerIsPassedOverByThoseWhoHaveChosenIt(t *testing.T) {
	e := newEngine(t, router.RoundRobin())
	workers := seat(e, 2)
	side := func(w *Worker, state breakerState) {
		e.stopWorld(func() {
			w.rareLocked().breaker = state
			e.sideLocked(w)
		})
	}
	j := newJob(nil)
	side(workers[0], breakerOpen)
	require.ErrorIs(t, e.placeAt(workers[0], 1, &j.task, &Spec{}, nil), errGone)
	side(workers[1], breakerOpen)
	require.NoError(t, e.placeAt(workers[0], 2, &j.task, &Spec{}, nil), "all are sidelined")
}
