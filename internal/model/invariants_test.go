package model_test

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// checkSums compares the ledger with what was heard.
func (v *observer) checkSums() {
	last := &v.seen.snapshots[len(v.seen.snapshots)-1]
	missing := v.unheard
	for o := range last.outcomes {
		more := last.outcomes[o] - v.books.outcomes[o]
		missing -= more
		if more < 0 {
			v.fault("%v: %d of at least %d", messages.Outcome(o), last.outcomes[o], v.books.outcomes[o])
		}
	}
	if missing != 0 || last.submitted != v.books.submitted || last.rejected != v.books.rejected {
		v.fault("the books say %+v, what was heard %+v and %d outcomes more", *last, v.books, v.unheard)
	}
	if last.queued+last.running != 0 || v.seen.done == 0 {
		v.fault("not at rest in the end: %+v", *last)
	}
	v.checkReports(last)
}

// checkReports compares what shutdowns and closes reported with the books before the
// first stop and after all.
func (v *observer) checkReports(last *snapshot) {
	first := slices.IndexFunc(v.steps, func(o op) bool { return o.kind >= doShutdown })
	before := &v.seen.snapshots[2*first]
	for step, o := range v.steps {
		if o.kind != doShutdown && o.kind != doFinish && o.kind != doClose || v.script.actors && step > first {
			continue
		}
		r, ok := v.seen.stops[step]
		latest := v.at[step] + v.script.span(o.d, step, ofTimeout) + closeGrace
		if v.script.actors {
			latest = v.seen.done
		}
		if !ok || r.at > latest || r.finished+r.canceled+r.dropped != last.settled()-before.settled() {
			v.fault("stop of step %d: reported %+v before %v, the books %+v and %+v", step, r, latest, *before, *last)
		}
	}
}

// checkSnapshots checks what holds whenever nothing moves.
func (v *observer) checkSnapshots() {
	submitted, size := int64(0), v.script.size
	for i := range v.seen.snapshots {
		shot, now := &v.seen.snapshots[i], time.Duration(0)
		if step := i / 2; step < len(v.steps) {
			now = v.at[step]
			if i%2 == 1 {
				submitted += int64(v.submissions(step))
				if v.steps[step].kind == doResize {
					size = v.steps[step].n
				}
			}
		}
		open := now > 0 && (v.stopping == 0 || now < v.stopping)
		if !open {
			break
		}
		waiting := submitted - shot.submitted - shot.rejected
		switch {
		case shot.size != size || shot.busy > shot.size:
			v.fault("%d workers, around step %d: %+v", size, i/2, *shot)
		case waiting < 0 || waiting > 0 && !v.mayWait(shot):
			v.fault("%d tasks wait for admission, around step %d: %+v", waiting, i/2, *shot)
		case shot.queued > int64(v.script.capacity) && !v.script.mayExceed():
			v.fault("more than %d are queued, around step %d: %+v", v.script.capacity, i/2, *shot)
		case v.script.dispatch == leastBusy && v.script.retry.attempts == 0 && !v.script.broadcasts() &&
			shot.queued > 0 && shot.busy < shot.size && !shot.paused:
			v.fault("a worker idles, around step %d: %+v", i/2, *shot)
		}
		if !v.checkShares(shot, i/2) {
			break // the next snapshots say the same
		}
	}
}

// submissions is the number of tasks of which the books say that the step submitted them:
// a broadcast that is refused is refused once.
func (v *observer) submissions(step int) int {
	n := v.steps[step].submissions()
	if v.steps[step].kind != doBroadcast {
		return n
	}
	first := 0
	for _, o := range v.steps[:step] {
		first += o.submissions()
	}
	if _, _, refused := v.observed(step, first).refused(); refused {
		return 1
	}
	return n
}

// mayWait reports whether anyone may wait for admission.
func (v *observer) mayWait(shot *snapshot) bool {
	if v.script.overflow != actors.Block {
		return false
	}
	return slices.ContainsFunc(v.ops, func(o op) bool {
		return !o.fromActor() && !o.noWait && v.full(shot, &observed{op: o})
	})
}

// checkOrder checks that no worker ran two tasks at once; where tasks are
// bound to workers early and stay with them, that each worker took its own in order; and
// that those of one key were always taken in order, and by one worker if none came or
// went.
func (v *observer) checkOrder(tasks []*observed) {
	begun := slices.DeleteFunc(slices.Clone(tasks), func(t *observed) bool {
		return len(t.seen.begun) == 0 || len(t.seen.ended) == 0 || t.inCaller
	})
	bound := v.script.dispatch != leastBusy && v.script.steady() && !v.script.anonymous()
	for _, a := range begun {
		for _, b := range begun {
			if a.seen.begun[0] >= b.seen.begun[0] { // who was first at one instant was not seen
				continue
			}
			apart := a.seen.ended[0] <= b.seen.begun[0]
			if a.seen.worker[0] == b.seen.worker[0] && a.seen.worker[0] != "" && !apart {
				v.fault("tasks %d and %d were run by one worker at once:\n%v\n%v", a.index, b.index, a.seen, b.seen)
			}
			sameKey := v.script.dispatch == byHash && a.key != "" && a.key == b.key
			sameWorker := bound && a.seen.worker[0] == b.seen.worker[0]
			if (sameKey || sameWorker) && v.overtakes(a, b) {
				v.fault("task %d came before task %d:\n%v\n%v", a.index, b.index, a.seen, b.seen)
			}
			if bound && sameKey && (!sameWorker || !apart) {
				v.fault("tasks %d and %d have one key:\n%v\n%v", a.index, b.index, a.seen, b.seen)
			}
		}
	}
}

// checkElsewhere checks that no worker made two attempts of a task in a row, where workers
// neither come and go nor, under late binding, are suspended: another one is always there.
func (v *observer) checkElsewhere(tasks []*observed) {
	s := v.script
	if !s.retry.elsewhere || s.size == 1 || !s.steady() || s.states.on ||
		s.dispatch == leastBusy && slices.ContainsFunc(s.ops, func(o op) bool { return o.end.crashes() }) {
		return
	}
	for _, t := range tasks {
		for i, worker := range t.seen.worker[:max(len(t.seen.worker)-1, 0)] {
			if worker != "" && worker == t.seen.worker[i+1] && t.kind != doBroadcast {
				v.fault("task %d was tried twice by one worker: %v", t.index, t.seen)
			}
		}
	}
}

// overtakes reports whether a should not have been begun while b was in the same
// queue. Retries begin where they will.
func (v *observer) overtakes(a, b *observed) bool {
	if v.script.retry.attempts > 0 || v.accepted(b) == 0 || v.accepted(b) >= a.seen.begun[0] {
		return false
	}
	later := v.accepted(a) > v.accepted(b) || v.accepted(a) == v.accepted(b) && a.index > b.index
	return a.priority < b.priority || a.priority == b.priority && v.accepted(a) > 0 && later
}

// accepted is when the task was accepted; 0: that was not seen.
func (v *observer) accepted(t *observed) time.Duration {
	switch {
	case v.script.overflow != actors.Block || t.fromActor() || t.noWait:
		return t.submitted
	case t.kind == doAsk:
		return 0
	default:
		return t.seen.returned
	}
}
