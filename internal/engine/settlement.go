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
	foreign bool // a foreign actor may still be working on the payload
	sender  *actor.PID
	owner   any       // likewise, for a task that is Told
	payload any       // likewise
	reply   reply     // what the worker has told the sender
	numbers *Numerals // for the ID of a task that has none; nil: the settling goroutine has no numerals

	Outcome messages.Outcome
	Err     error  // nil if and only if the task has succeeded
	Value   any    // what Context.Keep was given
	Worker  string // the ID of the worker that made the last attempt; empty: none
	Started int64  // start of the last attempt, engine time; 0: the task was not running
	Ended   int64
}

// Owner returns what Body.Owner of the task returned when the task was settled.
func (s *Settlement) Owner() any {
	if s.outside {
		return s.owner
	}
	return s.task.body.Owner()
}

// Outside reports whether the task was settled from outside. Then the body may be cleared
// already, and payload is what it had.
func (s *Settlement) Outside() (payload any, outside bool) { return s.payload, s.outside }

// Tell sends the sender of a user actor's task what it has not been told: the withheld answer, or
// the failure. It sends nothing if the task has succeeded or the worker has answered.
func (s *Settlement) Tell() {
	switch {
	case s.Err == nil || s.reply.given || s.answeredBefore():
	case s.Outcome == messages.Failed && s.reply.withheld != nil:
		if sender := s.sendee(); sender != nil {
			s.base.deliver.Tell(sender, s.reply.withheld)
		}
	default:
		s.Answer()
	}
}

// answeredBefore reports whether the worker of an earlier attempt has answered the sender.
func (s *Settlement) answeredBefore() bool {
	past := s.task.past()
	return past != nil && past.answered
}

// sendee returns the sender of the task, or nil.
func (s *Settlement) sendee() *actor.PID {
	if s.outside {
		return s.sender
	}
	return s.task.body.Sender()
}

// An answer is a Result with its envelope, in one allocation.
type answer struct {
	result   messages.Result
	envelope actor.MessageEnvelope
}

// Answer sends the result to the task's sender, if it has one.
func (s *Settlement) Answer() {
	t, b := s.task, s.base
	sender := s.sendee()
	if sender == nil {
		return
	}
	var account Account
	s.Account(&account)
	a := &answer{result: messages.Result{
		TaskID: t.ID(s.numbers), Value: s.Value, Err: s.Err, Outcome: s.Outcome, Pool: b.name, Headers: t.Headers(),
		Worker: account.Worker, Attempts: account.Attempts, Wait: account.Wait, Run: account.Run,
	}}
	a.envelope.Message, a.envelope.Sender = &a.result, b.self
	b.deliver.Tell(sender, &a.envelope)
}

// An Account says who made the attempts of a settled task and how long they took. Its
// fields are those of a messages.Result.
type Account struct {
	Worker    string
	Attempts  int
	Wait, Run time.Duration
}

// Account fills in the account of the task, which must be empty. Its times are exact only if
// the task has a sender or its body says Exact.
func (s *Settlement) Account(a *Account) {
	t := s.task
	a.Worker = s.Worker
	accepted, ran := t.enqueued, int64(0)
	if past := t.past(); past != nil {
		a.Attempts = past.attempts
		accepted, ran = past.accepted, past.ran
		if s.Started == 0 {
			a.Worker = past.worker
		}
	}
	if s.Started > 0 {
		a.Attempts++
		ran += s.Ended - s.Started
	}
	a.Run = time.Duration(ran)
	a.Wait = time.Duration(s.Ended - accepted - ran)
}
