package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/internal/chain"
	"github.com/troupe-go/troupe/messages"
)

// A waitList has the submitters that wait for room, in the order they came. Those whose
// tasks are for one worker wait for that worker; all others wait for any room.
type waitList struct {
	mu   sync.Mutex
	all  chain.Chain[*waiter] // guarded by mu
	_    [64]byte
	some atomic.Bool // all is not empty; written under mu
	_    [63]byte
}

// A waiter is a submitter that waits for room. It is in waitList.all until either its
// task is accepted or it is refused; both are said on ready.
type waiter struct {
	task  *Task
	spec  Spec
	to    target              // where the task goes
	self  *Worker             // whose handler waits; nil: none of this pool's
	link  chain.Link[*waiter] // guarded by waitList.mu; in all
	waits bool                // guarded by waitList.mu; it is in all
	err   error               // guarded by waitList.mu until ready has been received
	ready chan struct{}       // holds one
}

// wait waits until the task is accepted or refused. due is when its timeout is over,
// or 0.
func (e *Engine) wait(ctx context.Context, t *Task, s *Spec, to *target) error {
	self := e.handlerOf(ctx)
	wt := &waiter{task: t, spec: *s, to: *to, waits: true, ready: make(chan struct{}, 1)}
	wt.link.Of = wt
	var stuck <-chan struct{}
	if self != nil {
		if !e.mayFindRoom(to.worker, self.worker) {
			return fmt.Errorf("%w: %w", messages.ErrDeadlock, e.full())
		}
		var unblock func()
		var ok bool
		if stuck, unblock, ok = e.deadlocks.block(e, self, nil); !ok {
			return fmt.Errorf("%w: %w", messages.ErrDeadlock, e.full())
		}
		defer unblock()
		wt.self = self.worker
	}
	if err := e.enlist(wt); err != nil {
		return err
	}
	var timeout <-chan time.Time
	if t.due > 0 {
		timer := time.NewTimer(time.Duration(t.due - e.now()))
		defer timer.Stop()
		timeout = timer.C
	}
	var why error
	select {
	case <-wt.ready:
		return wt.err
	case <-timeout:
		return e.giveUpWait(wt, fmt.Errorf("%w: %w", messages.ErrTaskTimeout, e.full()))
	case <-ctx.Done():
		why = context.Cause(ctx)
	case <-stuck:
		why = messages.ErrDeadlock
	}
	return e.giveUpWait(wt, fmt.Errorf("%w: %w", e.full(), why))
}

// enlist adds a waiter. There may be room by now: a worker may have started a task of
// its batch and not have seen that somebody waits.
func (e *Engine) enlist(wt *waiter) error {
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	if err := e.refusal(); err != nil {
		return err
	}
	e.waits.all.Push(&wt.link)
	e.waits.some.Store(true)
	e.admitAllLocked()
	return nil
}

// giveUpWait ends a wait with an error, unless it has been ended meanwhile.
func (e *Engine) giveUpWait(wt *waiter, err error) error {
	e.waits.mu.Lock()
	if wt.waits {
		e.waits.endLocked(wt, err)
	}
	e.waits.mu.Unlock()
	<-wt.ready
	return wt.err
}

// endLocked ends the wait of a submitter with an error, nil if its task has been
// accepted.
func (l *waitList) endLocked(wt *waiter, err error) {
	l.all.Remove(&wt.link)
	l.some.Store(l.all.Len() > 0)
	wt.waits = false
	wt.err = err
	wt.ready <- struct{}{}
}

func (l *waitList) refuseAllLocked(err error) {
	for l.all.Len() > 0 {
		l.endLocked(l.all.First().Of, err)
	}
}

// admitWaiting admits submitters that wait, after a worker has made room.
func (e *Engine) admitWaiting() {
	e.waits.mu.Lock()
	defer e.waits.mu.Unlock()
	e.admitAllLocked()
}

// admitAllLocked accepts the tasks of waiters while there is room. The list must be
// locked, the queues must not. Where a task must wait for its worker, a later one may
// be for another worker.
func (e *Engine) admitAllLocked() {
	blocked := map[*Worker]bool{} // workers that have no room for the waiter that came first
	for link := e.waits.all.First(); link != nil; {
		wt := link.Of
		link = link.Next() // before wt leaves
		if blocked[wt.to.worker] {
			continue
		}
		wt.to.exact = true
		err := e.dispatchTo(wt.task, &wt.spec, &wt.to, nil)
		switch {
		case err == nil:
			e.waits.endLocked(wt, nil)
		case errors.Is(err, errNoRoom) && wt.self != nil && !e.mayFindRoom(wt.to.worker, wt.self):
			e.waits.endLocked(wt, fmt.Errorf("%w: %w", messages.ErrDeadlock, e.full()))
		case errors.Is(err, errNoRoom):
			if wt.to.worker == nil {
				return // no worker has room
			}
			blocked[wt.to.worker] = true
		default:
			e.waits.endLocked(wt, err)
		}
	}
}

// mayFindRoom reports whether there can be room for a task while the handler of self
// waits for it. A task for one worker needs that worker to get on.
func (e *Engine) mayFindRoom(to, self *Worker) bool {
	if to != nil {
		return to != self && !e.deadlocks.waits(to)
	}
	if e.late() {
		return true
	}
	for _, w := range e.roster.view.Load().routees {
		if w != self && !e.deadlocks.waits(w) {
			return true
		}
	}
	return false
}
