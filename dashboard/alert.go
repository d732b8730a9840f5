package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A level says how bad something is. The worst is the greatest.
type level int

const (
	fine level = iota
	note
	warning
	trouble
)

func (l level) String() string { return [...]string{"fine", "note", "warning", "trouble"}[l] }

// MarshalText implements encoding.TextMarshaler.
func (l level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// An alert says what is wrong with a pool, and who is to blame.
type alert struct {
	Level level  `json:"level"`
	Text  string `json:"text"`
	// Page is where there is more to see, and Find what to look for there; empty: nowhere.
	Page string `json:"page,omitempty"`
	Find string `json:"find,omitempty"`
}

// When there is cause for an alert.
const (
	longWait    = 5 * time.Second  // a task in the queue
	longUnknown = 30 * time.Second // a task in hand, while too few have been done to know how long they take
	longKnown   = 10 * time.Second // a task in hand, when that is known, unless tasks of the pool take long
	longFactor  = 10               // a task in hand, by what 99 % of them took
	longLate    = time.Second      // a task in hand that has its outcome already
	fewTasks    = 20               // too few
	badShare    = 0.05             // of the tasks of late
	worseShare  = 0.5
	fullShare   = 0.9 // of the queue's capacity
)

// alertsOf has the worst first.
func alertsOf(v *view) []alert {
	if v.stopped {
		return stopAlerts(v)
	}
	s, of := &v.stats, v.recent
	var alerts []alert
	add := func(level level, page, find, format string, args ...any) {
		alerts = append(alerts, alert{level, fmt.Sprintf(format, args...), page, find})
	}
	if s.Paused {
		l := note
		if s.Queued > 0 {
			l = warning
		}
		add(l, "", "", "paused: queued tasks wait")
	}
	if s.Size == 0 {
		add(trouble, "workers", "", "no workers: tasks are rejected")
	}
	if s.Lost > 0 {
		add(trouble, "workers", "", "%s gone for good", count(s.Lost, "worker is", "workers are"))
	}
	if s.Abandoned > 0 {
		add(trouble, "workers", "", "%s", count(s.Abandoned, "handler ignores the end of its task and was abandoned", "handlers ignore the ends of their tasks and were abandoned"))
	}
	if stuck, n := longest(s, func(w *messages.WorkerStats, elapsed time.Duration) bool { return elapsed > longRun(s) }); n > 0 {
		l, others := trouble, ""
		if s.RunTime.Count < fewTasks {
			l = warning // such tasks may take their time
		}
		if n > 1 {
			others = fmt.Sprintf(", and %s on theirs for too long as well", count(n-1, "other is", "others are"))
		}
		add(l, "workers", stuck.ID, "%s has been on task %s for %s%s", shortID(stuck.ID), stuck.Task, rough(s.At.Sub(stuck.Since)), others)
	}
	if late, n := longest(s, func(w *messages.WorkerStats, elapsed time.Duration) bool { return w.Settled && elapsed > longLate }); n > 0 {
		add(warning, "workers", "overdue", "%s on with a task that has timed out or was canceled: %s, for %s in all",
			count(n, "handler goes", "handlers go"), late.Task, rough(s.At.Sub(late.Since)))
	}
	if share := float64(of.troubled) / float64(max(of.settled, 1)); of.troubled >= 3 && share >= badShare {
		l := warning
		if share >= worseShare {
			l = trouble
		}
		add(l, "tasks", "", "%.0f %% of the tasks of the last 10 s went wrong: %d of %d", 100*share, of.troubled, of.settled)
	} else if of.troubled > 0 {
		add(note, "tasks", "", "%s of the last 10 s went wrong", count(int(of.troubled), "task", "tasks"))
	}
	if of.dropped > 0 {
		add(warning, "tasks", "", "%s dropped in the last 10 s", count(int(of.dropped), "task was", "tasks were"))
	}
	if of.rejected > 0 {
		l, share := warning, float64(of.rejected)/float64(of.rejected+of.submitted)
		if of.rejected >= 3 && share >= worseShare {
			l = trouble
		}
		add(l, "", "", "%.0f %% of what came in the last 10 s was rejected: %s, mostly %s",
			100*share, count(int(of.rejected), "task", "tasks"), of.mostly())
	}
	if of.restarts > 0 {
		add(warning, "workers", "", "%s in the last 10 s", count(int(of.restarts), "worker restarted", "worker restarts"))
	}
	if out := sidelined(s); out > 0 {
		add(warning, "workers", "sidelined", "%s left out", count(out, "worker is", "workers are"))
	}
	if s.OldestQueued > longWait && !s.Paused {
		add(warning, "", "", "the oldest queued task has waited for %s", rough(s.OldestQueued))
	}
	if bounded(s.QueueCapacity) && s.QueueCapacity > 0 && float64(s.Queued) >= fullShare*float64(s.QueueCapacity) {
		nearly := ""
		if s.Queued < int64(s.QueueCapacity) {
			nearly = "nearly "
		}
		add(note, "", "", "the queue is %sfull: %d of %d", nearly, s.Queued, s.QueueCapacity)
	}
	if s.InQuarantine > 0 {
		add(note, "quarantine", "", "%s in quarantine", count(s.InQuarantine, "task is", "tasks are"))
	}
	slices.SortStableFunc(alerts, func(a, b alert) int { return cmp.Compare(b.Level, a.Level) })
	return alerts
}

func stopAlerts(v *view) []alert {
	text := "stopped"
	if v.stats.Dropped > 0 {
		text = fmt.Sprintf("stopped, with %d dropped", v.stats.Dropped)
	}
	return []alert{{Level: note, Text: text}}
}

// longRun is how long a task may be in hand, by what tasks of its pool usually take.
func longRun(s *messages.Stats) time.Duration {
	if s.RunTime.Count < fewTasks {
		return longUnknown
	}
	return max(longKnown, longFactor*s.RunTime.P99)
}

// longest is the worker that has had its task in hand for longest, of those for which that
// is too long, and how many those are.
func longest(s *messages.Stats, tooLong func(w *messages.WorkerStats, elapsed time.Duration) bool) (found *messages.WorkerStats, n int) {
	for i := range s.Workers {
		w := &s.Workers[i]
		if w.Task == "" || !tooLong(w, s.At.Sub(w.Since)) {
			continue
		}
		n++
		if found == nil || w.Since.Before(found.Since) {
			found = w
		}
	}
	return found, n
}

// mostly is the reason for most of the rejections.
func (c counts) mostly() string {
	most := messages.Reason(0)
	for reason, n := range c.reasons {
		if n > c.reasons[most] {
			most = messages.Reason(reason)
		}
	}
	return strings.ReplaceAll(most.String(), "_", " ")
}

func sidelined(s *messages.Stats) (n int) {
	for i := range s.Workers {
		if s.Workers[i].State == messages.WorkerSidelined {
			n++
		}
	}
	return n
}

func worst(alerts []alert) level {
	if len(alerts) == 0 {
		return fine
	}
	return alerts[0].Level
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// rough is a duration as a person says it.
func rough(d time.Duration) string {
	if d > time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Second / 10).String()
}
