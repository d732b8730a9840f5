package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// enlist has a task wait for room, for w unless that is nil.
func enlist(t *testing.T, e *Engine, w *Worker, s *Spec) *waiter {
	wt := newWaiter(&newJob(nil).task, s)
	wt.spec.to.worker = w
	require.NoError(t, e.enlist(wt))
	return wt
}

// admitted says which of the waiters have been admitted.
func admitted(waiters ...*waiter) (list []bool) {
	for _, wt := range waiters {
		list = append(list, len(wt.ready) == 1 && wt.err == nil)
	}
	return list
}

func TestWaitersAreAdmittedInTheOrderTheyCame(t *testing.T) {
	e := newEngine(t, router.LeastBusy(), withCapacity(1))
	first := accept(e, nil, &Spec{})
	waiters := []*waiter{enlist(t, e, nil, &Spec{}), enlist(t, e, nil, &Spec{Priority: 9}), enlist(t, e, nil, &Spec{})}
	require.ErrorIs(t, submit(e, newJob(nil), &Spec{}), messages.ErrQueueFull)
	for i, task := range []*Task{first, waiters[0].task, waiters[1].task} {
		assert.False(t, admitted(waiters...)[i])
		e.Cancel(task, messages.ErrCanceled) // which makes room
		assert.True(t, admitted(waiters...)[i], "whatever its priority")
		assert.NoError(t, waiters[i].err)
	}
	assert.False(t, e.waits.some.Load())
	assert.True(t, e.Stats().Balanced())
}

func TestNobodyOvertakesAWaiter(t *testing.T) {
	e := newEngine(t, router.LeastBusy(), withCapacity(1))
	seat(e, 1)
	e.shared.paused = true
	accept(e, nil, &Spec{})
	waiter := enlist(t, e, nil, &Spec{})
	e.shared.paused = false // now there is room for one, but nobody has looked
	require.ErrorIs(t, submit(e, newJob(nil), &Spec{}), messages.ErrQueueFull)
	e.progressed()
	assert.Equal(t, []bool{true}, admitted(waiter))
}

func TestAWaiterForOneWorkerDoesNotBlockAnother(t *testing.T) {
	e := newEngine(t, router.Custom(func(router.TaskView, router.Workers) int { return 0 }), withCapacity(2))
	workers := seat(e, 2)
	e.stopWorld(func() { e.queuesLocked(func(q *taskQueue) { q.paused = true }) })
	inA, inB := accept(e, workers[0], &Spec{}), accept(e, workers[1], &Spec{})
	a1, a2, b := enlist(t, e, workers[0], &Spec{}), enlist(t, e, workers[0], &Spec{}), enlist(t, e, workers[1], &Spec{})
	assert.True(t, e.overtakes(&target{worker: workers[0]}))
	e.Cancel(inB, messages.ErrCanceled)
	assert.Equal(t, []bool{false, false, true}, admitted(a1, a2, b))
	assert.False(t, e.overtakes(&target{worker: workers[1]}))
	e.Cancel(inA, messages.ErrCanceled)
	assert.Equal(t, []bool{true, false, true}, admitted(a1, a2, b))
}

func TestWaitersAreRefusedTogether(t *testing.T) {
	timelimit.Set(t)
	e := newEngine(t, router.LeastBusy(), withCapacity(0))
	waiters := []*waiter{enlist(t, e, nil, &Spec{}), enlist(t, e, nil, &Spec{})}
	e.stopWorld(func() { e.waits.refuseAllLocked(messages.ErrPoolStopped) })
	for _, wt := range waiters {
		<-wt.ready
		assert.ErrorIs(t, wt.err, messages.ErrPoolStopped)
		assert.Nil(t, wt.line)
	}
	assert.Empty(t, e.waits.lines)
	assert.False(t, e.waits.some.Load())
}

func TestARefusedPoolEnlistsNobody(t *testing.T) {
	e := newEngine(t, router.LeastBusy(), withCapacity(0))
	e.Close()
	wt := newWaiter(&newJob(nil).task, &Spec{})
	require.ErrorIs(t, e.enlist(wt), messages.ErrPoolStopped)
	assert.Empty(t, e.waits.lines)
}

func TestAWaitEndsWithItsContextOrTimeout(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy(), withCapacity(0), func(cfg *Config) { cfg.Overflow = router.Block })
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := e.Submit(ctx, &newJob(nil).task, &Spec{})
		require.ErrorIs(t, err, messages.ErrQueueFull)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))

		err = e.Submit(t.Context(), &newJob(nil).task, &Spec{Timeout: time.Minute})
		require.ErrorIs(t, err, messages.ErrTaskTimeout)
		require.ErrorIs(t, err, messages.ErrQueueFull)
		assert.Equal(t, time.Second+time.Minute, time.Since(start))
		assert.Empty(t, e.waits.lines)
		assert.EqualValues(t, 2, e.Stats().Rejected)
	})
}

func TestAWaitThatHasEndedIsNotGivenUp(t *testing.T) {
	e := newEngine(t, router.LeastBusy(), withCapacity(1))
	task := accept(e, nil, &Spec{})
	wt := enlist(t, e, nil, &Spec{})
	e.Cancel(task, messages.ErrCanceled)
	assert.NoError(t, e.stopWaiting(wt, context.Canceled), "its task was accepted a moment before")
}

func TestWaitersThatChangeTheirWorkerKeepTheirOrder(t *testing.T) {
	e := newEngine(t, router.Custom(func(router.TaskView, router.Workers) int { return 0 }), withCapacity(0))
	workers := seat(e, 2)
	e.stopWorld(func() { e.queuesLocked(func(q *taskQueue) { q.paused = true }) })
	var waiters []*waiter
	for i := range 6 {
		waiters = append(waiters, enlist(t, e, workers[i%2], &Spec{}))
	}
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	for _, i := range []int{4, 0, 2} {
		waiters[i].spec.to.worker = workers[1]
		e.waits.moveLocked(waiters[i])
	}
	assert.Len(t, e.waits.lines, 1)
	assert.Equal(t, waiters, e.waits.allLocked())
	for i, link := 0, e.waits.lines[workers[1]].waiters.First(); link != nil; i, link = i+1, link.Next() {
		assert.Same(t, waiters[i], link.Of)
	}
	for _, wt := range waiters {
		e.waits.endLocked(wt, messages.ErrCanceled)
	}
	assert.False(t, e.waits.some.Load())
}

// A waiter whose worker has been sidelined waits for any room, which any worker may make.
func TestAWaiterForASidelinedWorkerWaitsForAnyRoom(t *testing.T) {
	e := newEngine(t, router.Custom(func(router.TaskView, router.Workers) int { return 0 }), withCapacity(2))
	workers := seat(e, 2)
	e.stopWorld(func() { e.queuesLocked(func(q *taskQueue) { q.paused = true }) })
	accept(e, workers[0], &Spec{})
	inB := accept(e, workers[1], &Spec{})
	wt := enlist(t, e, workers[0], &Spec{})
	e.stopWorld(func() {
		workers[0].rareLocked().delayed = true
		e.sideLocked(workers[0])
	})
	e.progressed()
	require.Equal(t, []bool{false}, admitted(wt), "the other worker has no room")

	inB.state.Store(uint64(inB.load().with(running))) // what that worker does when it starts a task
	workers[1].q.mu.Lock()
	workers[1].q.rings.Pop()
	workers[1].q.mu.Unlock()
	e.admitWaitingFor(workers[1])
	assert.Equal(t, []bool{true}, admitted(wt))
}
