package engine

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A Body has the work of a task and answers its waiter. Only Run may block or panic.
type Body interface {
	// Message returns what the worker's actor receives.
	Message() any
	// Payload returns the value that the handler gets.
	Payload() any
	// Sender returns the actor that gets a Result, or nil.
	Sender() *actor.PID
	// Caller returns the context whose values reach the handler. nil stands for Background.
	Caller() context.Context
	// Exact reports whether the times of the task must be exact though it has no sender.
	Exact() bool
	// Owner returns whatever the task belongs to, for TasksOf, or nil. It is called only for
	// tasks that are Told, also while a handler runs the task: so what it reads stays until
	// Disowned.
	Owner() any
	// Run does the work. Pools of user actors do not call it.
	Run(ctx *Context) error
	// Copy returns a new task with the same work, for which nobody waits.
	Copy() *Task
	// Settled notifies the waiter. It is called once, when the outcome is known.
	Settled(s *Settlement)
	// Released is called when no handler uses the payload any more, to drop it and the caller.
	// What Owner reads must stay.
	Released()
	// Disowned is called when Owner is not called any more, to drop what that reads, but only
	// for tasks that the engine made.
	Disowned()
	// Unlinked is called when the engine has no reference to the task any more, but only if
	// no other goroutine than its worker's can have one. Only then may its maker reuse the
	// task.
	Unlinked()
}

// A Task is one unit of work on its way through the pool. Its maker sets the body with
// [Task.Init] and passes the task to [Engine.Submit]. [Engine.Tell] makes and reuses its
// own tasks.
//
// The word says who may use the other fields: the submitter while the task is fresh, the
// goroutine that runs it while it is running, and afterwards the goroutine that settled it.
// Nobody writes them while the task is in a queue. The lock of its queue covers the moment
// of acceptance, when the word says queued already and the submitter fills the rest.
type Task struct {
	state    atomic.Uint64 // a word
	body     Body
	extra    *extra // nil: nothing in it
	enqueued int64  // when the task was accepted, or its next attempt is due; engine time
	due      int64  // when its timeout is over, engine time; 0: never
}

// extra has the fields that few tasks need. It fills a cache line.
type extra struct {
	id, key  string
	headers  map[string]string
	sender   *actor.PID
	priority int
	special  *special // nil: nothing in it
}

// special has the fields that hardly any task needs.
type special struct {
	pinned     bool          // only its worker may run it
	copied     bool          // it is a copy of another in a race, and not in the ledger
	idempotent bool          // it may run more than once
	timeout    time.Duration // of a task that has waited for room; 0: see Task.timeout
	past       *history      // nil: the first attempt
}

// Init makes t a fresh task. t is new, or its maker reuses it.
func (t *Task) Init(body Body) {
	t.body = body
	t.state.Store(0)
}

// Body returns what Init has set.
func (t *Task) Body() Body { return t.body }

func (t *Task) load() word { return word(t.state.Load()) }

func (t *Task) swap(from, to word) bool { return t.state.CompareAndSwap(uint64(from), uint64(to)) }

// describe copies the description s into a fresh task.
func (t *Task) describe(s *Spec) {
	if !s.rare() {
		return
	}
	x := t.makeExtra()
	x.id, x.key, x.headers, x.priority, x.sender = s.ID, s.Key, s.Headers, s.Priority, s.Sender
	if s.Idempotent {
		t.makeSpecial().idempotent = true
	}
}

// Sender returns the actor that gets a Result, as given in the Spec, or nil.
func (t *Task) Sender() *actor.PID {
	if t.extra == nil {
		return nil
	}
	return t.extra.sender
}

// forgetSender drops the sender of a settled task, which may still lie in a queue.
func (t *Task) forgetSender() {
	if t.extra != nil {
		t.extra.sender = nil
	}
}

func (t *Task) makeExtra() *extra {
	if t.extra == nil {
		t.extra = new(extra)
	}
	return t.extra
}

// timeout returns how long the task may live. The task must have a deadline.
func (t *Task) timeout() time.Duration {
	accepted := t.enqueued
	if x := t.special(); x != nil {
		if x.timeout > 0 {
			return x.timeout
		}
		if x.past != nil {
			accepted = x.past.accepted
		}
	}
	return time.Duration(t.due - accepted)
}

// Clear resets a task that nobody uses any more, so that it keeps no work alive.
func (t *Task) Clear() {
	t.due = 0
	if t.extra != nil {
		*t.extra = extra{}
	}
}

// Outcome returns how the task was settled, or 0.
func (t *Task) Outcome() messages.Outcome { return t.load().status().outcome() }

func (t *Task) priority() int {
	if t.extra == nil {
		return 0
	}
	return t.extra.priority
}

// special returns what hardly any task has, or nil.
func (t *Task) special() *special {
	if t.extra == nil {
		return nil
	}
	return t.extra.special
}

func (t *Task) makeSpecial() *special {
	x := t.makeExtra()
	if x.special == nil {
		x.special = new(special)
	}
	return x.special
}

func (t *Task) idempotent() bool {
	x := t.special()
	return x != nil && x.idempotent
}

// copied reports whether t is a copy of another task in a race, which is not in the ledger.
func (t *Task) copied() bool {
	x := t.special()
	return x != nil && x.copied
}

func (t *Task) pinned() bool {
	x := t.special()
	return x != nil && x.pinned
}

// past returns the history of the earlier attempts, nil during the first attempt.
func (t *Task) past() *history {
	if x := t.special(); x != nil {
		return x.past
	}
	return nil
}

// attempts returns the number of the current or next attempt, from 1.
func (t *Task) attempts() int {
	if past := t.past(); past != nil {
		return past.attempts + 1
	}
	return 1
}

func (t *Task) key() string {
	if t.extra == nil {
		return ""
	}
	return t.extra.key
}

// givenID returns the ID that the submitter gave, or "".
func (t *Task) givenID() string {
	if t.extra == nil {
		return ""
	}
	return t.extra.id
}

// id returns the task's ID or, if it has none, its number.
func (t *Task) id() string { return t.ID(nil) }

// ID returns the ID of an accepted task or, if it has none, its number, which numbers
// writes. A nil numbers makes a string of its own.
func (t *Task) ID(numbers *Numerals) string {
	if id := t.givenID(); id != "" {
		return id
	}
	number := t.load().sequence()
	if numbers != nil {
		return numbers.Of(number)
	}
	return strconv.FormatUint(number, 10)
}

// disown drops the owner of a task that TasksOf does not look at any more: the task is
// settled, and was so before its queue was unlocked, or the queue is locked.
func (t *Task) disown() {
	if t.load()&(flagOwned|flagAnswered) == flagOwned|flagAnswered {
		t.body.Disowned()
	}
}

// Name returns the ID that the submitter of an accepted task gave or, if there is none, the
// task's number.
func (t *Task) Name() (id string, number uint64) {
	if id = t.givenID(); id != "" {
		return id, 0
	}
	return "", t.load().sequence()
}

// Told reports whether the body of an accepted task is told the outcome.
func (t *Task) Told() bool { return t.load()&flagAnswered != 0 }

// Headers returns the headers of an accepted task, which must not be changed.
func (t *Task) Headers() map[string]string {
	if t.extra == nil {
		return nil
	}
	return t.extra.headers
}

// view returns the task as its submitter described it.
func (t *Task) view() router.TaskView {
	v := router.TaskView{Priority: t.priority()}
	if x := t.extra; x != nil {
		v.ID, v.Key, v.Headers = x.id, x.key, x.headers
	}
	return v
}

// caller returns the context whose values reach the handler.
func (t *Task) caller() context.Context {
	if caller := t.body.Caller(); caller != nil {
		return caller
	}
	return context.Background()
}

// isQueued reports whether t has been neither started nor settled.
func isQueued(t *Task) bool { return t.load().status() == queued }
