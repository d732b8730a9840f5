package troupe_test

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
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
	ops            []op
}

// retrying is the retry policy; attempts 0: none.
type retrying struct {
	attempts int
	min, max int
	errors   bool // errors are tried again
	panics   bool
}

// An op is one step. Those that submit a task number the tasks: the first is 0.
type op struct {
	kind  opKind
	after int // since the step before

	// Of a task.
	end      ending
	fails    int  // how many attempts end so, those after them succeed; 0: all end so
	run      int  // how long an attempt takes, at least 1
	stubborn bool // it ignores its context
	again    int  // the delay that endRetryAfter asks for
	priority int
	key      string
	timeout  int // 0: none of its own
	patience int // until its submitter's context ends; 0: never, -1: it has ended
	noWait   bool

	n int // how many tasks are told, how many workers to have, or how many tasks ago was the one to cancel
	d int // how much time a shutdown has
}

// The first kinds submit one task each, the last ones stop the pool.
type opKind int

const (
	doAsk opKind = iota + 1
	doSubmit
	doTell
	doRequest // by an actor
	doBurst   // n tasks are told without a pause
	doCancel
	doPause
	doResume
	doResize
	doWait // until nothing is queued or running
	doRest // nothing but time passes
	doShutdown
	doClose
	doStop
	doPoison
	doStopParent
)

// An ending says how an attempt ends if its context lets it.
type ending int

const (
	endWell ending = iota
	endError
	endNoRetry    // an error that forbids a retry
	endRetryAfter // an error that asks for one
	endPanic
	endGoexit
	endKill // a panic for which the worker is stopped and replaced
)

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
			return (len(task.Key) + task.Priority + workers.Len()) % workers.Len()
		})
	default:
		return router.LeastBusy()
	}
}

// predicted reports whether it is known what becomes of every task: by which worker
// it is run makes no difference.
func (s script) predicted() bool {
	return s.dispatch == leastBusy && !s.short || s.alone()
}

// anonymous reports whether it need not be known who has which task in hand, so that
// tasks need no IDs.
func (s script) anonymous() bool {
	return s.alone() && s.overflow != actors.CallerRuns
}

// mayExceed reports whether more tasks may be queued than the capacity allows: retries
// find room in any case.
func (s script) mayExceed() bool { return s.retry.attempts > 0 }

// steady reports whether no worker comes or goes.
func (s script) steady() bool {
	return !slices.ContainsFunc(s.ops, func(o op) bool {
		return o.end == endKill || o.kind == doResize && o.n != s.size
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

// complete are the steps, and after some time a close.
func (s script) complete() []op {
	return append(slices.Clip(s.ops), op{kind: doClose, after: 300})
}

// tasks are the steps that submit tasks, one for each.
func (s script) tasks() []op {
	var tasks []op
	for _, o := range s.ops {
		for range o.submissions() {
			if o.kind == doBurst {
				o = op{kind: doTell, run: o.run, noWait: true}
			}
			tasks = append(tasks, o)
		}
	}
	return tasks
}

// submissions is the number of tasks that the step submits.
func (o *op) submissions() int {
	switch {
	case o.kind <= doRequest:
		return 1
	case o.kind == doBurst:
		return o.n
	default:
		return 0
	}
}

// timeoutOf is the timeout that a task has; 0: none.
func (s script) timeoutOf(o *op, index int) time.Duration {
	if own := s.span(o.timeout, index, ofTimeout); own > 0 {
		return own
	}
	return s.span(s.timeout, 0, ofTimeout)
}

// retryIn is the delay before a task is tried again that ends an attempt now; 0: it
// is not. due and givesUp are when it is up to the task, and to who asks; 0: never.
func (s script) retryIn(o *op, index, attempt int, now, due, givesUp time.Duration) time.Duration {
	how := o.ending(attempt)
	if attempt >= s.retry.attempts || how == endWell || how == endNoRetry ||
		how.crashes() && !s.retry.panics || how == endError && !s.retry.errors {
		return 0
	}
	delay := min(s.span(s.retry.min, ofRetry)<<(attempt-1), s.span(s.retry.max, ofRetry))
	if how == endRetryAfter {
		delay = s.span(o.again, index, ofRetry)
	}
	inVain := due > 0 && now+delay >= due ||
		o.kind == doAsk && !how.crashes() && givesUp > 0 && now+delay >= givesUp
	if inVain {
		return 0
	}
	return delay
}

// ending says how an attempt ends; the first is 1.
func (o *op) ending(attempt int) ending {
	if o.fails > 0 && attempt > o.fails {
		return endWell
	}
	return o.end
}

func (e ending) crashes() bool { return e == endPanic || e == endGoexit || e == endKill }

// outcome is that of a task whose last attempt ends so.
func (e ending) outcome() (messages.Outcome, error) {
	switch e {
	case endWell:
		return messages.Succeeded, nil
	case endPanic:
		return messages.Panicked, &messages.PanicError{Value: errPanic}
	case endGoexit:
		return messages.Panicked, &messages.PanicError{Value: messages.ErrGoexit}
	case endKill:
		return messages.Panicked, &messages.PanicError{Value: errKill}
	default:
		return messages.Failed, errModel
	}
}
