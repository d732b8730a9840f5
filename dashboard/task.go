package dashboard

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// taskJSON is an attempt, or a task that was never begun. Times are in seconds.
type taskJSON struct {
	Number   int64   `json:"number"`
	ID       string  `json:"id"`
	Key      string  `json:"key"`
	Priority int     `json:"priority"`
	Payload  string  `json:"payload"`
	Worker   string  `json:"worker"`
	Attempts int     `json:"attempts"`
	Outcome  string  `json:"outcome"`
	Again    bool    `json:"again"`
	Delay    float64 `json:"delay"`
	Error    string  `json:"error"`
	Stack    string  `json:"stack"`
	At       int64   `json:"at"` // milliseconds since 1970
	Wait     float64 `json:"wait"`
	Run      float64 `json:"run"`
	Bound    bool    `json:"bound"` // Run is an upper bound
}

func newTaskJSON(e *journal.Entry) taskJSON {
	j := taskJSON{
		Number: e.Number, ID: e.TaskID(), Key: e.Key, Priority: e.Priority, Payload: e.Payload,
		Attempts: e.Attempts, Outcome: e.Outcome.String(), Again: e.Again, Delay: e.Delay.Seconds(),
		At: e.At.UnixMilli(), Wait: e.Wait.Seconds(), Run: e.Run.Seconds(), Bound: e.Bound,
	}
	if e.Worker != "" {
		j.Worker = shortID(e.Worker)
	}
	j.Error, j.Stack = describe(e.Err)
	return j
}

// quarantinedJSON is a task in quarantine.
type quarantinedJSON struct {
	Number   int64    `json:"number"`
	ID       string   `json:"id"`
	Key      string   `json:"key"`
	Priority int      `json:"priority"`
	Payload  string   `json:"payload"`
	Worker   string   `json:"worker"`
	Attempts int      `json:"attempts"`
	Error    string   `json:"error"`
	Stacks   []string `json:"stacks"` // of each panic, the oldest first
	At       int64    `json:"at"`     // milliseconds since 1970
}

func (d *Dashboard) newQuarantinedJSON(q *messages.QuarantinedTask) quarantinedJSON {
	j := quarantinedJSON{
		Number: q.Number, ID: q.Task.ID, Key: q.Task.Key, Priority: q.Task.Priority,
		Attempts: q.Attempts, At: q.At.UnixMilli(), Stacks: []string{},
	}
	if q.Worker != "" {
		j.Worker = shortID(q.Worker)
	}
	if d.payload != nil {
		j.Payload = d.payload(q.Task.Payload)
	}
	j.Error, _ = describe(q.Err)
	for _, p := range q.Panics {
		j.Stacks = append(j.Stacks, string(p.Stack))
	}
	return j
}

// maxError is how many bytes of an error's text, or of a stack that it brings, are shown.
const maxError = 16 << 10

// describe puts an error into words. Its methods are the user's: they may panic, or end
// their goroutine.
func describe(err error) (text, stack string) {
	if err == nil {
		return "", ""
	}
	said, failed := guard.Try(func() [2]string {
		text, stack := words(err)
		return [2]string{text, stack}
	})
	if failed != nil {
		return fmt.Sprintf("%T, whose text cannot be read", err), ""
	}
	return said[0], said[1]
}

func words(err error) (text, stack string) {
	text = err.Error()
	if crash, ok := errors.AsType[*messages.PanicError](err); ok {
		return journal.Clip(text, maxError), string(crash.Stack)
	}
	// By a common custom, an error that knows where it was made says so on many lines.
	if long := fmt.Sprintf("%+v", err); long != text && strings.Contains(long, "\n") {
		stack = journal.Clip(long, maxError)
	}
	return journal.Clip(text, maxError), stack
}
