package journal

import (
	"strconv"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// An Entry says how an attempt at a task ended, or how the task ended that no worker
// had in hand. It is never changed once it has been recorded.
type Entry struct {
	Number int64 // in its journal, ascending in the order of recording; 0: not recorded yet

	ID       string // what the submitter named the task; empty: see TaskID
	Seq      int64  // the pool's number of the task
	Key      string
	Priority int
	Payload  string // as the journal's formatter puts it; empty if there is none

	Worker   string // the ID of the worker that had the task last; empty if none had
	Attempts int    // begun so far
	Outcome  messages.Outcome
	Again    bool          // the task is to be retried: it has no outcome yet
	Delay    time.Duration // before that
	Err      error         // nil if and only if Outcome is Succeeded

	At   time.Time     // when the attempt, or the task, ended
	Wait time.Duration // until the attempt began, or until the end of a task that was not begun
	Run  time.Duration // of the attempt
	// Bound says that Run is no more than an upper bound: the task was one of a batch of
	// short ones, which are not timed one by one.
	Bound bool
}

// An Acceptance says that a task was accepted.
type Acceptance struct {
	ID       string // what the submitter named the task; empty: it has only its number
	Seq      int64  // the pool's number of the task
	Key      string
	Priority int
	Payload  any
	At       time.Time
}

// TaskID is the task's ID or, if it has none, its number.
func (e *Entry) TaskID() string {
	if e.ID != "" {
		return e.ID
	}
	return strconv.FormatInt(e.Seq, 10)
}
