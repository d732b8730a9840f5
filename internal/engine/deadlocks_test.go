package engine

import (
	"context"
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
		w.hand.occupied.Store(true)
		list = append(list, newContext(&e.base, &w.hand, &newJob(nil).task))
	}
	return e, list
}

// workerOf is the worker that runs the handler of a context.
func workerOf(e *Engine, c *Context) *Worker { return e.roster.byID[c.hand.worker] }

// waitFor says that the handler waits for a task, or for room.
func (d *deadlocks) waitFor(e *Engine, c *Context, t *Task) (end func(), ok bool) {
	_, end, ok = d.block(c, t)
	return end, ok
}

func TestAHandlerCannotWaitForATaskBehindItself(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 3)
	own, other := accept(e, workerOf(e, c[0]), &Spec{}), accept(e, workerOf(e, c[1]), &Spec{})
	_, _, err := e.Blocking(c[0], own)
	require.ErrorIs(t, err, messages.ErrDeadlock)
	_, end, err := e.Blocking(c[0], other)
	require.NoError(t, err)
	end()
	assert.Empty(t, e.deadlocks.blocked)
}

func TestACircleOfHandlersIsFound(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 4)
	tasks := []*Task{accept(e, workerOf(e, c[0]), &Spec{}), accept(e, workerOf(e, c[1]), &Spec{}), accept(e, workerOf(e, c[2]), &Spec{})}
	end, ok := e.deadlocks.waitFor(e, c[0], tasks[1])
	require.True(t, ok)
	_, ok = e.deadlocks.waitFor(e, c[1], tasks[2])
	require.True(t, ok)
	_, ok = e.deadlocks.waitFor(e, c[2], tasks[0])
	require.False(t, ok, "0 waits for 1 for 2 for 0")
	end()
	_, ok = e.deadlocks.waitFor(e, c[2], tasks[0])
	assert.True(t, ok, "0 does not wait any more")
}

func TestAStartedTaskClosesNoCircle(t *testing.T) {
	e, c := handlers(t, router.RoundRobin(), 2)
	task := accept(e, workerOf(e, c[0]), &Spec{})
	task.state.Store(uint64(task.load().with(running)))
	_, ok := e.deadlocks.waitFor(e, c[0], task)
	assert.True(t, ok)
}

func TestTheLastHandlerToWaitWaitsInVain(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 3)
	for _, handler := range c[:2] {
		_, ok := e.deadlocks.waitFor(e, handler, accept(e, nil, &Spec{}))
		require.True(t, ok)
	}
	_, ok := e.deadlocks.waitFor(e, c[2], nil)
	assert.False(t, ok, "no worker is left that could start a task")
	assert.True(t, e.deadlocks.waits(c[0].hand))
	assert.False(t, e.deadlocks.waits(c[2].hand))
}

func TestAWaitThatIsAboutToEndIsNotInVain(t *testing.T) {
	for name, about := range map[string]func(*Context, *Task){
		"the awaited task is settled": func(_ *Context, t *Task) { die(t) },
		"the waiting task is settled": func(c *Context, _ *Task) { c.over.Store(true) },
		"the handler has returned":    func(c *Context, _ *Task) { c.returned.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			e, c := handlers(t, router.LeastBusy(), 2)
			task := accept(e, nil, &Spec{})
			_, ok := e.deadlocks.waitFor(e, c[0], task)
			require.True(t, ok)
			about(c[0], task)
			_, ok = e.deadlocks.waitFor(e, c[1], accept(e, nil, &Spec{}))
			assert.True(t, ok)
		})
	}
}

func TestOneHandlerMayWaitSeveralTimes(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 2)
	first, ok := e.deadlocks.waitFor(e, c[0], nil)
	require.True(t, ok)
	second, ok := e.deadlocks.waitFor(e, c[0], nil)
	require.True(t, ok)
	first()
	assert.True(t, e.deadlocks.waits(c[0].hand))
	second()
	assert.False(t, e.deadlocks.waits(c[0].hand))
}

func TestAWorkerThatLeavesCountsWhileItIsBusy(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 2)
	gone := workerOf(e, c[1])
	gone.leaving.Store(true)
	end, ok := e.deadlocks.waitFor(e, c[0], nil)
	require.True(t, ok, "another may wait for what it does")
	end()
	gone.hand.occupied.Store(false)
	_, ok = e.deadlocks.waitFor(e, c[0], nil)
	assert.False(t, ok)
}

func TestHandlersAreToldThatTheyWaitInVain(t *testing.T) {
	e, c := handlers(t, router.LeastBusy(), 2)
	stuck, _, ok := e.deadlocks.block(c[0], nil)
	require.True(t, ok)
	e.EndVainWaits()
	require.NotNil(t, e.deadlocks.stuck, "the other worker can go on")
	e.stopWorld(func() { e.roster.strikeLocked(workerOf(e, c[1])) })
	e.EndVainWaits()
	select {
	case <-stuck:
	default:
		assert.Fail(t, "the only worker left waits for itself")
	}
	e.EndVainWaits() // nobody is told twice
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
	assert.NoError(t, err, "its handler has returned")
}
