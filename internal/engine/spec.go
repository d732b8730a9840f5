package engine

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/router"
)

// Mode says what a submitter can do when its queue has no room.
type Mode int8

// The modes.
const (
	MayWait  Mode = iota // it can wait, or run the task itself
	NoWait               // it can do neither
	RoomOnly             // and neither its task nor another may be dropped
)

// A Spec describes a task to be submitted.
type Spec struct {
	ID, Key    string
	Headers    map[string]string
	Priority   int
	Timeout    time.Duration // of the task's whole life; 0: no limit
	Bound      bool          // the end of the body's Caller is also the end of the task
	Mode       Mode
	Sender     *actor.PID // gets a Result; nil: nobody
	InBody     bool       // the body has the sender
	Told       bool       // Settled of the body is called even though the task has no sender
	Exact      bool       // what Body.Exact says
	Idempotent bool       // the task may run more than once

	to target // where the task goes; set by the engine
}

// flags returns the flags of the task's word.
func (s *Spec) flags() (flags word) {
	if s.Bound {
		flags |= flagBound
	}
	if s.Sender != nil || s.Told {
		flags |= flagAnswered
	}
	return flags
}

// rare reports whether the task needs an extra.
func (s *Spec) rare() bool {
	return s.Priority != 0 || s.Key != "" || s.ID != "" || s.Headers != nil || s.Idempotent || s.Sender != nil && !s.InBody
}

func (s *Spec) view() router.TaskView {
	return router.TaskView{ID: s.ID, Key: s.Key, Priority: s.Priority, Headers: s.Headers}
}
