package model_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// An observer does not know which worker takes which task, nor when. From when each
// attempt was begun it knows what must follow.
type observer struct {
	script    *script
	seen      *account
	steps     []op
	ops       []op            // of the tasks
	at        []time.Duration // when the steps came
	stopping  time.Duration   // since when tasks are refused
	finishing time.Duration   // since when nothing is queued or retried, because of a finish
	closed    time.Duration   // when at the latest all of them were ended
	ambiguous bool            // two things were due at one instant
	faults    []string
	books     snapshot // what follows from what was seen; only its sums
	unheard   int64    // tasks that ended in the queue and that nobody waited for
}

// An observed task is one with what can happen to it, in time.
type observed struct {
	op
	index, step             int
	submitted, due, givesUp time.Duration
	seen                    *sighting
	inCaller                bool
}

// An end is one that a task may come to.
type end struct {
	at      time.Duration
	outcome messages.Outcome
	what    string
}

// observe says what is wrong. It is not certain of that where two things were due at
// one instant.
func observe(s *script, seen *account) (faults []string, certain bool) {
	v := &observer{script: s, seen: seen, steps: s.complete(), ops: s.tasks()}
	v.observeSteps()
	var tasks []*observed
	for step, o := range v.steps {
		first := len(tasks)
		for range o.submissions() {
			tasks = append(tasks, v.observed(step, len(tasks)))
		}
		v.checkStep(tasks[first:])
	}
	v.checkSums()
	v.checkSnapshots()
	v.checkOrder(tasks)
	v.checkElsewhere(tasks)
	if v.ambiguous {
		return nil, false
	}
	return v.faults, true
}

func (v *observer) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// observeSteps says when each step came, and the stop.
func (v *observer) observeSteps() {
	now := begin
	for i, o := range v.steps {
		now += v.script.span(o.after, i, ofStep)
		v.at = append(v.at, now)
		switch o.kind {
		case doFinish:
			v.finishing = earliest(v.finishing, now)
			if !v.script.actors {
				v.closed = earliest(v.closed, now+v.script.span(o.d, i, ofTimeout))
			}
		case doShutdown:
			if !v.script.actors { // else it has no limit in time
				v.closed = earliest(v.closed, now+v.script.span(o.d, i, ofTimeout))
			}
		case doClose, doStop, doStopParent:
			v.closed = earliest(v.closed, now)
		}
		if o.kind >= doShutdown {
			v.stopping = earliest(v.stopping, now)
		}
	}
}

// earliest is the earlier one; 0 is never.
func earliest(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (v *observer) observed(step, index int) *observed {
	s, seen := v.script, &v.seen.tasks[index]
	t := &observed{op: v.ops[index], index: index, step: step, submitted: v.at[step], seen: seen}
	if d := s.timeoutOf(&t.op, index); d > 0 {
		t.due = t.submitted + d
	}
	if t.patience > 0 {
		t.givesUp = t.submitted + s.span(t.patience, index, ofPatience)
	}
	t.inCaller = s.overflow == actors.CallerRuns && len(seen.begun) > 0 &&
		seen.begun[0] == t.submitted && seen.worker[0] == ""
	return t
}

// limit is what ends the task at the latest, once it has been accepted.
func (v *observer) limit(t *observed, running bool) end {
	atClose := end{earliest(v.closed, v.finishing), messages.Dropped, "pool stopped+dropped"}
	if running {
		atClose = end{v.closed, messages.Canceled, "pool stopped+canceled"}
	}
	ends := []end{
		atClose,
		{t.due, messages.TimedOut, "task timeout+deadline"},
		{t.seen.canceled, messages.Canceled, "canceled"},
	}
	if t.endsWithContext() {
		ends = append(ends, end{t.givesUp, messages.Canceled, "canceled+deadline"})
	}
	ends = slices.DeleteFunc(ends, func(e end) bool { return e.at == 0 })
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.at, b.at) })
	v.ambiguous = v.ambiguous || len(ends) > 1 && ends[0].at == ends[1].at
	return ends[0]
}

// checkStep checks what was seen of the tasks that one step submitted.
func (v *observer) checkStep(tasks []*observed) {
	if len(tasks) > 0 && tasks[0].kind == doBroadcast && !v.checkBroadcast(tasks) {
		return
	}
	for _, t := range tasks {
		v.check(t)
	}
}

// check checks what was seen of one task.
func (v *observer) check(t *observed) {
	seen := t.seen
	if what, at, refused := t.refused(); refused {
		v.checkRefusal(t, what, at)
		return
	}
	if t.fromActor() && seen.told == 0 && v.stopping > 0 && v.stopping <= t.submitted {
		return // a dead letter
	}
	v.books.submitted++
	last, ran, queued := v.follow(t)
	if queued && v.dropped(t, last.at) {
		last = end{max(seen.told, seen.returned), messages.Dropped, "dropped"}
	}
	if back := v.back(t); t.inCaller && t.kind != doAsk && seen.returned != back {
		v.fault("task %d came back at another time than %v: %v", t.index, back, seen)
	} else if !t.inCaller && t.kind != doAsk && seen.returned > t.submitted && v.script.overflow != actors.Block {
		v.fault("task %d was not accepted at once: %v", t.index, seen)
	}
	if t.kind == doTell && queued {
		v.unheard++
		return
	}
	v.books.outcomes[last.outcome]++
	if t.fromActor() {
		last.what = fmt.Sprintf("%v: %s; %d attempts; waited %v, ran %v",
			last.outcome, last.what, len(seen.begun), last.at-t.submitted-ran, ran)
	}
	if v.script.actors && last.outcome == messages.Succeeded {
		last.what = answered
	}
	if t.kind != doTell && (seen.told != last.at || seen.what != last.what) {
		v.fault("task %d, of which was to be heard %q at %v: %v", t.index, last.what, last.at, seen)
	}
}

// follow says how the task ended if nothing dropped it, and how long it had been run
// by then. queued says that this was in the queue, where it may have been dropped
// before.
func (v *observer) follow(t *observed) (last end, ran time.Duration, queued bool) {
	ready := max(t.submitted, t.seen.returned)
	if t.inCaller {
		ready = t.submitted
	}
	for i, begun := range t.seen.begun {
		limit := v.limit(t, true)
		ends := begun + v.script.span(t.run, t.index, ofRun, i+1)
		v.ambiguous = v.ambiguous || limit.at == ends || limit.at == begun || v.finishing > 0 && v.finishing == ends
		if begun < ready || begun > limit.at || v.finishing > 0 && begun > v.finishing {
			v.fault("attempt %d of task %d was begun at the wrong time: %v", i+1, t.index, t.seen)
		}
		last, again := limit, time.Duration(0)
		if ends < limit.at {
			how := t.ending(i + 1)
			outcome, err := how.outcome()
			last = end{ends, outcome, describe(err)}
			if v.finishing == 0 || ends < v.finishing {
				again = v.script.retryIn(&t.op, t.index, i+1, ends, t.due, t.givesUp)
			}
		}
		ran += last.at - begun
		if again == 0 {
			if i+1 < len(t.seen.begun) {
				v.fault("task %d was begun again: %v", t.index, t.seen)
			}
			return last, ran, false
		}
		ready = ends + again
	}
	return v.limit(t, false), ran, true
}

// back is when the caller comes back in which the task was run.
func (v *observer) back(t *observed) time.Duration {
	if !t.inCaller {
		return 0
	}
	ended := t.submitted + v.script.span(t.run, t.index, ofRun, 1)
	return earliest(min(ended, v.limit(t, true).at), t.givesUp)
}

// dropped reports whether the overflow policy took the task out of the queue before
// the given time.
func (v *observer) dropped(t *observed, before time.Duration) bool {
	if t.seen.what != "dropped" && !strings.HasPrefix(t.seen.what, "dropped: dropped;") || t.seen.told > before {
		return false
	}
	switch v.script.overflow {
	case actors.DropNewest:
		return t.seen.told == t.submitted
	case actors.DropOldest:
		return slices.Contains(v.at[t.step:], t.seen.told)
	default:
		return false
	}
}
