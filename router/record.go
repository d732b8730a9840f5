package router

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/journal"
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/messages"
)

// Attach has the attempts and outcomes to come recorded in a journal.
func (r *Router) Attach(j *journal.Journal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setJournalsLocked(append(r.attachedLocked(j), j))
}

// Detach ends that.
func (r *Router) Detach(j *journal.Journal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setJournalsLocked(r.attachedLocked(j))
}

// attachedLocked is a new list of the journals, without one.
func (r *Router) attachedLocked(without *journal.Journal) []*journal.Journal {
	journals := r.journals.Load()
	if journals == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(*journals), func(j *journal.Journal) bool { return j == without })
}

func (r *Router) setJournalsLocked(list []*journal.Journal) {
	if len(list) == 0 {
		r.journals.Store(nil)
		return
	}
	r.journals.Store(&list)
}

// Histograms are those of the waiting and running times.
func (r *Router) Histograms() (wait, run meter.Histogram) { return r.meter.Histograms() }

// record enters the attempt that the handler has just ended into the journals. When
// tasks are short and so many that the journals have no room, one success of each batch
// is entered; only what is likely to be is timed by itself.
func (w *Worker) record(c *Cell, outcome messages.Outcome, err error, again *verdict) {
	journals := w.router.journals.Load()
	if journals == nil || outcome == messages.Succeeded && w.begun > 1 && w.flooded {
		return
	}
	e := w.router.entry(c, &w.hold, outcome, err, w.router.now())
	e.Bound = !w.clocked
	plan(&e, again)
	body := c.body
	if w.foreign != nil {
		body = nil // the foreign actor may have just begun
	}
	w.flooded = !enter(*journals, e, body)
}

// note returns a function that enters a task into the journals that gets its outcome
// otherwise: h is nil if it is in no hand, body if a handler still works on the payload,
// which is not looked at then. It may be called under locks, and the function must not
// be; it is nil if there are no journals.
func (r *Router) note(c *Cell, h *hold, body Body, outcome messages.Outcome, err error, again *verdict) func() {
	journals := r.journals.Load()
	if journals == nil {
		return nil
	}
	e := r.entry(c, h, outcome, err, r.now())
	plan(&e, again)
	return func() { enter(*journals, e, body) }
}

// entry describes what has just ended, at the time now.
func (r *Router) entry(c *Cell, h *hold, outcome messages.Outcome, err error, now int64) journal.Entry {
	e := journal.Entry{
		Seq: c.seq, Priority: c.priority(), Outcome: outcome, Err: err, At: r.timeOf(now),
	}
	if attrs := c.attrs(); attrs != nil {
		e.ID, e.Key = attrs.ID, attrs.Key
	}
	past := c.past()
	if past != nil {
		e.Attempts, e.Worker = past.attempts, past.worker
	}
	if h == nil {
		e.Wait = time.Duration(max(now-c.enqueued, 0)) // 0: its next attempt was not due
		return e
	}
	e.Attempts++
	e.Worker = ""
	if w := h.ctx.worker; w != nil {
		e.Worker = w.id
	}
	e.Wait, e.Run = time.Duration(h.started-c.enqueued), time.Duration(now-h.started)
	return e
}

// plan says that the task is to be tried again, unless again is nil.
func plan(e *journal.Entry, again *verdict) {
	if again != nil {
		e.Again, e.Delay = true, again.delay
	}
}

// enter records in all the journals that want the entry, and reports whether one of them
// has room for more. body is nil if the payload must not be looked at.
func enter(journals []*journal.Journal, e journal.Entry, body Body) (more bool) {
	for _, j := range journals {
		if !j.Wants(e.Outcome) {
			continue
		}
		e.Payload = ""
		if format := j.Formatter(); body != nil && format != nil {
			e.Payload = journal.Describe(format, body.Payload())
		}
		more = j.Record(e) || more
	}
	return more
}
