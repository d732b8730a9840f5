package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// Mode says what a submitter can do when the queue has no room.
type Mode int8

// The modes.
const (
	MayWait  Mode = iota // it can wait, or run the task itself
	NoWait               // it can do neither
	RoomOnly             // and neither its task nor another may be dropped
)

// Submit admits a task. If it returns nil, the task was accepted and will be settled
// exactly once; if it returns an error, the task was rejected, is counted as such, and
// Settled is not called. Submit blocks only under MayWait: with Block until there is
// room or ctx or the task's timeout ends, with CallerRuns until the task has run or ctx
// ends.
func (e *Engine) Submit(ctx context.Context, t *Task, s *Spec) error {
	return e.counted(ctx, e.submit(ctx, t, s, nil))
}

// Tell submits a task that nobody waits for, in a cell that the engine reuses. fill
// puts the work into the body. It is called under a lock, so it must do no more.
func (e *Engine) Tell(ctx context.Context, s *Spec, fill func(Body)) error {
	return e.counted(ctx, e.submit(ctx, nil, s, fill))
}

// counted counts a rejected task.
func (e *Engine) counted(ctx context.Context, err error) error {
	if err != nil {
		reason := messages.ReasonOf(err)
		if ctx != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
			reason = messages.RejectedCanceled // the cause may be any error
		}
		e.rejected[reason].Add(1)
	}
	return err
}

// Rejected counts a task that was rejected before it came to Submit or Tell.
func (e *Engine) Rejected(err error) { e.rejected[messages.ReasonOf(err)].Add(1) }

func (e *Engine) submit(ctx context.Context, t *Task, s *Spec, fill func(Body)) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if e.cfg.Tracer != nil {
		return e.submitTraced(ctx, t, s, fill)
	}
	return e.admit(ctx, t, s, fill)
}

// ended says why nothing is done for ctx: it is nil, or has ended.
func ended(ctx context.Context) error {
	if ctx == nil {
		return fmt.Errorf("%w: nil context", messages.ErrInvalidOption)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// errNoRoom says that the queue that a task was for has no room.
var errNoRoom = errors.New("no room")

// maxYields is how often a submitter that finds the queue full lets others run before
// it waits in earnest. Where tasks are brief there is room before the submitter could
// have been put to sleep and woken.
const maxYields = 20

// admit dispatches a task and puts it into a queue, or does what the overflow policy
// says.
func (e *Engine) admit(ctx context.Context, t *Task, s *Spec, fill func(Body)) error {
	to, err := e.dispatch.target(s, e.roster.view.Load())
	if err != nil {
		return err
	}
	if e.cfg.DeadlineCheck {
		if err := e.unreachable(s, &to); err != nil {
			return err
		}
	}
	yields := maxYields
	if e.cfg.Overflow == router.Block && s.Mode == MayWait {
		yields = 0
	}
	for ; ; yields++ {
		to.exact = yields >= maxYields
		err := e.place(t, s, &to, fill)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, errNoRoom):
			return err
		case to.exact:
			if t == nil {
				t = e.newTask(fill)
			}
			return e.overflow(ctx, t, s, &to)
		case !e.brief.Load() || e.waits.some.Load():
			yields = maxYields
		default:
			runtime.Gosched()
		}
	}
}

// newTask makes a task outside of any queue.
func (e *Engine) newTask(fill func(Body)) *Task {
	t := e.cfg.NewTasks(1)[0]
	fill(t.body)
	return t
}

// place puts a task into a queue that has room for it. Its errors are errNoRoom, and
// why no task is accepted at all. If t is nil, the engine takes one of its own and has
// it filled.
func (e *Engine) place(t *Task, s *Spec, to *target, fill func(Body)) error {
	if e.waits.some.Load() && e.overtakes(to) {
		return errNoRoom
	}
	return e.dispatchTo(t, s, to, fill)
}

func (e *Engine) dispatchTo(t *Task, s *Spec, to *target, fill func(Body)) error {
	if e.late() {
		return e.placeShared(t, s, to, fill)
	}
	return e.placeEarly(t, s, to, fill)
}

// overtakes reports whether a task would take the room that a submitter waits for.
func (e *Engine) overtakes(to *target) bool {
	if to.worker == nil {
		return true
	}
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	for link := e.waits.all.First(); link != nil; link = link.Next() {
		if link.Of.to.worker == to.worker {
			return true
		}
	}
	return false
}

// placeShared puts a task into the shared queue.
func (e *Engine) placeShared(t *Task, s *Spec, to *target, fill func(Body)) error {
	q := &e.shared
	q.mu.Lock()
	err := e.enterSharedLocked(t, s, to, fill)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	w := e.wakeForLocked(q)
	yield := q.short && e.cfg.Capacity == unbounded && q.rings.Len() > floodYield && q.submitted&63 == 0
	q.mu.Unlock()
	switch {
	case w != nil:
		w.schedule()
	case q.late == nil:
		e.wakeIdle()
	case yield:
		runtime.Gosched() // see floodYield
	}
	return nil
}

// enterSharedLocked accepts a task into the shared queue if there is room.
func (e *Engine) enterSharedLocked(t *Task, s *Spec, to *target, fill func(Body)) error {
	q := &e.shared
	switch {
	case q.refusal != nil:
		return q.refusal
	case e.hasWorkers():
		return errGone
	case !e.sharedRoomLocked(1, to.exact):
		return errNoRoom
	}
	q.submitted++
	number := uint64(q.submitted)
	if !e.late() {
		number = e.newNumberLocked(q)
	}
	e.acceptLocked(q, t, s, to, number, fill)
	return nil
}

// hasWorkers reports whether tasks are bound early to workers that are there. With the
// lock of the shared queue held, none can join unseen.
func (e *Engine) hasWorkers() bool { return !e.late() && len(e.roster.view.Load().routees) > 0 }

// sharedRoomLocked reports whether the shared queue has room for n more tasks. Each free
// worker makes room for one task beyond the capacity: its next one. Waiting retries take
// room.
func (e *Engine) sharedRoomLocked(n int, exact bool) bool {
	q := &e.shared
	room := e.roomAfterDelays()
	if q.late != nil {
		if n == 1 && q.liveLocked() < q.late.freeLocked(q) {
			return true // a free worker starts it at once, whatever waits for another
		}
		n += q.late.pinned
		if !q.paused {
			n -= q.late.able
		}
	}
	if q.liveLocked()+n <= room {
		return true
	}
	return exact && q.claimed > 0 && q.exactLocked()+n <= room
}

// roomAfterDelays is the capacity, less what tasks that wait for their next attempt
// take.
func (e *Engine) roomAfterDelays() int {
	capacity := int(e.capacity.Load())
	return max(capacity-int(e.delays.count.Load()), 0)
}

// floodYield is how long the backlog of an unbounded queue may become before its
// submitters let workers run now and then: a long backlog of short tasks costs more in
// cache misses than a switch of goroutines.
const floodYield = 256

// unbounded is the capacity of a queue that is never full.
const unbounded = int(^uint(0) >> 1)

// placeEarly puts a task into the queue of its worker or, if it is for none in
// particular, of the first worker whose turn comes and that has room.
func (e *Engine) placeEarly(t *Task, s *Spec, to *target, fill func(Body)) error {
	for {
		v := e.roster.view.Load()
		if len(v.routees) == 0 {
			if err := e.placeShared(t, s, to, fill); !errors.Is(err, errGone) {
				return err
			}
			continue
		}
		if e.dispatch.binding == hashed && to.keyed {
			to.worker = hashTo(to.hash, v)
		}
		err := e.placeAmong(v, t, s, to, fill)
		if !errors.Is(err, errGone) {
			return err
		}
		if e.dispatch.binding == picked {
			to.worker = nil
		}
	}
}

// roomTries is how many workers a submitter asks for room before it lets others run.
const roomTries = 4

// errGone says that workers have left or joined since the view was loaded.
var errGone = errors.New("worker gone")

// placeAmong tries the workers of a view.
func (e *Engine) placeAmong(v *view, t *Task, s *Spec, to *target, fill func(Body)) error {
	if to.worker != nil {
		return e.placeAt(to.worker, 0, t, s, to, fill)
	}
	tries := len(v.eligible)
	if !to.exact {
		tries = min(tries, roomTries)
	}
	for range tries {
		w, turn := e.dispatch.draw(v)
		if err := e.placeAt(w, turn, t, s, to, fill); !errors.Is(err, errNoRoom) {
			return err
		}
	}
	if !to.exact {
		return errNoRoom
	}
	// Others have drawn turns meanwhile, or chance has left some out: ask every worker.
	for _, w := range v.eligible {
		if err := e.placeAt(w, e.dispatch.turns.Load(), t, s, to, fill); !errors.Is(err, errNoRoom) {
			return err
		}
	}
	return errNoRoom
}

// placeAt puts a task into the queue of a worker.
func (e *Engine) placeAt(w *Worker, turn uint64, t *Task, s *Spec, to *target, fill func(Body)) error {
	q := w.q
	q.mu.Lock()
	switch {
	case q.gone:
		q.mu.Unlock()
		return errGone
	case q.refusal != nil:
		err := q.refusal
		q.mu.Unlock()
		return err
	case !e.ownRoomLocked(w, to.exact):
		q.mu.Unlock()
		return errNoRoom
	}
	q.submitted++
	e.acceptLocked(q, t, s, to, e.dispatch.number(turn), fill)
	wake := w.wakeOwnLocked(q)
	trial := e.cfg.Breaker.Failures > 0 && w.onTrialLocked()
	yield := q.short && q.share == unbounded && q.rings.Len() > floodYield && q.submitted&63 == 0
	q.mu.Unlock()
	if trial {
		e.sideIfOnTrial(w)
	}
	if wake {
		w.schedule()
	} else if yield {
		runtime.Gosched() // see floodYield
	}
	return nil
}

// ownRoomLocked reports whether a worker's queue has room. A free worker makes room for
// one task beyond its share: its next one.
func (e *Engine) ownRoomLocked(w *Worker, exact bool) bool {
	q := w.q
	share := q.share
	if e.delays.count.Load() > 0 {
		share = shareOf(e.roomAfterDelays(), w.place, len(e.roster.view.Load().routees))
	}
	live := q.liveLocked()
	if live < share {
		return true
	}
	free := 0
	if !q.paused && w.ableLocked() {
		free = 1
	}
	if live-share < free {
		return true
	}
	return exact && q.claimed > 0 && q.exactLocked()-share < free
}

// shareOf is the share of a capacity that the i-th of n workers has.
func shareOf(capacity, i, n int) int {
	if capacity == unbounded {
		return unbounded
	}
	share := capacity / n
	if i < capacity%n {
		share++
	}
	return share
}
