package engine

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// A Settlement tells a task's body how the task was settled. It is valid only during
// Body.Settled.
type Settlement struct {
	base *base
	task *Task
	// outside says that the task was settled from outside. Its worker may be clearing the
	// body meanwhile, so sender has the sender.
	outside bool
	sender  *actor.PID
	numbers *numerals // for the ID of a task that has none; nil: the settling goroutine has no numerals

	Outcome messages.Outcome
	Err     error  // nil if and only if the task has succeeded
	Value   any    // what Context.Keep was given
	Worker  string // the ID of the worker that made the last attempt; empty: none
	Started int64  // start of the last attempt, engine time; 0: the task was not running
	Ended   int64
}

// id returns the task's ID or, if it has none, its number.
func (s *Settlement) id() string {
	if s.numbers == nil || s.task.givenID() != "" {
		return s.task.id()
	}
	return s.numbers.of(s.task.load().sequence())
}

// An answer is a Result with its envelope, in one allocation.
type answer struct {
	result   messages.Result
	envelope actor.MessageEnvelope
}

// Answer sends the result to the task's sender, if it has one.
func (s *Settlement) Answer() {
	t, b := s.task, s.base
	sender := s.sender
	if !s.outside {
		sender = t.body.Sender()
	}
	if sender == nil {
		return
	}
	a := &answer{result: messages.Result{
		TaskID: s.id(), Value: s.Value, Err: s.Err, Outcome: s.Outcome, Worker: s.Worker, Pool: b.name,
	}}
	r := &a.result
	accepted, ran := t.enqueued, int64(0)
	if x := t.extra; x != nil {
		r.Headers = x.headers
	}
	if past := t.past(); past != nil {
		r.Attempts = past.attempts
		accepted, ran = past.accepted, past.ran
		if s.Started == 0 {
			r.Worker = past.worker
		}
	}
	if s.Started > 0 {
		r.Attempts++
		ran += s.Ended - s.Started
	}
	r.Run = time.Duration(ran)
	r.Wait = time.Duration(s.Ended - accepted - ran)
	a.envelope.Message, a.envelope.Sender = r, b.self
	b.deliver.Tell(sender, &a.envelope)
}
