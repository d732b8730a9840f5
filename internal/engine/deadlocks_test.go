package engine

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// handlers returns an engine and the contexts of handlers that its n workers run.
func handlers(t *testing.T, d router.Dispatch, n int) (*Engine, []*Context) {
	e := newEngine(t, d)
	var list []*Context
	for _, w := range seat(e, n) {
		list = append(list, handle(e, w))
	}
	return e, list
}

// handle makes a worker run a handler, and returns its context.
func handle(e *Engine, w *Worker) *Context {
	w.hand.occupied.Store(true)
	return newContext(&e.base, &w.hand, &newJob(nil).task)
}

// workerOf is the worker that runs the handler of a context.
func workerOf(e *Engine, c *Context) *Worker { return e.roster.byID[c.hand.worker] }

// strike removes a worker.
func strike(e *Engine, w *Worker) {
	e.stopWorld(func() {
		stay := slices.DeleteFunc(slices.Clone(e.roster.view.Load().routees), func(other *Worker) bool { return other == w })
		e.setRouteesLocked(stay)
		e.roster.strikeLocked(w)
	})
}

// A blocked is a goroutine of a handler that waits.
type blocked struct {
	wait *poolWait
	end  func()
}

// told reports whether the goroutine has been told that its wait is vain.
func (w blocked) told() bool {
	select {
	case <-w.wait.vain:
		return true
	default:
		return false
	}
}

// wait lets a goroutine of a handler wait for a task, or for room if t is nil. It fails the
// test if the wait is refused.
func wait(t *testing.T, e *Engine, c *Context, task *Task) blocked {
	t.Helper()
	w := newPoolWait(c, task)
	require.True(t, e.deadlocks.block(w))
	return blocked{w, func() { e.deadlocks.unblock(w) }}
}

// refused reports whether the wait of a handler is refused.
func refused(e *Engine, c *Context, task *Task) bool {
	w := newPoolWait(c, task)
	if !e.deadlocks.block(w) {
		return true
	}
	e.deadlocks.unblock(w)
	return false
}

// behind queues a task behind the handler with a context.
func behind(e *Engine, c *Context) *Task { return accept(e, workerOf(e, c), &Spec{}) }

// started returns a task that the worker of a context runs.
func started(e *Engine, c *Context) *Task {
	task := behind(e, c)
	task.state.Store(uint64(task.load().with(running)))
	return task
}

func TestAHandlerCannotWaitForATaskBehindItself(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 3)
	own, other := behind(e, c[0]), behind(e, c[1])
	_, _, err := e.Blocking(c[0], own)
	require.ErrorIs(t, err, messages.ErrDeadlock)
	_, end, err := e.Blocking(c[0], other)
	require.NoError(t, err)
	end()
	assert.Empty(t, e.deadlocks.blocked)
}

func TestACircleOfHandlersIsFound(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 4)
	first := wait(t, e, c[0], behind(e, c[1]))
	wait(t, e, c[1], behind(e, c[2]))
	require.True(t, refused(e, c[2], behind(e, c[0])), "0 waits for 1 for 2 for 0")
	first.end()
	assert.False(t, refused(e, c[2], behind(e, c[0])), "0 does not wait any more")
}

func TestACircleThroughARunningTaskIsFound(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 3)
	assert.True(t, refused(e, c[0], started(e, c[0])), "its own task")
	task := started(e, c[1])
	wait(t, e, c[0], task)
	assert.True(t, refused(e, c[1], behind(e, c[0])), "whose handler waits for this task")
	assert.False(t, refused(e, c[1], behind(e, c[2])))
}

// Whichever goroutine closes a circle, one that is in it is told, and no other.
func TestACircleIsFoundThroughAnyGoroutineOfAHandler(t *testing.T) {
	t.Run("the other handler closes it", func(t *testing.T) {
		e, c := handlers(t, router.RoundRobin(), 4)
		wait(t, e, c[0], behind(e, c[1]))
		wait(t, e, c[0], behind(e, c[1]))
		assert.True(t, refused(e, c[1], behind(e, c[0])))
	})
	t.Run("the second goroutine closes it", func(t *testing.T) {
		e, c := handlers(t, router.RoundRobin(), 4)
		fine := wait(t, e, c[0], behind(e, c[2]))
		other := wait(t, e, c[1], behind(e, c[0]))
		assert.True(t, refused(e, c[0], behind(e, c[1])))
		assert.False(t, fine.told())
		assert.False(t, other.told())
	})
	t.Run("the other handler waits for a handler that can go on", func(t *testing.T) {
		e, c := handlers(t, router.RoundRobin(), 4)
		inCircle, fine := wait(t, e, c[0], behind(e, c[1])), wait(t, e, c[0], behind(e, c[2]))
		other := wait(t, e, c[1], behind(e, c[0]))
		assert.True(t, inCircle.told(), "1 does not go on before 0 has returned")
		assert.False(t, fine.told())
		assert.False(t, other.told(), "0 goes on")
	})
	t.Run("the end of a wait closes it", func(t *testing.T) {
		e, c := handlers(t, router.RoundRobin(), 4)
		fine := [2]blocked{wait(t, e, c[0], behind(e, c[2])), wait(t, e, c[1], behind(e, c[3]))}
		circle := [2]blocked{wait(t, e, c[0], behind(e, c[1])), wait(t, e, c[1], behind(e, c[0]))}
		fine[0].end()
		assert.NotEqual(t, circle[0].told(), circle[1].told(), "one of them is enough")
		assert.False(t, fine[1].told())
	})
	t.Run("no worker is left", func(t *testing.T) {
		e, c := handlers(t, router.LeastBusy(), 2)
		task := accept(e, nil, &Spec{})
		wait(t, e, c[0], task)
		die(task) // that wait is about to end
		wait(t, e, c[1], accept(e, nil, &Spec{}))
		assert.True(t, refused(e, c[0], accept(e, nil, &Spec{})), "for this goroutine")
	})
}

func TestAStartedTaskClosesNoCircle(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 2)
	assert.False(t, refused(e, c[0], started(e, c[1])))
}

func TestTheLastHandlerToWaitWaitsInVain(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 3)
	for _, handler := range c[:2] {
		wait(t, e, handler, accept(e, nil, &Spec{}))
	}
	assert.True(t, refused(e, c[2], nil), "no worker is left that could start a task")
	assert.True(t, e.deadlocks.waits(c[0].hand))
	assert.False(t, e.deadlocks.waits(c[2].hand))
}

func TestAWaitThatIsAboutToEndIsNotInVain(t *testing.T) {
	for name, about := range map[string]func(*Context, blocked){
		"the awaited task is settled": func(_ *Context, w blocked) { die(w.wait.task) },
		"the waiting task is settled": func(c *Context, _ blocked) { c.over.Store(true) },
		"the handler has returned":    func(c *Context, _ blocked) { c.returned.Store(true) },
		"the wait was vain":           func(_ *Context, w blocked) { w.wait.told = true },
	} {
		t.Run(name, func(t *testing.T) {
			e, c := handlers(t, router.LeastBusy(), 2)
			about(c[0], wait(t, e, c[0], accept(e, nil, &Spec{})))
			assert.False(t, refused(e, c[1], accept(e, nil, &Spec{})))
		})
	}
}

func TestAWaitForATaskThatGoesOnIsNotInVain(t *testing.T) {
	t.Run("in its caller", func(t *testing.T) {
		e, c := handlers(t, router.LeastBusy(), 1)
		task := accept(e, nil, &Spec{})
		task.state.Store(uint64(task.load().with(running)))
		assert.False(t, refused(e, c[0], task))
	})
	t.Run("on a worker, while all others wait", func(t *testing.T) {
		e, c := handlers(t, router.LeastBusy(), 3)
		wait(t, e, c[0], accept(e, nil, &Spec{}))
		assert.False(t, refused(e, c[1], started(e, c[2])))
	})
	t.Run("for a handler that waits for such a task", func(t *testing.T) {
		e, c := handlers(t, router.RoundRobin(), 3)
		wait(t, e, c[0], started(e, c[2]))
		assert.False(t, refused(e, c[1], behind(e, c[0])))
	})
}

func TestAWaitForRoomGoesByTheWorkerOfTheQueue(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 3)
	full := func(handler *Context, w *Worker) *poolWait {
		wait := newPoolWait(handler, nil)
		wait.room.Store(w)
		return wait
	}
	assert.False(t, e.deadlocks.block(full(c[0], workerOf(e, c[0]))), "in its own queue")
	require.True(t, e.deadlocks.block(full(c[0], workerOf(e, c[1]))))
	assert.False(t, e.deadlocks.block(full(c[1], workerOf(e, c[0]))), "each in the other's queue")
	require.True(t, e.deadlocks.block(full(c[1], nil)), "in any queue: the third worker goes on")
	assert.False(t, e.deadlocks.block(full(c[2], nil)))
	granted := e.deadlocks.blocked[c[1].hand][0]
	granted.over.Store(true)
	assert.True(t, e.deadlocks.block(full(c[2], nil)), "the second handler has room and goes on")
}

func TestOneHandlerMayWaitSeveralTimes(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 2)
	first, second := wait(t, e, c[0], nil), wait(t, e, c[0], nil)
	assert.Equal(t, 1, e.deadlocks.several)
	first.end()
	assert.Zero(t, e.deadlocks.several)
	assert.True(t, e.deadlocks.waits(c[0].hand))
	second.end()
	assert.False(t, e.deadlocks.waits(c[0].hand))
	assert.Empty(t, e.deadlocks.blocked)
}

func TestAWorkerThatLeavesGoesOnUntilItIsGone(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 2)
	leaver := workerOf(e, c[1])
	leaver.leaving.Store(true)
	leaver.hand.occupied.Store(false)
	left := wait(t, e, c[0], nil)
	e.EndVainWaits()
	assert.False(t, left.told(), "it may have a successor")
	strike(e, leaver)
	e.EndVainWaits()
	assert.True(t, left.told())
	e.EndVainWaits() // nobody is told twice
}

// Two handlers are in a circle, and a third waits for one of them, whichever worker comes
// first.
func TestOnlyAHandlerInTheCircleIsTold(t *testing.T) {
	for outsider := range 3 {
		e, c := handlers(t, router.RoundRobin(), 4)
		one, other := (outsider+1)%3, (outsider+2)%3
		gone := workerOf(e, c[3])
		inner := behind(e, c[3])
		circle := [2]blocked{wait(t, e, c[one], behind(e, c[other])), wait(t, e, c[other], inner)}
		outside := wait(t, e, c[outsider], behind(e, c[one]))
		e.EndVainWaits()
		inner.state.Store(uint64(inner.load().of(workerOf(e, c[one]).index))) // it moves to the other in the circle
		strike(e, gone)
		assert.False(t, refused(e, c[outsider], behind(e, c[other])), "the circle will be broken")
		e.EndVainWaits()
		assert.NotEqual(t, circle[0].told(), circle[1].told(), "the other goes on then")
		assert.False(t, outside.told())
	}
}

// The worker has come while the graph was made, so only the awaited task leads to it.
func TestAWorkerThatHasJustComeGoesOn(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 2)
	hidden := workerOf(e, c[1])
	wait := newPoolWait(c[0], nil)
	wait.room.Store(hidden)
	e.stopWorld(func() { (*e.roster.slots.Load())[hidden.index].Store(nil) })
	d := &e.deadlocks
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blocked = map[*hand][]*poolWait{c[0].hand: {wait}}
	assert.Nil(t, d.graphLocked().firstVain())
	assert.False(t, d.isVainLocked(wait))
}

func TestWithoutWorkersATaskInItsCallerWaitsOn(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	run := &callerRun{}
	run.hand.task = &newJob(nil).task
	c := newContext(&e.base, &run.hand, run.hand.task)
	assert.False(t, refused(e, c, accept(e, nil, &Spec{})), "a restart of the pool brings workers")
}

func TestWhatAReturnedHandlerLeftWaitingIsNotTold(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 2)
	task := behind(e, c[1])
	left := wait(t, e, c[0], task)
	c[0].returned.Store(true)
	next := handle(e, workerOf(e, c[0]))
	wait(t, e, next, task)
	task.state.Store(uint64(task.load().of(workerOf(e, next).index)))
	e.EndVainWaits()
	assert.False(t, left.told())
	assert.True(t, e.deadlocks.blocked[next.hand][1].told, "the handler of the next task is")
	left.end()
	assert.True(t, e.deadlocks.waits(next.hand))
}

func TestOnlyHandlersOfThePoolAreBlocked(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 1)
	task := accept(e, nil, &Spec{})
	elsewhere, _ := handlers(t, router.LeastBusy(), 1)
	for _, engine := range []*Engine{e, elsewhere} {
		_, end, err := engine.Blocking(context.Background(), task)
		require.NoError(t, err)
		end()
	}
	_, _, err := elsewhere.Blocking(c[0], task)
	require.NoError(t, err, "the handler of another pool")
	_, _, err = e.Blocking(context.WithoutCancel(c[0]), task)
	require.ErrorIs(t, err, messages.ErrDeadlock, "a context derived from the handler's")
	assert.True(t, e.OfHandler(c[0]))
	assert.False(t, elsewhere.OfHandler(c[0]))

	c[0].hand.occupied.Store(false)
	_, _, err = e.Blocking(c[0], task)
	require.NoError(t, err, "its handler has returned")
	assert.False(t, e.OfHandler(c[0]))
}
