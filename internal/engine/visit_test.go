package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/router"
)

// runAfter puts a task into the queue and runs the worker, whose last tasks took mean
// nanoseconds. It reports whether the worker wants to be scheduled again.
func runAfter(t *testing.T, e *Engine, w *Worker, mean int64) (again bool) {
	task := accept(e, w.q.owner, &Spec{})
	w.q.mu.Lock()
	w.unparkLocked(w.q)
	w.q.mu.Unlock()
	w.pace.mean = mean
	again = w.runs.work(newRunner())
	assert.True(t, task.load().settled())
	return again
}

func TestAWorkerOfBriefTasksLingersOnceBeforeItParks(t *testing.T) {
	e := newEngine(t, router.RoundRobin())
	w := seat(e, 1)[0]
	for range 3 {
		assert.True(t, runAfter(t, e, w, briefTime-1))
		assert.False(t, w.parked, "nobody needs to wake it")
	}
	assert.False(t, w.runs.work(newRunner()), "there is nothing to do")
	assert.True(t, w.parked)
}

func TestOtherWorkersParkAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		dispatch router.Dispatch
		mean     int64
	}{
		"longer tasks": {router.RoundRobin(), briefTime},
		"unknown pace": {router.RoundRobin(), -1},
		"shared queue": {router.LeastBusy(), briefTime - 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, c.dispatch)
			w := seat(e, 1)[0]
			assert.False(t, runAfter(t, e, w, c.mean))
			assert.True(t, w.parked)
		})
	}
}
