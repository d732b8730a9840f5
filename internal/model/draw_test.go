package model_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/actors"
)

// A family is a kind of scripts.
type family struct {
	name       string
	sizes      []int
	dispatches []dispatching
	short      bool
	calm       bool // workers neither come nor go
	broadcasts bool
	actors     bool
	held       bool // some tasks are held
	states     bool // the workers have state
}

// families are drawn from one by one: each has faults of its own.
func families() []family {
	all := []dispatching{leastBusy, roundRobin, atRandom, byHash, byPick}
	return []family{
		{name: "least busy", sizes: []int{1, 2, 3, 4}, dispatches: all[:1]},
		{name: "one worker", sizes: []int{1}, dispatches: all},
		{name: "bound early", sizes: []int{2, 3, 4}, dispatches: all[1:]},
		{name: "turns", sizes: []int{2, 3, 4}, dispatches: []dispatching{roundRobin, roundRobin, byPick}, calm: true},
		{name: "short tasks", sizes: []int{1, 2, 4}, dispatches: all, short: true},
		{name: "broadcasts", sizes: []int{1, 2, 3, 4}, dispatches: all, calm: true, broadcasts: true},
		{name: "states", sizes: []int{1, 2, 3, 4}, dispatches: all, states: true},
		{name: "states, short tasks", sizes: []int{1, 2, 4}, dispatches: all, short: true, states: true},
		{name: "user actors", sizes: []int{1, 2, 3, 4}, dispatches: all[:1], actors: true},
		{name: "user actors bound early", sizes: []int{1, 2, 3}, dispatches: all[1:], actors: true},
		{name: "user actors, short tasks", sizes: []int{1, 2, 4}, dispatches: all, short: true, actors: true},
		{name: "user actors' turns", sizes: []int{2, 3}, dispatches: []dispatching{leastBusy, roundRobin, byPick}, calm: true, broadcasts: true, actors: true},
		{name: "held tasks", sizes: []int{1, 2, 3, 4}, dispatches: all[:1], actors: true, held: true},
		{name: "held tasks bound early", sizes: []int{1, 2, 3}, dispatches: all[1:], actors: true, held: true},
		{name: "held tasks, short", sizes: []int{1, 2, 4}, dispatches: all, short: true, actors: true, held: true},
		{name: "held tasks' turns", sizes: []int{2, 3}, dispatches: []dispatching{leastBusy, roundRobin, byPick}, calm: true, broadcasts: true, actors: true, held: true},
	}
}

// An author draws one script. The smallest values are the simplest.
type author struct {
	*rapid.T
	family family
	script script
	calm   bool // workers neither come nor go
}

func (f family) scripts() *rapid.Generator[script] {
	return rapid.Custom(func(t *rapid.T) script {
		a := &author{T: t, family: f}
		a.drawPool()
		for range 4 { // one draw alone is seldom long
			a.drawOps(100)
		}
		a.drawOps(4)
		return a.script
	})
}

func (a *author) drawPool() {
	a.script = script{
		size:     rapid.SampledFrom(a.family.sizes).Draw(a.T, "size"),
		capacity: rapid.SampledFrom([]int{0, 1, 2, 3, 5, actors.Unbounded}).Draw(a.T, "capacity"),
		overflow: actors.Overflow(a.draw(int(actors.Block), int(actors.CallerRuns), "overflow")),
		dispatch: rapid.SampledFrom(a.family.dispatches).Draw(a.T, "dispatch"),
		short:    a.family.short,
		timeout:  a.some(5, 20, "pool's timeout"),
		actors:   a.family.actors,
	}
	a.calm = a.family.calm || rapid.Bool().Draw(a.T, "calm")
	s := &a.script
	// A worker that another's failure has doomed admits who waits before it takes a
	// task, or after: only without waiters is that the same.
	// What another's failure does to a held task depends on the order of the restarts.
	s.allForOne = s.overflow != actors.Block && !a.family.held && a.oneIn(4, "all for one")
	if a.oneIn(3, "retries") {
		s.retry = retrying{
			attempts: a.draw(2, 4, "attempts"),
			min:      a.draw(1, 4, "min"),
			errors:   rapid.Bool().Draw(a.T, "of errors"),
			panics:   rapid.Bool().Draw(a.T, "of panics"),

			elsewhere: a.oneIn(3, "elsewhere"),
		}
		s.retry.max = s.retry.min + a.draw(0, 6, "max")
	}
	if a.family.states || !a.family.actors && a.oneIn(4, "states") {
		a.drawStates()
	}
}

// drawStates gives the workers states. They have no state that they grow too old for between
// two tasks that take microseconds: before the first step there would be a million.
func (a *author) drawStates() {
	s := &a.script
	if s.overflow == actors.CallerRuns { // a caller has no state
		s.overflow = actors.Block
		s.allForOne = false
	}
	s.states = stateful{on: true, maxTasks: a.some(2, 4, "max tasks"), idle: a.some(2, 9, "idle timeout")}
	if !s.short && a.oneIn(3, "old") {
		s.states.maxAge = a.draw(10, 40, "max age")
	}
	// A worker that cannot start for some time is given up, and all for one restart often.
	if !s.allForOne && a.oneIn(3, "failing") {
		s.states.failing = a.draw(2, 5, "failing starts")
	}
}

func (a *author) draw(least, most int, label string) int {
	return rapid.IntRange(least, most).Draw(a.T, label)
}

func (a *author) oneIn(n int, label string) bool { return a.draw(1, n, label) == n }

// some is once in n times a number up to most, else 0.
func (a *author) some(n, most int, label string) int {
	if !a.oneIn(n, label) {
		return 0
	}
	return a.draw(1, most, label)
}

// drawOps draws some steps. One in so many is a stop.
func (a *author) drawOps(stops int) {
	draw := rapid.Custom(func(t *rapid.T) op {
		a := *a
		a.T = t
		return a.drawOp(stops)
	})
	a.script.ops = append(a.script.ops, rapid.SliceOf(draw).Draw(a.T, "ops")...)
}

func (a *author) drawOp(stops int) op {
	s := &a.script
	o := op{kind: rapid.SampledFrom(a.kinds(stops)).Draw(a.T, "kind"), after: max(a.draw(-2, 4, "after"), 0)}
	if s.timeout > 0 {
		o.after = max(o.after, 1)
	}
	switch o.kind {
	case doBurst:
		o.n, o.run = a.draw(2, 6, "n"), a.drawRun()
	case doCancel:
		o.n = a.draw(0, 5, "n")
	case doResize:
		o.n = min(a.draw(1, 4, "n"), a.family.sizes[len(a.family.sizes)-1])
	case doShutdown, doFinish:
		o.d = rapid.SampledFrom([]int{1, 5, 10, 100}).Draw(a.T, "d")
	case doAsk, doSubmit, doTell, doRequest:
		a.drawTask(&o)
	case doBroadcast:
		a.drawAttempts(&o)
		o.priority = a.drawPriority()
	}
	return o
}

// kinds are those of the next step. One in so many is a stop.
func (a *author) kinds(stops int) []opKind {
	s := &a.script
	kinds := []opKind{
		doAsk, doAsk, doAsk, doSubmit, doSubmit, doSubmit, doSubmit, doTell, doTell, doTell, doRequest, doRequest,
		doCancel, doCancel, doPause, doResume, doResume, doWait, doRest, doRest,
	}
	if s.actors {
		kinds = []opKind{
			doRequest, doRequest, doRequest, doRequest, doRequest, doRequest, doRequest, doRequest, doRequest, doRequest,
			doPause, doResume, doResume, doRest, doRest,
		}
	}
	if s.overflow != actors.DropOldest && s.timeout == 0 { // else much happens at one instant
		kinds = append(kinds, doBurst)
		if s.short {
			kinds = append(kinds, doBurst, doBurst, doBurst) // to make batches of
		}
		if a.family.broadcasts {
			kinds = append(kinds, doBroadcast, doBroadcast, doBroadcast)
		}
	}
	if !a.calm {
		kinds = append(kinds, doResize)
	}
	if s.states.failing > 0 {
		// While its only worker fails to start, a pool is quiet though a submitter waits for that
		// worker, for an instant that Wait may or may not see.
		kinds = slices.DeleteFunc(kinds, func(k opKind) bool { return k == doWait })
	}
	switch stop := a.oneIn(stops, "stop"); {
	case stop && s.actors:
		return []opKind{doShutdown, doShutdown, doFinish, doFinish, doStop, doPoison, doStopParent}
	case stop:
		return []opKind{doShutdown, doShutdown, doFinish, doFinish, doClose, doStop, doPoison, doStopParent}
	default:
		return kinds
	}
}

// drawRun is shorter where batches are to be made: the shorter the more are in one.
func (a *author) drawRun() int {
	if a.script.short {
		return a.draw(1, 5, "run")
	}
	return a.draw(1, 12, "run")
}

func (a *author) drawTask(o *op) {
	a.drawAttempts(o)
	if a.script.short && rapid.Bool().Draw(a.T, "plain") {
		return // else it is in no batch
	}
	if a.script.actors && rapid.Bool().Draw(a.T, "plain") {
		o.plain = true
		return
	}
	o.stubborn = !a.script.actors && a.oneIn(4, "stubborn")
	o.priority = a.drawPriority()
	o.key = rapid.SampledFrom([]string{"", "a", "bb", "ccc"}).Draw(a.T, "key")
	o.timeout = a.some(3, 20, "timeout")
	if o.kind != doRequest {
		o.noWait = a.oneIn(5, "no wait")
		o.patience = a.some(2, 20, "patience")
		if a.oneIn(20, "late") {
			o.patience = -1
		}
		o.bound = o.patience > 0 && o.kind != doAsk && rapid.Bool().Draw(a.T, "bound")
	}
}

func (a *author) drawPriority() int {
	return rapid.SampledFrom([]int{0, 0, 1, 2, -1}).Draw(a.T, "priority")
}

// drawAttempts draws how long the attempts of a task take, and how they end.
func (a *author) drawAttempts(o *op) {
	o.run = a.drawRun()
	o.held = a.family.held && rapid.Bool().Draw(a.T, "held")
	o.end = rapid.SampledFrom(a.endings(o.held)).Draw(a.T, "end")
	if a.script.retry.attempts > 0 {
		o.fails = a.draw(0, 3, "fails")
		if o.end == endError {
			o.end = rapid.SampledFrom([]ending{endError, endError, endNoRetry, endRetryAfter}).Draw(a.T, "error")
			o.again = a.draw(1, 6, "again")
		}
	}
}

func (a *author) endings(held bool) []ending {
	endings := []ending{endWell, endWell, endWell, endError}
	if held {
		endings = append(endings, endRestart)
	} else {
		endings = append(endings, endPanic, endGoexit)
	}
	if a.oneIn(3, "named outcomes") {
		endings = append(endings, endTimedOut, endCanceled, endDropped, endQuarantined)
	}
	switch {
	case a.calm:
	case held:
		endings = append(endings, endReplace)
	default:
		endings = append(endings, endKill)
		if a.script.actors {
			endings = append(endings, endSelfStop)
		}
	}
	return endings
}
