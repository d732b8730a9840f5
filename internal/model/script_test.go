package model_test

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/router"
)

// A script is a pool and what is done to it: plain data, so that it can be drawn
// outside of a bubble, printed, and pasted into a test. All times are in units of
// the script; see unit and span.
type script struct {
	size, capacity int
	overflow       actors.Overflow
	dispatch       dispatching
	short          bool // tasks take microseconds, so workers take them in batches
	allForOne      bool // what befalls one worker befalls all
	timeout        int  // of tasks that name none; 0: none
	retry          retrying
	actors         bool // the workers are user actors, not a handler
	states         stateful
	ops            []op
}

// retrying is the retry policy; attempts 0: none.
type retrying struct {
	attempts int
	min, max int
	errors   bool // errors are retried
	panics   bool
	// elsewhere says that the next attempt goes to another worker. Which one is not specified.
	elsewhere bool
}

type dispatching int

const (
	leastBusy dispatching = iota
	roundRobin
	atRandom
	byHash
	byPick
)

func (d dispatching) dispatch() router.Dispatch {
	switch d {
	case roundRobin:
		return router.RoundRobin()
	case atRandom:
		return router.Random()
	case byHash:
		return router.ConsistentHash()
	case byPick:
		return router.Custom(func(task router.TaskView, workers router.Workers) int {
			return pick(task.Key, task.Priority, workers.Len())
		})
	default:
		return router.LeastBusy()
	}
}

// pick is the custom dispatch.
func pick(key string, priority, workers int) int { return (len(key) + priority + workers) % workers }

// picked is the index of the worker that the custom dispatch picks for the task; -1 under
// any other dispatch.
func (s script) picked(o *op) int {
	if s.dispatch != byPick {
		return -1
	}
	return pick(o.key, o.priority, s.size)
}

// predicted reports whether it is known what becomes of every task.
func (s script) predicted() bool {
	switch {
	case s.broadcasts() && !s.steady():
		return false
	case s.alone():
		return true
	case s.retry.elsewhere:
		return false
	case s.dispatch == leastBusy:
		return !s.short
	default:
		return s.turns()
	}
}

// turns reports whether it is known which of several workers gets each task. Which
// turn a retry takes is not specified; under custom dispatch it keeps its worker.
func (s script) turns() bool {
	retries := s.retry.attempts > 0
	switch s.dispatch {
	case roundRobin:
		return !s.alone() && s.steady() && !retries
	case byPick:
		return !s.alone() && s.steady() &&
			(!retries || s.overflow != actors.DropOldest && s.overflow != actors.CallerRuns)
	default:
		return false
	}
}

// named reports whether the reference knows the workers one by one: for a broadcast
// and under early binding it makes a difference which worker has which task.
func (s script) named() bool {
	return s.predicted() && (s.turns() || s.broadcasts() && s.dispatch == leastBusy)
}

// broadcasts reports whether there are any.
func (s script) broadcasts() bool {
	return slices.ContainsFunc(s.ops, func(o op) bool { return o.kind == doBroadcast })
}

// anonymous reports whether it need not be known who has which task in hand, so that
// tasks need no IDs.
func (s script) anonymous() bool {
	return s.alone() && s.overflow != actors.CallerRuns && !s.actors && !s.broadcasts()
}

// mayExceed reports whether more tasks may be queued than the capacity allows. Retries
// ignore it, and the shares of the workers may add up to more when their number changes.
func (s script) mayExceed() bool {
	return s.retry.attempts > 0 || s.dispatch != leastBusy && !s.alone() && !s.steady()
}

// steady reports whether no worker comes or goes.
func (s script) steady() bool {
	return !slices.ContainsFunc(s.ops, func(o op) bool {
		return o.end.replaces() || o.kind == doResize && o.n != s.size
	})
}

// alone reports whether there is never more than one worker.
func (s script) alone() bool {
	return s.size == 1 && !slices.ContainsFunc(s.ops, func(o op) bool { return o.kind == doResize && o.n > 1 })
}

func (s script) unit() time.Duration {
	if s.short {
		return 500 * time.Nanosecond
	}
	return time.Millisecond
}

// A time is of a step or of a task, by its number, and there of one of these.
const (
	ofStep = iota
	ofTimeout
	ofPatience
	ofRun
	ofRetry
	ofAge
	ofIdleness
)

const (
	begin  = time.Second // when the first step may come
	finale = 1000        // how long everything that goes on takes at most
)

// span is a time of n units and a bit that depends on whose it is, so that no two
// things are due at the same instant.
func (s script) span(n int, whose ...int) time.Duration {
	if n <= 0 {
		return 0
	}
	hash := uint64(1)
	for _, i := range whose {
		hash = (hash + uint64(i)) * 0x9e3779b97f4a7c15
		hash = (hash ^ hash>>30) * 0xbf58476d1ce4e5b9
		hash = (hash ^ hash>>27) * 0x94d049bb133111eb
		hash ^= hash >> 31
	}
	return time.Duration(n)*s.unit() + 1 + time.Duration(hash%uint64(s.unit()-1))
}

// complete is the steps, with the number of workers that each broadcast reaches, and a
// stop some time later.
func (s script) complete() []op {
	last := op{kind: doClose, after: 300}
	if s.actors {
		last.kind = doStop
	}
	steps, size := append(slices.Clone(s.ops), last), s.size
	for i := range steps {
		switch steps[i].kind {
		case doResize:
			size = steps[i].n
		case doBroadcast:
			steps[i].n = size
		}
	}
	return steps
}

// tasks are the steps that submit tasks, one for each task.
func (s script) tasks() []op {
	var tasks []op
	for _, o := range s.complete() {
		for range o.submissions() {
			if o.kind == doBurst {
				o = op{kind: doTell, run: o.run, noWait: true}
				if s.actors {
					o = op{kind: doRequest, run: o.run, plain: true}
				}
			}
			o.stubborn = o.stubborn || s.actors && !o.held // Receive has no context to end
			tasks = append(tasks, o)
		}
	}
	return tasks
}

// timeoutOf is the timeout that a task has; 0: none.
func (s script) timeoutOf(o *op, index int) time.Duration {
	if own := s.span(o.timeout, index, ofTimeout); own > 0 {
		return own
	}
	return s.span(s.timeout, 0, ofTimeout)
}

// retryIn is the delay before the next attempt of a task that ends one now; 0: it
// is not. due and givesUp are when it is up to the task, and to who asks; 0: never.
func (s script) retryIn(o *op, index, attempt int, now, due, givesUp time.Duration) time.Duration {
	how := o.ending(attempt)
	if attempt >= s.retry.attempts || how.isFinal() ||
		how.crashes() && !s.retry.panics || how == endError && !s.retry.errors {
		return 0
	}
	delay := min(s.span(s.retry.min, ofRetry)<<(attempt-1), s.span(s.retry.max, ofRetry))
	if how == endRetryAfter {
		delay = s.span(o.again, index, ofRetry)
	}
	inVain := due > 0 && now+delay >= due ||
		o.endsWithContext() && givesUp > 0 && now+delay >= givesUp
	if inVain {
		return 0
	}
	return delay
}
