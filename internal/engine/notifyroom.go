package engine

import (
	"math"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// This file answers actors that ask when the queue has room.

// A roomOffer is an answer that is to be sent when no lock is held.
type roomOffer struct {
	to   *actor.PID
	free int
}

// NotifyRoom sends an actor a Room, once, when the queue has room for a task that nobody else
// waits for; at once if it has. If no task is accepted, it sends a Result that says why.
func (e *backpressure) NotifyRoom(asker *actor.PID) {
	if err := e.addAsker(asker); err != nil {
		e.tell(asker, e.rejection(err))
		return
	}
	e.admitWaiting()
}

// addAsker adds an actor that asks for room, unless no task is accepted.
func (e *backpressure) addAsker(asker *actor.PID) error {
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	if err := e.refusal(); err != nil {
		return err
	}
	e.waits.askers.add(asker, e.deliver.Gone)
	e.waits.noteLocked()
	return nil
}

// offerLocked takes the actors that are to be told of room from the list. waitList.mu must be
// held; the submitters that wait have been admitted as far as there is room.
func (e *backpressure) offerLocked() (offers []roomOffer) {
	a := &e.waits.askers
	if a.idle() {
		return nil
	}
	now := e.now()
	a.lapse(now)
	if len(a.waiting) > 0 {
		free := e.free()
		for free > len(a.offers) {
			next := a.next(e.deliver.Gone)
			if next == nil {
				break
			}
			offers = append(offers, roomOffer{next, free})
			if free != math.MaxInt {
				a.offer(now)
			}
		}
	}
	if len(a.waiting) > 0 && len(a.offers) > 0 {
		e.timer.set(a.offers[0]) // when it rings, progressed looks again
	}
	e.waits.noteLocked()
	return offers
}

// tellRoom answers actors that asked. No lock may be held.
func (e *backpressure) tellRoom(offers []roomOffer) {
	for _, o := range offers {
		e.tell(o.to, &messages.Room{Free: o.free})
	}
}

// placeAsked is place while actors have asked for room. Tasks are placed one at a time then.
// Otherwise, while one submitter looks for its place among the workers, another one could take it
// and leave a place that the first has already passed.
func (e *backpressure) placeAsked(t *Task, s *Spec, fill func(Body)) error {
	e.waits.mu.Lock()
	err := e.dispatchTo(t, s, fill)
	var offers []roomOffer
	if err == nil {
		e.waits.askers.taken()
		offers = e.offerLocked()
	}
	e.waits.mu.Unlock()
	e.tellRoom(offers)
	return err
}

// refuseWaitingLocked refuses submitters that wait for room and actors that asked for it. The
// world is stopped.
func (e *backpressure) refuseWaitingLocked(err error, then *after) {
	e.waits.refuseAllLocked(err)
	refused := e.waits.askers.takeAll()
	e.waits.noteLocked()
	if len(refused) == 0 {
		return
	}
	then.call(func() {
		for _, asker := range refused {
			e.tell(asker, e.rejection(err))
		}
	})
}

// free returns how many tasks the queues would take now, beyond those of submitters that wait.
// waitList.mu must be held, so that no further submitter begins to wait.
func (e *backpressure) free() (n int) {
	v := e.roster.view.Load()
	switch {
	case e.waits.lines[nil] != nil:
		return 0
	case e.capacity.Load() == int64(unbounded):
		return math.MaxInt
	case e.late() || len(v.routees) == 0:
		return e.sharedFree()
	}
	for _, w := range v.eligible {
		if e.waits.lines[w] == nil {
			n += e.ownFree(w)
		}
	}
	return n
}

// sharedFree returns for how many more tasks the shared queue has room: see sharedRoomLocked.
func (e *placing) sharedFree() int {
	q := e.shared
	q.mu.Lock()
	defer q.mu.Unlock()
	free, atOnce := e.roomAfterDelays(), 0
	if q.late != nil {
		free -= q.late.pinned
		if !q.paused {
			free += q.late.able
		}
		atOnce = q.late.freeLocked(q)
	}
	return max(max(free, atOnce)-q.takenLocked(), 0)
}

// ownFree returns for how many more tasks a worker's queue has room: see ownRoomLocked.
func (e *placing) ownFree(w *Worker) int {
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone || e.passedOverLocked(w) {
		return 0
	}
	share := q.share
	if e.delays.count.Load() > 0 {
		share = e.shareAfterDelays(w)
	}
	return max(share+w.freeLocked()-q.takenLocked(), 0)
}
