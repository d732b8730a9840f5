package model_test

import (
	"strings"
	"time"

	"github.com/troupe-go/troupe/actors"
)

// refused says whether the task was refused, when, and with which error.
func (t *observed) refused() (what string, at time.Duration, refused bool) {
	what = t.seen.what
	switch t.kind {
	case doRequest, doBroadcast:
		what, refused = strings.CutPrefix(what, "rejected: ")
		return what, t.seen.told, refused
	case doAsk:
		return what, t.seen.told, what == "pool stopped" || what == "context canceled" || strings.HasPrefix(what, "queue full")
	default:
		return t.seen.refusal, t.seen.returned, t.seen.refusal != "none"
	}
}

func (v *observer) checkRefusal(t *observed, what string, at time.Duration) {
	v.books.rejected++
	before := &v.seen.snapshots[2*t.step]
	waits := v.script.overflow == actors.Block && !t.noWait && !t.fromActor()
	policy := v.script.overflow == actors.Reject || t.kind == doBroadcast ||
		(t.noWait || t.fromActor()) && (v.script.overflow == actors.Block || v.script.overflow == actors.CallerRuns)
	var ok bool
	switch what {
	case "context canceled":
		ok = t.patience < 0 && at == t.submitted
	case "pool stopped":
		ok = v.stopping > 0 && (at == t.submitted && at >= v.stopping || at == v.stopping && waits)
	case "queue full":
		ok = policy && at == t.submitted && (v.full(before, t) || v.steps[t.step].kind == doBurst)
	case "queue full+deadline":
		ok = waits && at == t.givesUp
	case "queue full+task timeout+deadline":
		ok = waits && at == t.due
	}
	for _, limit := range []time.Duration{t.due, t.givesUp, max(v.stopping, t.submitted)} {
		ok = ok && (limit == 0 || at <= limit)
	}
	if !ok || len(t.seen.begun) > 0 {
		v.fault("task %d was refused without a reason: %v, before that %+v", t.index, t.seen, *before)
	}
}

// checkBroadcast checks that there was room at every worker, and reports whether the
// broadcast was accepted: one task for each worker, or none.
func (v *observer) checkBroadcast(copies []*observed) (accepted bool) {
	first, before := copies[0], &v.seen.snapshots[2*copies[0].step]
	what, at, refused := first.refused()
	if !refused {
		open := v.stopping == 0 || first.submitted < v.stopping
		if open && v.full(before, first) {
			v.fault("broadcast %d was accepted without room: %+v", first.index, *before)
		}
		return true
	}
	v.checkRefusal(first, what, at)
	for _, t := range copies[1:] {
		if t.seen.told > 0 || len(t.seen.begun) > 0 {
			v.fault("broadcast %d was refused, but not for worker %d: %v", first.index, t.index-first.index, t.seen)
		}
	}
	return false
}
