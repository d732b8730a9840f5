package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/troupe-go/troupe/messages"
)

// defaultKeep is the default of router.Quarantine.Keep.
const defaultKeep = 1000

// quarantine is the list of the tasks given up for good.
type quarantine struct {
	mu     sync.Mutex
	number int64          // guarded by mu; of the last one that came in
	list   []*quarantined // guarded by mu; oldest first, numbers ascending; Keep at most
}

// quarantined is one of them, with a task that is ready to be submitted.
type quarantined struct {
	messages.QuarantinedTask
	copy      *Task
	spec      Spec
	displaced int64 // the number of the task that was forgotten for it; 0: none
	leaving   bool  // guarded by quarantine.mu; it is being submitted
}

// quarantines reports whether a task is given up whose attempt ended so.
func (e *Engine) quarantines(t *Task, outcome messages.Outcome, exhausted bool) bool {
	q := &e.cfg.Quarantine
	if q.Crashes > 0 && outcome == messages.Panicked {
		crashes := 1
		if past := t.past(); past != nil {
			crashes += len(past.panics)
		}
		if crashes >= q.Crashes {
			return true
		}
	}
	return q.Exhausted && exhausted
}

// quarantinedError is the error of a quarantined task. Its text is made when asked for,
// since the error in it may be the user's.
type quarantinedError struct{ last error }

func (e *quarantinedError) Error() string {
	return messages.ErrQuarantined.Error() + ": " + e.last.Error()
}
func (e *quarantinedError) Unwrap() []error { return []error{messages.ErrQuarantined, e.last} }

// newQuarantined describes the task in hand, which is given up for err.
func (e *Engine) newQuarantined(t *Task, h *hand, err error) *quarantined {
	v := t.view()
	entry := &quarantined{QuarantinedTask: messages.QuarantinedTask{
		Task:     messages.Task{ID: t.id(), Payload: t.body.Payload(), Priority: v.Priority, Key: v.Key, Headers: v.Headers},
		Attempts: t.attempts(),
		Err:      err,
		At:       e.timeOf(e.now()),
	}, copy: t.body.Copy()}
	if t.due > 0 {
		entry.Task.Timeout = t.timeout()
	}
	entry.spec = Spec{
		ID: v.ID, Key: v.Key, Headers: v.Headers, Priority: v.Priority, Timeout: entry.Task.Timeout,
		Caller: t.caller, Mode: RoomOnly,
	}
	if past := t.past(); past != nil {
		entry.Panics = past.panics
	}
	if crash := h.attempt.crash; crash != nil {
		entry.Panics = append(slices.Clip(entry.Panics), crash)
	}
	if w := h.ctx.worker; w != nil {
		entry.Worker = w.id
	}
	return entry
}

// addQuarantined lists a task that has just been settled, before anybody is told.
func (e *Engine) addQuarantined(entry *quarantined) {
	q := &e.quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	q.number++
	entry.Number = q.number
	q.list = append(q.list, entry)
	if len(q.list) > cmp.Or(e.cfg.Quarantine.Keep, defaultKeep) {
		if i := slices.IndexFunc(q.list, func(e *quarantined) bool { return !e.leaving }); i >= 0 {
			entry.displaced = q.list[i].Number
			q.list = slices.Delete(q.list, i, i+1)
		}
	}
}

// announce says that a task was quarantined, when its waiter knows.
func (e *Engine) announce(entry *quarantined) {
	if entry.Number == 0 {
		return // others were first to settle it
	}
	e.notify(&messages.TaskQuarantined{Pool: e.cfg.Name, QuarantinedTask: entry.QuarantinedTask})
	if entry.displaced != 0 {
		e.warn("quarantine full, oldest task forgotten", "number", entry.displaced)
	}
}

// Quarantined lists the quarantined tasks, the oldest first.
func (e *Engine) Quarantined() []messages.QuarantinedTask {
	q := &e.quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	tasks := make([]messages.QuarantinedTask, len(q.list))
	for i, entry := range q.list {
		tasks[i] = entry.QuarantinedTask
	}
	return tasks
}

// length is the number of tasks in the list.
func (q *quarantine) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// Requeue submits quarantined tasks and returns how many it has submitted. At the first
// that cannot be accepted it stops and says why: that one and those after it stay where
// they are. No task is dropped for one of them.
func (e *Engine) Requeue(numbers []int64) (int, error) {
	for i, number := range numbers {
		entry := e.quarantine.claim(number)
		if entry == nil {
			return i, fmt.Errorf("%w: number %d", messages.ErrNotQuarantined, number)
		}
		if err := e.requeue(entry); err != nil {
			return i, fmt.Errorf("requeue of number %d: %w", number, err)
		}
	}
	return len(numbers), nil
}

func (e *Engine) requeue(entry *quarantined) error {
	accepted := false
	defer func() { e.quarantine.unclaim(entry, accepted) }() // a custom dispatch may end this goroutine
	spec := entry.spec
	err := e.Submit(context.Background(), entry.copy, &spec)
	accepted = err == nil
	return err
}

// claim marks a task as leaving; it returns nil if it is not to be had.
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
func (e *Engine) DeleteQuarantined(numbers []int64) int {
	unwanted := make(map[int64]bool, len(numbers))
	for _, number := range numbers {
		unwanted[number] = true
	}
	q := &e.quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.list)
	q.list = slices.DeleteFunc(q.list, func(entry *quarantined) bool { return !entry.leaving && unwanted[entry.Number] })
	return before - len(q.list)
}
