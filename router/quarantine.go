package router

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Quarantine says which tasks a pool gives up for good. They are settled as
// Quarantined, published with a messages.TaskQuarantined event, and kept in a list
// from which they can be submitted again.
type Quarantine struct {
	// Crashes is how many panics of its handler a task may cause: the last of them is
	// its end. A task crashes more than once if Retry.Panics has it tried again. 0 means
	// that crashes are no reason.
	Crashes int
	// Exhausted says that tasks are given up too that have failed or panicked at the
	// last attempt that the retry policy grants them.
	Exhausted bool
	// Keep is how many tasks are kept, 0 meaning 1000. Beyond that the oldest is
	// forgotten, with a warning in the log.
	Keep int
}

// defaultKeep is the default of Quarantine.Keep.
const defaultKeep = 1000

// Validate returns an error that wraps [messages.ErrInvalidOption] if no task could
// come into quarantine as it says, under the given retry policy.
func (q Quarantine) Validate(retry Retry) error {
	possible := 1
	if retry.Panics {
		possible = retry.Attempts
	}
	switch {
	case q.Crashes < 0, q.Crashes == 0 && !q.Exhausted:
		return invalid.Option("quarantine after %d crashes < 1", q.Crashes)
	case q.Crashes > possible && !q.Exhausted:
		return invalid.Option("quarantine after %d crashes: by the retry policy (Attempts, Panics) a task crashes %d times at most", q.Crashes, possible)
	case q.Exhausted && retry.Attempts == 0:
		return invalid.Option("quarantine of exhausted tasks: there is no retry policy")
	case q.Keep < 0:
		return invalid.Option("quarantine keeps %d tasks < 0", q.Keep)
	}
	return nil
}

// quarantine is the list of the tasks given up.
type quarantine struct {
	mu     sync.Mutex
	number int64          // guarded by mu; of the last one that came in
	list   []*quarantined // guarded by mu; oldest first, numbers ascending; Keep at most
}

// quarantined is one of them, with a cell that is ready to be submitted.
type quarantined struct {
	messages.QuarantinedTask
	cell      *Cell
	displaced int64 // the number of the task that was forgotten for it; 0: none
	leaving   bool  // guarded by quarantine.mu; it is being submitted again
}

// quarantines reports whether a task is given up whose attempt ended so.
func (r *Router) quarantines(c *Cell, outcome messages.Outcome, exhausted bool) bool {
	q := &r.cfg.Quarantine
	if q.Crashes > 0 && outcome == messages.Panicked {
		crashes := 1
		if past := c.past(); past != nil {
			crashes += len(past.panics)
		}
		if crashes >= q.Crashes {
			return true
		}
	}
	return q.Exhausted && exhausted
}

// quarantinedError is what a task ends with that is given up. Its text is made when
// asked for: the error in it may be the user's.
type quarantinedError struct{ last error }

func (e *quarantinedError) Error() string {
	return messages.ErrQuarantined.Error() + ": " + e.last.Error()
}
func (e *quarantinedError) Unwrap() []error { return []error{messages.ErrQuarantined, e.last} }

// newQuarantined describes the task in hand, which is to be given up for err.
func (r *Router) newQuarantined(c *Cell, h *hold, err error) *quarantined {
	entry := &quarantined{QuarantinedTask: messages.QuarantinedTask{
		Task:     messages.Task{ID: c.id(), Payload: c.body.Payload(), Priority: c.priority()},
		Attempts: c.attempts(),
		Err:      err,
		At:       r.timeOf(r.now()),
	}, cell: c.body.Again(r)}
	entry.cell.SetPriority(c.priority())
	entry.cell.SetCaller(c.caller, false)
	if attrs := c.attrs(); attrs != nil {
		entry.Task.Key, entry.Task.Headers = attrs.Key, attrs.Headers
		*entry.cell.Attrs() = *attrs
	}
	if c.rare != nil {
		entry.Task.Timeout = c.rare.timeout
		entry.cell.SetTimeout(c.rare.timeout)
	}
	if past := c.past(); past != nil {
		entry.Panics = past.panics
	}
	if crash := h.attempt.crash; crash != nil {
		entry.Panics = append(slices.Clip(entry.Panics), crash)
	}
	if c.worker != nil {
		entry.Worker = c.worker.id
	}
	return entry
}

// addQuarantined lists a task that has just got its outcome, before anybody is told.
func (r *Router) addQuarantined(entry *quarantined) {
	q := &r.quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	q.number++
	entry.Number = q.number
	q.list = append(q.list, entry)
	if len(q.list) > cmp.Or(r.cfg.Quarantine.Keep, defaultKeep) {
		if i := slices.IndexFunc(q.list, func(e *quarantined) bool { return !e.leaving }); i >= 0 {
			entry.displaced = q.list[i].Number
			q.list = slices.Delete(q.list, i, i+1)
		}
	}
}

// announce says that a task has been given up, when its waiter knows.
func (r *Router) announce(entry *quarantined) {
	if entry.Number == 0 {
		return // others were first to settle it
	}
	r.notify(&messages.TaskQuarantined{Pool: r.cfg.Name, QuarantinedTask: entry.QuarantinedTask})
	if entry.displaced != 0 {
		r.warn("quarantine full, oldest task forgotten", "number", entry.displaced)
	}
}

// Quarantined lists the tasks that have been given up, the oldest first.
func (r *Router) Quarantined() []messages.QuarantinedTask {
	q := &r.quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	tasks := make([]messages.QuarantinedTask, len(q.list))
	for i, entry := range q.list {
		tasks[i] = entry.QuarantinedTask
	}
	return tasks
}

// inQuarantine is how many there are.
func (r *Router) inQuarantine() int {
	r.quarantine.mu.Lock()
	defer r.quarantine.mu.Unlock()
	return len(r.quarantine.list)
}

// Requeue submits quarantined tasks again and returns how many it has submitted. At
// the first that cannot be accepted it stops and says why: that one and those after
// it stay where they are. No task is dropped for one of them.
func (r *Router) Requeue(numbers []int64) (int, error) {
	for i, number := range numbers {
		entry := r.quarantine.claim(number)
		if entry == nil {
			return i, fmt.Errorf("%w: number %d", messages.ErrNotQuarantined, number)
		}
		if err := r.requeue(entry); err != nil {
			return i, fmt.Errorf("requeue of number %d: %w", number, err)
		}
	}
	return len(numbers), nil
}

func (r *Router) requeue(entry *quarantined) error {
	accepted := false
	if x := entry.cell.rare; x != nil {
		x.dueAt = 0 // its time has not begun, whatever an attempt that found no room has said
	}
	defer func() { r.quarantine.unclaim(entry, accepted) }() // a custom dispatch may end this goroutine
	err := r.Submit(context.Background(), entry.cell, RoomOnly)
	accepted = err == nil
	return err
}

// claim marks a task as leaving; it returns nil if there is none to be had.
func (q *quarantine) claim(number int64) *quarantined {
	q.mu.Lock()
	defer q.mu.Unlock()
	i, found := slices.BinarySearchFunc(q.list, number, func(e *quarantined, n int64) int { return cmp.Compare(e.Number, n) })
	if !found || q.list[i].leaving {
		return nil
	}
	q.list[i].leaving = true
	return q.list[i]
}

// unclaim has a task leave, or stay after all.
func (q *quarantine) unclaim(entry *quarantined, leaves bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	entry.leaving = false
	if leaves {
		q.list = slices.DeleteFunc(q.list, func(e *quarantined) bool { return e == entry })
	}
}

// DeleteQuarantined forgets quarantined tasks and returns how many it has forgotten.
func (r *Router) DeleteQuarantined(numbers []int64) int {
	unwanted := make(map[int64]bool, len(numbers))
	for _, number := range numbers {
		unwanted[number] = true
	}
	q := &r.quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.list)
	q.list = slices.DeleteFunc(q.list, func(entry *quarantined) bool { return !entry.leaving && unwanted[entry.Number] })
	return before - len(q.list)
}
