package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/messages"
)

// backpressure is the layer that makes submitters wait for room.
type backpressure struct{ placing }

// wait waits until the task is accepted or refused, ctx ends, or the task's timeout is
// over. It returns ErrDeadlock if the wait would be in vain.
func (e *backpressure) wait(ctx context.Context, t *Task, s *Spec) error {
	wt := newWaiter(t, s)
	var stuck <-chan struct{}
	if self := e.handlerOf(ctx); self != nil {
		wt.wait = newPoolWait(self, nil)
		stuck = wt.wait.vain
	}
	done := ctx.Done() // user code, which may fail: before the waiter is listed
	if err := e.enlist(wt); err != nil {
		return err
	}
	if wt.wait != nil {
		if !e.block(wt.wait) {
			return e.stopWaiting(wt, fmt.Errorf("%w: %w", messages.ErrDeadlock, e.full()))
		}
		defer e.deadlocks.unblock(wt.wait)
	}
	var timeout <-chan time.Time
	if due := t.due; due > 0 {
		timer := time.NewTimer(time.Duration(due - e.now()))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-wt.ready:
		return wt.err
	case <-timeout:
		return e.stopWaiting(wt, fmt.Errorf("%w: %w", messages.ErrTaskTimeout, e.full()))
	case <-stuck:
		return e.stopWaiting(wt, Because(e.full(), messages.ErrDeadlock))
	case <-done:
	}
	full := e.full()
	if err := e.stopWaiting(wt, full); err != full { //nolint:errorlint // that error, and not one like it
		return err
	}
	return Because(full, guard.Cause(ctx)) // user code, which may fail: after the wait
}

// enlist adds a waiter. There may be room already, since a worker that has started a task
// may not have seen the waiter.
func (e *backpressure) enlist(wt *waiter) error {
	if err := e.addWaiter(wt); err != nil {
		return err
	}
	e.admitWaiting()
	return nil
}

// addWaiter adds a waiter, unless no task is accepted.
func (e *backpressure) addWaiter(wt *waiter) error {
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	if err := e.refusal(); err != nil {
		return err
	}
	e.waits.addLocked(wt)
	return nil
}

// stopWaiting ends a wait with an error, unless it has already ended.
func (e *backpressure) stopWaiting(wt *waiter, err error) error {
	e.waits.mu.Lock()
	if wt.line != nil {
		e.waits.endLocked(wt, err)
	}
	e.waits.mu.Unlock()
	<-wt.ready
	return wt.err
}

// admitWaiting admits waiting submitters after room may have been made anywhere.
func (e *backpressure) admitWaiting() {
	e.waits.mu.Lock()
	trials := e.admitLocked(e.waits.headsLocked())
	offers := e.offerLocked()
	e.waits.mu.Unlock()
	e.sideTrials(trials)
	e.tellRoom(offers)
}

// admitWaitingFor admits waiting submitters after a worker has made room.
func (e *backpressure) admitWaitingFor(w *Worker) {
	e.waits.mu.Lock()
	heads := e.waits.followLocked(e.waits.followLocked(nil, w), nil) // its line, and that for any room
	trials := e.admitLocked(heads)
	offers := e.offerLocked()
	e.waits.mu.Unlock()
	e.sideTrials(trials)
	e.tellRoom(offers)
}

func (e *backpressure) sideTrials(trials []*Worker) {
	for _, w := range trials {
		e.sideIfOnTrial(w)
	}
}

// admitLocked accepts the tasks of waiters while there is room, in order of arrival. If a task
// must wait for its worker, a later task for another worker may be accepted first. heads are
// the first waiters of the lines to look at. admitLocked returns the workers that got a task
// as the probe of their breakers.
func (e *backpressure) admitLocked(heads []*waiter) (trials []*Worker) {
	for len(heads) > 0 {
		wt := heads[len(heads)-1]
		heads = heads[:len(heads)-1]
		line := wt.line.to
		wt.spec.to.recount, wt.spec.to.all = true, true
		err := e.dispatchTo(wt.task, &wt.spec, nil)
		switch {
		case err == nil:
			e.waits.endLocked(wt, nil)
			if wt.spec.to.trial != nil {
				trials = append(trials, wt.spec.to.trial)
			}
		case !errors.Is(err, errNoRoom):
			e.waits.endLocked(wt, err)
		case wt.spec.to.worker == line && line != nil:
			continue // the line has to wait
		default: // the task is for any worker, or now for another one
			e.waits.moveLocked(wt)
			if wt.spec.to.worker == nil {
				return trials // no worker has room
			}
		}
		heads = e.waits.followLocked(heads, line)
	}
	return trials
}

// place puts a task into a queue that has room for it, unless it would take the room that a
// submitter waits for. Its error is errNoRoom, or says why no task is accepted at all.
func (e *backpressure) place(t *Task, s *Spec, fill func(Body)) error {
	if e.waits.some.Load() {
		return e.placeBehind(t, s, fill)
	}
	return e.dispatchTo(t, s, fill)
}

// placeBehind is place while submitters wait, or actors have asked for room.
func (e *backpressure) placeBehind(t *Task, s *Spec, fill func(Body)) error {
	if e.overtakes(&s.to) {
		return errNoRoom
	}
	if e.waits.asked.Load() {
		return e.placeAsked(t, s, fill)
	}
	return e.dispatchTo(t, s, fill)
}

// overtakes reports whether a task would take the room that a submitter waits for.
func (e *backpressure) overtakes(to *target) bool {
	if to.worker == nil && !e.waits.asked.Load() {
		return true
	}
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	if to.worker == nil {
		return len(e.waits.lines) > 0
	}
	return e.waits.lines[to.worker] != nil
}

func (e *backpressure) full() error {
	return fmt.Errorf("%w: capacity %d", messages.ErrQueueFull, e.capacity.Load())
}

// readdressWaitersLocked makes submitters that wait for a worker that has left wait for
// another worker.
func (e *backpressure) readdressWaitersLocked() {
	v := e.roster.view.Load()
	all := e.waits.allLocked()
	for _, wt := range all {
		to := &wt.spec.to
		switch {
		case to.keyed:
			to.rehash(v)
		case to.worker != nil && to.worker.leaving.Load():
			to.worker = nil
		}
	}
	e.waits.regroupLocked(all)
}

// admitWaitingLocked admits waiting submitters, now that there may be room. The world is
// stopped.
func (e *backpressure) admitWaitingLocked(then *after) {
	for _, wt := range e.waits.allLocked() {
		err := e.enterLocked(wt.task, &wt.spec, then)
		switch {
		case err == nil:
			e.waits.endLocked(wt, nil)
		case !errors.Is(err, errNoRoom):
			e.waits.endLocked(wt, err)
		default:
			e.waits.moveLocked(wt)
			if wt.spec.to.worker == nil {
				return
			}
		}
	}
}

// enterLocked is place while the world is stopped.
func (e *backpressure) enterLocked(t *Task, s *Spec, then *after) error {
	v, to := e.roster.view.Load(), &s.to
	if e.late() || len(v.routees) == 0 {
		err := e.enterSharedLocked(t, s, nil)
		if err == nil {
			e.wakeForTaskLocked(e.shared, nil, then)
		}
		return err
	}
	switch {
	case to.keyed:
		to.rehash(v)
	case to.worker != nil && to.worker.q.gone:
		to.worker = nil
	}
	workers := v.eligible
	if to.worker != nil {
		workers = []*Worker{to.worker}
	}
	for range workers {
		w, turn := to.worker, uint64(0)
		if w == nil {
			w, turn = e.dispatch.draw(v)
		}
		if w.q.refusal != nil {
			return w.q.refusal
		}
		if e.ownRoomLocked(w, true) {
			w.q.submitted++
			e.acceptLocked(w.q, t, s, nil, e.dispatch.number(turn))
			e.wakeForTaskLocked(w.q, w, then)
			return nil
		}
	}
	return errNoRoom
}
