package troupetest

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// A record has every task of a pool. The engine calls it under locks.
type record struct {
	mu       sync.Mutex
	accepted []*taskRecord         // guarded by mu; in the order of acceptance
	settled  []*taskRecord         // guarded by mu; in the order of settlement
	byNumber map[int64]*taskRecord // guarded by mu
	faults   []string              // guarded by mu; what must never happen
	changed  chan struct{}         // guarded by mu; closed when a task is settled; nil: nobody waits
	complete bool                  // guarded by mu; the pool was followed before it had tasks
}

// A taskRecord is one task. The lock of the record guards it.
type taskRecord struct {
	journal.Acceptance
	attempts []numberedAttempt
	end      journal.Entry // its Outcome is 0 until the task is settled
}

// A numberedAttempt is an attempt with its number, from 1.
type numberedAttempt struct {
	number int
	Attempt
}

var _ journal.Follower = (*record)(nil)

func newRecord() *record { return &record{byNumber: make(map[int64]*taskRecord)} }

// Accepted implements journal.Follower.
func (r *record) Accepted(a journal.Acceptance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &taskRecord{Acceptance: a}
	if r.byNumber[a.Seq] != nil {
		r.faults = append(r.faults, "two tasks were accepted with the number "+strconv.FormatInt(a.Seq, 10))
	}
	r.byNumber[a.Seq] = t
	r.accepted = append(r.accepted, t)
}

// Ended implements journal.Follower.
func (r *record) Ended(e journal.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.byNumber[e.Seq]
	if t == nil {
		if r.complete {
			r.faults = append(r.faults, "task "+e.TaskID()+" was "+e.Outcome.String()+", but it was never accepted")
		}
		return // it was accepted before the recorder followed the pool
	}
	t.attempted(e)
	if e.Again {
		return
	}
	if t.end.Outcome != 0 {
		r.faults = append(r.faults, "task "+t.id()+" was settled twice: "+t.end.Outcome.String()+" and "+e.Outcome.String())
		return
	}
	t.end = e
	r.settled = append(r.settled, t)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// attempted adds the attempt that an entry describes, unless the task has that attempt
// already or was settled before its first.
func (t *taskRecord) attempted(e journal.Entry) {
	if e.Attempts == 0 || slices.ContainsFunc(t.attempts, func(a numberedAttempt) bool { return a.number == e.Attempts }) {
		return
	}
	t.attempts = append(t.attempts, numberedAttempt{e.Attempts, Attempt{
		Worker: e.Worker, Outcome: e.Outcome, Err: e.Err, Wait: e.Wait, Run: e.Run, Ended: e.At,
	}})
	// An attempt that was cut short may be noted after the next event of its task.
	slices.SortFunc(t.attempts, func(a, b numberedAttempt) int { return cmp.Compare(a.number, b.number) })
}

// id returns the task's ID or, if it has none, its number.
func (t *taskRecord) id() string { return cmp.Or(t.ID, strconv.FormatInt(t.Seq, 10)) }

// noticeComplete says that every task of the pool will be recorded.
func (r *record) noticeComplete() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete = true
}

// change returns a channel that is closed when the next task is settled, and how many tasks
// have been settled and accepted.
func (r *record) change() (changed <-chan struct{}, settled, accepted int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed, len(r.settled), len(r.accepted)
}

// unsettled returns the IDs of the tasks that are not settled, in the order of acceptance.
func (r *record) unsettled() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.accepted {
		if t.end.Outcome == 0 {
			ids = append(ids, t.id())
		}
	}
	return ids
}

// outcomes counts the settled tasks.
func (r *record) outcomes() map[messages.Outcome]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[messages.Outcome]int)
	for _, t := range r.settled {
		counts[t.end.Outcome]++
	}
	return counts
}

// copyOf returns a task for the user. The lock of the record must be held.
func copyOf[In any](t *taskRecord) Task[In] {
	in, _ := t.Payload.(In) // a nil for an interface stays nil
	task := Task[In]{
		ID: t.id(), In: in, Key: t.Key, Priority: t.Priority, Accepted: t.At,
		Outcome: t.end.Outcome, Err: t.end.Err, Worker: t.end.Worker, Settled: t.end.At,
		Attempts: make([]Attempt, len(t.attempts)),
	}
	for i, a := range t.attempts {
		task.Attempts[i] = a.Attempt
	}
	if last := len(t.attempts) - 1; task.Worker == "" && last >= 0 {
		task.Worker = t.attempts[last].Worker
	}
	return task
}

// copies returns tasks for the user.
func copies[In any](r *record, list func(*record) []*taskRecord) []Task[In] {
	r.mu.Lock()
	defer r.mu.Unlock()
	tasks := []Task[In]{}
	for _, t := range list(r) {
		tasks = append(tasks, copyOf[In](t))
	}
	return tasks
}
