package engine

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/messages"
)

// journals holds the journals that record the ends of attempts and tasks.
type journals struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*journal.Journal] // immutable; nil: none; written under mu

	followed atomic.Bool // a journal has a follower; written under mu
}

// on reports whether anything is recorded.
func (j *journals) on() bool { return j.list.Load() != nil }

// change adds a journal to the list, or removes it.
func (j *journals) change(one *journal.Journal, attach bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []*journal.Journal
	if old := j.list.Load(); old != nil {
		list = slices.DeleteFunc(slices.Clone(*old), func(other *journal.Journal) bool { return other == one })
	}
	if attach {
		list = append(list, one)
	}
	j.followed.Store(slices.ContainsFunc(list, func(one *journal.Journal) bool { return one.Follower() != nil }))
	if len(list) == 0 {
		j.list.Store(nil)
		return
	}
	j.list.Store(&list)
}

// accepted tells the followers of a task that has just been accepted. The lock of the task's
// queue must be held, so that no worker has begun the task.
func (j *journals) accepted(t *Task, at time.Time) {
	list := j.list.Load()
	if list == nil {
		return
	}
	a := journal.Acceptance{
		ID: t.givenID(), Seq: int64(t.load().sequence()), Key: t.key(), Priority: t.priority(), Payload: t.body.Payload(), At: at,
	}
	for _, one := range *list {
		if f := one.Follower(); f != nil {
			f.Accepted(a)
		}
	}
}

// record enters the attempt that a worker's handler has just ended. When the journals have
// no room for more successes in this second, only the first success of each batch is
// entered. foreign says that a foreign actor may still be working on the payload.
func (j *journals) record(r *runner, first, foreign bool, t *Task, s *Settlement, retry *retryPlan) {
	list := j.list.Load()
	if first {
		r.flooded = false
	}
	if list == nil || s.Outcome == messages.Succeeded && !first && r.flooded {
		return
	}
	entry := s.entry(retry, s.base.now())
	entry.Bound = r.untimed > 1 // else the task was timed by itself
	body := t.body
	if foreign {
		body = nil
	}
	r.flooded = !enter(*list, entry, body)
}

// note returns a function that enters a task settled in another way, or nil if there are no
// journals. The entry leaves out the payload while a handler still uses it. note may be
// called under locks; the function must not be.
func (j *journals) note(t *Task, s *Settlement, retry *retryPlan) func() {
	list := j.list.Load()
	if list == nil {
		return nil
	}
	entry := s.entry(retry, s.Ended)
	body := t.body
	if s.foreign || s.Started > 0 && t.load().status() >= cutTimedOut {
		body = nil
	}
	return func() { enter(*list, entry, body) }
}

// entry describes the end of an attempt or a task at the time now.
func (s *Settlement) entry(retry *retryPlan, now int64) journal.Entry {
	t := s.task
	entry := journal.Entry{
		Seq: int64(t.load().sequence()), Priority: t.priority(), Outcome: s.Outcome, Err: s.Err, At: s.base.timeOf(now),
	}
	if retry != nil {
		entry.Again, entry.Delay = true, retry.delay
	}
	if x := t.extra; x != nil {
		entry.ID, entry.Key = x.id, x.key
	}
	if past := t.past(); past != nil {
		entry.Attempts, entry.Worker = past.attempts, past.worker
	}
	if s.Started == 0 {
		entry.Wait = time.Duration(max(now-t.enqueued, 0)) // 0: its next attempt was not due
		return entry
	}
	entry.Attempts++
	entry.Worker = s.Worker
	entry.Wait, entry.Run = time.Duration(s.Started-t.enqueued), time.Duration(now-s.Started)
	return entry
}

// enter records the entry in all journals that want it, and reports whether one of them has
// room for more. body is nil if the payload must not be read.
func enter(list []*journal.Journal, entry journal.Entry, body Body) (more bool) {
	for _, j := range list {
		if !j.Wants(entry.Outcome) {
			continue
		}
		entry.Payload = ""
		if format := j.Formatter(); body != nil && format != nil {
			entry.Payload = format(body.Payload())
		}
		more = j.Record(entry) || more
	}
	return more
}
