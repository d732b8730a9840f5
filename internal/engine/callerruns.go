package engine

import (
	"maps"
	"slices"
	"sync"

	"github.com/troupe-go/troupe/internal/goroutine"
	"github.com/troupe-go/troupe/messages"
)

// callerRuns has the tasks that run in their callers, under the overflow policy CallerRuns.
// Its lock guards their words.
type callerRuns struct {
	mu       sync.Mutex
	outcomes tally                // guarded by mu
	runs     map[*Task]*callerRun // guarded by mu; nil until the first
}

// A callerRun is one run of a task in its caller.
type callerRun struct {
	hand      hand
	over      chan struct{} // closed when another goroutine has settled the task
	goroutine goroutine.ID  // guarded by callerRuns.mu; set only with a watchdog
	watch     *watch        // guarded by callerRuns.mu; nil: none
}

// addLocked adds a run.
func (c *callerRuns) addLocked(t *Task, run *callerRun) {
	if c.runs == nil {
		c.runs = make(map[*Task]*callerRun)
	}
	c.runs[t] = run
}

// noteGoroutine records the goroutine of a run, whose stack may be reported.
func (c *callerRuns) noteGoroutine(run *callerRun, id goroutine.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	run.goroutine = id
}

// runOf returns the run of a task, or nil if the run has ended.
func (c *callerRuns) runOf(t *Task) *callerRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs[t]
}

// settleOnce settles a task with the given status and counts the outcome. It returns false
// if another goroutine was faster. Otherwise it then calls note, unless that is nil: the body
// of the task is not cleared meanwhile.
func (c *callerRuns) settleOnce(t *Task, run *callerRun, as status, outcome messages.Outcome, note func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.load() != run.hand.word {
		return false
	}
	t.state.Store(uint64(run.hand.word.with(as)))
	c.outcomes[outcome]++
	if note != nil {
		note()
	}
	return true
}

// abandon forgets a run whose handler is stuck. It returns false if the handler has
// returned.
func (c *callerRuns) abandon(wt *watch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, run := range c.runs {
		if run.watch == wt {
			wt.goroutine = run.goroutine
			delete(c.runs, t)
			return true
		}
	}
	return false
}

// count returns the number of tasks that run in their callers.
func (c *callerRuns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.runs)
}

// tasks returns the tasks that run in their callers.
func (c *callerRuns) tasks() []*Task {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.runs))
}

// oldest returns the start of the earliest run that goes on, or now if there is none.
func (c *callerRuns) oldest(now int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, run := range c.runs {
		now = min(now, run.hand.started.Load())
	}
	return now
}

// tallied returns the outcomes of the tasks that ran in their callers.
func (c *callerRuns) tallied() tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcomes
}
