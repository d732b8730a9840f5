package model_test

import "github.com/troupe-go/troupe/actors"

// A load is what one worker has, in a snapshot.
type load struct {
	queued int // tasks queued for this worker alone
	idle   bool
}

// share is the part of the capacity that the worker with the given index has under
// early binding. Waiting retries take the room of one task each before the rest is
// divided.
func (s script) share(index, workers, delayed int) int {
	if s.capacity == actors.Unbounded {
		return actors.Unbounded
	}
	left := s.room(delayed)
	share := left / workers
	if index < left%workers {
		share++
	}
	return share
}

// room is what waiting retries leave of the capacity.
func (s script) room(delayed int) int { return max(s.capacity-delayed, 0) }

// hasRoom reports whether a worker has room for one more task: its share is not full,
// or it is idle. A task that a free worker is about to begin takes no room, so it makes
// no difference whether the worker has woken up yet.
func (l load) hasRoom(share int, paused bool) bool {
	if l.idle && !paused {
		return l.queued <= share // one of them is about to begin
	}
	return l.queued < share
}

// withRoom is the number of workers that have room for one more task, and whether the
// worker with the given index has.
func (v *observer) withRoom(shot *snapshot, index int) (n int, chosen bool) {
	for i, l := range shot.loads {
		if l.hasRoom(v.script.share(i, len(shot.loads), int(shot.delayed)), shot.paused) {
			n++
			chosen = chosen || i == index
		}
	}
	return n, chosen
}

// full reports whether the pool may refuse t, or have it wait. shot is what it had
// just before.
func (v *observer) full(shot *snapshot, t *observed) bool {
	s := v.script
	waiting, idle := shot.queued >= int64(s.capacity), shot.size-shot.busy
	n, chosen := v.withRoom(shot, s.picked(&t.op))
	switch {
	case t.kind != doBroadcast && s.alone():
		return waiting && (s.dispatch != leastBusy || shot.paused || idle == 0)
	case t.kind == doBroadcast && s.dispatch == leastBusy:
		delayed := int(shot.delayed)
		return int(shot.queued)-delayed+shot.size-idleUnless(shot.paused, idle) > s.room(delayed)
	case t.kind == doBroadcast:
		return n < shot.size
	case s.dispatch == leastBusy:
		return waiting && (shot.paused || idle == 0)
	case s.dispatch == roundRobin, s.dispatch == atRandom:
		return n == 0
	case s.dispatch == byPick && s.steady():
		// What was first run by its caller may be retried by any worker.
		return !chosen || s.overflow == actors.CallerRuns && s.retry.attempts > 0 && waiting
	default: // it is not known which worker is chosen, or where the tasks of a lost worker wait
		return n < shot.size || !s.steady() && waiting
	}
}

func idleUnless(paused bool, idle int) int {
	if paused {
		return 0
	}
	return idle
}

// checkShares checks that no worker has more tasks waiting than its share. With a share
// of 0 it has none: it begins at once what it gets while it is idle.
func (v *observer) checkShares(shot *snapshot, step int) (ok bool) {
	if v.script.dispatch == leastBusy || !v.script.steady() || v.script.mayExceed() {
		return true
	}
	for i, l := range shot.loads {
		if share := v.script.share(i, len(shot.loads), 0); l.queued > share {
			v.fault("worker %d has %d tasks waiting and a share of %d, around step %d: %+v", i, l.queued, share, step, *shot)
			return false
		}
	}
	return true
}
