package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/router"
)

// Otherwise the worker would be abandoned later, together with another task.
func TestAHandlerThatHasReturnedFromACopyIsNotWatched(t *testing.T) {
	e := newEngine(t, router.LeastBusy(), func(cfg *Config) { cfg.Watchdog = router.Watchdog{Grace: time.Minute} })
	w, r := mailboxOf(seat(e, 1)[0]), newRunner()
	task := &newJob(nil).task
	c := newCopyRun(&race{engine: e, task: task, seed: task}, &w.Worker)
	w.hand.special = &handSpecial{worker: w, copy: c}
	w.q.mu.Lock()
	w.takeLocked(w.q, r, []*Task{c.task}, 0, 0)
	w.q.mu.Unlock()
	w.putDownCopy(r)
	var then after
	c.cancel(&then)
	assert.Nil(t, w.rareLocked().watch)
}
