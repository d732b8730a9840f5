package engine

import (
	"errors"
	"runtime"
)

// errNoRoom says that the queue for a task has no room.
var errNoRoom = errors.New("no room")

// errGone says that workers have left or joined since the view was loaded.
var errGone = errors.New("worker gone")

// floodYield is the backlog of an unbounded queue above which its submitters yield now and
// then: a long backlog of short tasks costs more in cache misses than a switch of
// goroutines.
const floodYield = 256

// roomTries is how many workers a submitter asks for room before it yields.
const roomTries = 4

// dispatchTo puts a task into a queue that has room for it. Its error is errNoRoom, or says
// why no task is accepted at all. If t is nil, the engine takes one of its own tasks and
// calls fill with its body.
func (e *placing) dispatchTo(t *Task, s *Spec, fill func(Body)) error {
	if e.late() {
		return e.placeShared(t, s, fill)
	}
	return e.placeEarly(t, s, fill)
}

// placeShared puts a task into the shared queue.
func (e *placing) placeShared(t *Task, s *Spec, fill func(Body)) error {
	q := e.shared
	q.mu.Lock()
	err := e.enterSharedLocked(t, s, fill)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	w := e.wakeForLocked(q)
	yield := q.short && e.cfg.Capacity == unbounded && q.rings.Len() > floodYield && q.submitted&63 == 0
	q.mu.Unlock()
	switch {
	case w != nil:
		e.sched.schedule(w)
	case q.late == nil:
		e.wakeIdle()
	case yield:
		runtime.Gosched() // see floodYield
	}
	return nil
}

// enterSharedLocked accepts a task into the shared queue if there is room.
func (e *placing) enterSharedLocked(t *Task, s *Spec, fill func(Body)) error {
	q := e.shared
	switch {
	case q.refusal != nil:
		return q.refusal
	case e.hasWorkers():
		return errGone
	case !e.sharedRoomLocked(1, s.to.all):
		return errNoRoom
	}
	q.submitted++
	number := uint64(q.submitted)
	if !e.late() {
		number = e.newNumberLocked(q)
	}
	e.acceptLocked(q, t, s, fill, number)
	return nil
}

// placeEarly puts a task into the queue of its worker. A task for no particular worker goes
// to the first worker in turn that has room.
func (e *placing) placeEarly(t *Task, s *Spec, fill func(Body)) error {
	for {
		v := e.roster.view.Load()
		if len(v.routees) == 0 {
			if err := e.placeShared(t, s, fill); !errors.Is(err, errGone) {
				return err
			}
			continue
		}
		if s.to.keyed {
			s.to.rehash(v)
		}
		err := e.placeAmong(v, t, s, fill)
		if err == nil || !errors.Is(err, errGone) {
			return err
		}
		if e.dispatch.binding == picked {
			s.to.worker = nil
		}
	}
}

// placeAmong tries the workers of a view.
func (e *placing) placeAmong(v *view, t *Task, s *Spec, fill func(Body)) error {
	if s.to.worker != nil {
		return e.placeAt(s.to.worker, 0, t, s, fill)
	}
	tries := len(v.eligible)
	if !s.to.all {
		tries = min(tries, roomTries)
	}
	for range tries {
		w, turn := e.dispatch.draw(v)
		s.to.turn = turn
		if err := e.placeAt(w, turn, t, s, fill); err == nil || !errors.Is(err, errNoRoom) {
			return err
		}
	}
	if !s.to.all {
		return errNoRoom
	}
	// Others have drawn turns meanwhile, or chance has left some out: ask every worker.
	for _, w := range v.eligible {
		if err := e.placeAt(w, s.to.turn, t, s, fill); !errors.Is(err, errNoRoom) {
			return err
		}
	}
	return errNoRoom
}

// placeAt puts a task into the queue of a worker.
func (e *placing) placeAt(w *Worker, turn uint64, t *Task, s *Spec, fill func(Body)) error {
	q := w.q
	q.mu.Lock()
	switch {
	case q.gone, e.passedOverLocked(w):
		q.mu.Unlock()
		return errGone
	case q.refusal != nil:
		err := q.refusal
		q.mu.Unlock()
		return err
	case !e.ownRoomLocked(w, s.to.recount):
		q.mu.Unlock()
		return errNoRoom
	}
	q.submitted++
	e.acceptLocked(q, t, s, fill, e.dispatch.number(turn))
	wake := w.wakeOwnLocked(q)
	if e.cfg.Breaker.Failures > 0 && w.onTrialLocked() {
		s.to.trial = w
	}
	yield := q.short && q.share == unbounded && q.rings.Len() > floodYield && q.submitted&63 == 0
	q.mu.Unlock()
	if wake {
		e.sched.schedule(w)
	} else if yield {
		runtime.Gosched() // see floodYield
	}
	return nil
}

// passedOverLocked reports whether a worker has been sidelined, while others have not, since
// dispatch chose it. The worker's queue must be locked.
func (e *placing) passedOverLocked(w *Worker) bool {
	return e.roster.view.Load().aside != nil && w.sidelined
}

// sharedRoomLocked reports whether the shared queue has room for n more tasks. Each free
// worker makes room for one task beyond the capacity: its next one. Waiting retries take
// room.
func (e *placing) sharedRoomLocked(n int, exact bool) bool {
	q := e.shared
	room := e.roomAfterDelays()
	wanted := n
	if q.late != nil {
		wanted += q.late.pinned + q.late.shunned.count
		if !q.paused {
			wanted -= q.late.able
		}
	}
	exact = exact && q.claimed > 0
	switch {
	case q.liveLocked()+wanted <= room:
		return true
	case q.late != nil && n == 1 && (q.liveLocked() < q.late.freeLocked(q) || exact && q.takenLocked() < q.late.freeLocked(q)):
		return true // a free worker starts the task at once, whatever waits for other workers
	}
	return exact && q.takenLocked()+wanted <= room
}

// ownRoomLocked reports whether a worker's queue has room. A free worker makes room for
// one task beyond its share: its next one.
func (e *placing) ownRoomLocked(w *Worker, exact bool) bool {
	q := w.q
	share := q.share
	if e.delays.count.Load() > 0 {
		share = e.shareAfterDelays(w)
	}
	live := q.liveLocked()
	if live < share {
		return true
	}
	free := w.freeLocked()
	if live-share < free {
		return true
	}
	return exact && q.claimed > 0 && q.takenLocked()-share < free
}

// shareAfterDelays returns a worker's share of the capacity without the room that waiting retries
// take.
func (e *placing) shareAfterDelays(w *Worker) int {
	return shareOf(e.roomAfterDelays(), w.place, len(e.roster.view.Load().routees))
}

// freeLocked returns 1 if a worker with a queue of its own could start a task now, and else 0.
func (w *Worker) freeLocked() int {
	if !w.q.paused && w.ableLocked() {
		return 1
	}
	return 0
}

// roomForAllLocked reports whether there is room for one more task for each worker.
func (e *placing) roomForAllLocked(routees []*Worker) bool {
	if !e.late() {
		for _, w := range routees {
			if !e.ownRoomLocked(w, true) {
				return false
			}
		}
		return true
	}
	return e.sharedRoomLocked(len(routees), true)
}
