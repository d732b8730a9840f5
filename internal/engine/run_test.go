package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

func TestAWorkerDoesNotStartATaskThatHasChangedSinceItLooked(t *testing.T) {
	for name, change := range map[string]func(*Engine, *Worker, *Task){
		"canceled": func(e *Engine, _ *Worker, task *Task) { e.Cancel(task, messages.ErrCanceled) },
		"recalled": func(e *Engine, w *Worker, _ *Task) { w.recallLocked(e.shared) },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, router.LeastBusy())
			w, r := seat(e, 1)[0], newRunner()
			task := claimBatch(t, e, w, r, 1)[0]
			seen := task.load()
			change(e, w, task)
			now := task.load()
			assert.False(t, mailboxOf(w).begin(r, task, seen))
			assert.Equal(t, now, task.load(), "the task stays as it is")
			assert.Nil(t, w.hand.task)
		})
	}
}

func TestABatchPassesOverTheTasksThatWereTakenOutOfIt(t *testing.T) {
	e := newEngine(t, router.LeastBusy())
	w, r := seat(e, 1)[0], newRunner()
	tasks := claimBatch(t, e, w, r, 3)
	w.recallLocked(e.shared)
	mailboxOf(w).runBatch(r)
	assert.Equal(t, 3, w.at)
	assert.Zero(t, r.dead, "they live, elsewhere")
	for _, task := range tasks {
		assert.True(t, isQueued(task))
		assert.Empty(t, task.body.(*job).told())
	}
}
