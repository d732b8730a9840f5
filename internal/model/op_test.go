package model_test

import (
	"errors"

	"github.com/troupe-go/troupe/messages"
)

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
	timeout  int  // 0: none of its own
	patience int  // until its submitter's context ends; 0: never, -1: it has ended
	bound    bool // the end of its submitter's context is also its own
	noWait   bool
	plain    bool // of a request to a pool of user actors: the message is no *messages.Task
	held     bool // the user actor holds the task for as long as an attempt takes

	n int // how many tasks are told, how many workers to have, or how many tasks ago was the one to cancel
	d int // how much time a shutdown or a finish has
}

// The first kinds submit one task each, the last ones stop the pool.
type opKind int

const (
	doAsk opKind = iota + 1
	doSubmit
	doTell
	doRequest   // by an actor
	doBurst     // n tasks are told without a pause
	doBroadcast // by an actor: one task for each worker
	doCancel
	doPause
	doResume
	doResize
	doWait // until nothing is queued or running
	doRest // nothing but time passes
	doShutdown
	doFinish
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
	endTimedOut // an error that names this outcome, as the next three do
	endCanceled
	endDropped
	endQuarantined
	endKill     // a panic for which the worker is stopped and replaced
	endSelfStop // the worker, a user actor, stops itself and is replaced; the task succeeds
	endRestart  // the worker, which holds the task, is restarted
	endReplace  // the worker, which holds the task, is stopped and replaced
)

// submissions is the number of tasks that the step submits. For a broadcast, complete
// has set n.
func (o *op) submissions() int {
	switch {
	case o.kind <= doRequest:
		return 1
	case o.kind == doBurst, o.kind == doBroadcast:
		return o.n
	default:
		return 0
	}
}

// ending says how an attempt ends; the first is 1.
func (o *op) ending(attempt int) ending {
	if o.fails > 0 && attempt > o.fails {
		return endWell
	}
	return o.end
}

// fromActor reports whether an actor hears what becomes of the task.
func (o *op) fromActor() bool { return o.kind == doRequest || o.kind == doBroadcast }

// succeeds reports whether the task succeeds by such an attempt.
func (e ending) succeeds() bool { return e == endWell || e == endSelfStop }

// replaces reports whether the worker stops and is replaced.
func (e ending) replaces() bool { return e == endKill || e == endSelfStop || e == endReplace }

// restarts reports whether the worker is restarted, unless it leaves.
func (e ending) restarts() bool { return e.crashes() || e == endRestart }

func (e ending) crashes() bool { return e == endPanic || e == endGoexit || e == endKill }

// named is the outcome that the handler's error names, with its sentinel; 0: none.
func (e ending) named() (messages.Outcome, error) {
	switch e {
	case endTimedOut:
		return messages.TimedOut, messages.ErrTaskTimeout
	case endCanceled:
		return messages.Canceled, messages.ErrCanceled
	case endDropped:
		return messages.Dropped, messages.ErrDropped
	case endQuarantined:
		return messages.Quarantined, messages.ErrQuarantined
	default:
		return 0, nil
	}
}

// isFinal reports whether the attempt is the last, whatever the retry policy says.
func (e ending) isFinal() bool {
	outcome, _ := e.named()
	return outcome != 0 || e == endNoRetry || e == endReplace || e.succeeds()
}

// endsWithContext reports whether the end of its submitter's context ends the task.
func (o *op) endsWithContext() bool { return o.kind == doAsk || o.bound }

// outcome is that of a task whose last attempt ends so.
func (e ending) outcome() (messages.Outcome, error) {
	if outcome, sentinel := e.named(); outcome != 0 {
		return outcome, errors.Join(sentinel, errModel)
	}
	switch e {
	case endWell, endSelfStop:
		return messages.Succeeded, nil
	case endPanic:
		return messages.Panicked, &messages.PanicError{Value: errPanic}
	case endGoexit:
		return messages.Panicked, &messages.PanicError{Value: messages.ErrGoexit}
	case endKill:
		return messages.Panicked, &messages.PanicError{Value: errKill}
	case endRestart, endReplace:
		return messages.Canceled, messages.ErrCanceled
	default:
		return messages.Failed, errModel
	}
}
