package engine

import (
	"cmp"
	"errors"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// This file says how workers come and go.

// join lets a worker that has been spawned take tasks.
func (e *Engine) join(w *Worker) {
	var then after
	if !e.enroll(w, &then) {
		e.stopWorld(func() { e.admitJoinedLocked(&then) })
	}
	then.run(e)
	e.progressed()
}

// enroll gives a worker its place in the roster. It reports whether a resize goes on, at
// the end of which the worker gets its share of the tasks.
func (e *Engine) enroll(w *Worker, then *after) (resizing bool) {
	r := e.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if w.q.owner != nil {
		w.q.mu.Lock()
		defer w.q.mu.Unlock()
		w.q.refusal, w.q.paused = e.shared.refusal, e.shared.paused
	}
	r.enrollLocked(w)
	r.joining = append(r.joining, w)
	w.started = true
	w.refreshLocked(w.q)
	if w.unparkLocked(w.q) { // its Started message waits
		then.wake(w)
	}
	return r.resizing
}

// BeginResize says that many workers may join: they get tasks of their own when
// EndResize is called.
func (e *Engine) BeginResize() {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	e.roster.resizing = true
}

// EndResize ends what BeginResize began.
func (e *Engine) EndResize() {
	e.world(func(then *after) {
		e.roster.resizing = false
		e.admitJoinedLocked(then)
	})
	e.progressed()
}

// admitJoinedLocked takes the workers that have joined into dispatch.
func (e *Engine) admitJoinedLocked(then *after) {
	r := e.roster
	if len(r.joining) == 0 {
		return
	}
	routees := slices.Clone(r.view.Load().routees)
	for _, w := range r.joining {
		if !w.leaving.Load() {
			w.routed = true
			routees = append(routees, w)
		}
	}
	r.joining = nil
	e.setRouteesLocked(routees)
	e.adoptOrphansLocked(then)
	e.relieveLocked(then)
	e.rebalanceLocked(then)
	e.admitWaitingLocked(then)
}

// setRouteesLocked replaces the workers in dispatch, and what depends on their number.
func (e *Engine) setRouteesLocked(routees []*Worker) {
	e.roster.setRouteesLocked(routees)
	e.setCapacityLocked(len(routees))
	if e.late() {
		return
	}
	capacity := int(e.capacity.Load())
	for i, w := range routees {
		w.place = i
		w.q.share = shareOf(capacity, i, len(routees))
	}
}

// leave takes w out of dispatch for good. Its queued tasks go to other workers.
func (e *Engine) leave(w *Worker) {
	if w.leaving.Load() {
		return
	}
	e.world(func(then *after) { e.leaveLocked(w, then) })
	e.progressed()
}

func (e *Engine) leaveLocked(w *Worker, then *after) {
	if w.leaving.Load() {
		return
	}
	if w.routed {
		// The last worker moves into the gap, so that consistent hashing moves the keys of
		// two workers at most.
		routees := slices.Clone(e.roster.view.Load().routees)
		last := len(routees) - 1
		routees[slices.Index(routees, w)] = routees[last]
		e.setRouteesLocked(routees[:last])
	}
	e.departLocked([]*Worker{w}, then)
}

// departLocked has workers leave that are not in dispatch any more.
func (e *Engine) departLocked(workers []*Worker, then *after) {
	var tasks []*Task
	for _, w := range workers {
		w.routed = false
		w.leaving.Store(true)
		w.recallLocked(w.q)
		w.refreshLocked(w.q)
		e.forgetSidelinedLocked(w)
		if w.q.owner != nil {
			w.q.gone = true
			tasks = append(tasks, w.q.takeAllLocked()...)
		}
		tasks = append(tasks, w.takePinsLocked(w.q)...)
	}
	e.setRouteesLocked(e.roster.view.Load().routees) // one of them may have been sidelined
	e.handBackLocked(tasks, then)
	e.rebalanceLocked(then)
	e.keepOneLocked(then)
	if e.orphans.Load() > 0 {
		then.call(e.wakeIdle) // one of them may have been woken for an orphan
	}
	e.readdressWaitersLocked()
	e.admitWaitingLocked(then)
}

// Retire takes all but stay workers out of dispatch, the last ones and before them
// those that are sidelined, and returns their PIDs. They finish what they have in hand.
func (e *Engine) Retire(stay int) (pids []*actor.PID) {
	e.world(func(then *after) {
		routees := e.roster.view.Load().routees
		stay = min(stay, len(routees)) // others may have left meanwhile
		if stay == len(routees) {
			return
		}
		workers := slices.Clone(routees)
		slices.SortStableFunc(workers, func(a, b *Worker) int { return cmp.Compare(lastIf(a.sidelined), lastIf(b.sidelined)) })
		leaving := workers[stay:]
		e.setRouteesLocked(slices.Clip(workers[:stay]))
		e.departLocked(leaving, then)
		for _, w := range leaving {
			pids = append(pids, w.pid)
		}
	})
	e.progressed()
	return pids
}

func lastIf(sidelined bool) int {
	if sidelined {
		return 1
	}
	return 0
}

// RetireWorker takes the worker with the given PID, or that stands for it, out of
// dispatch and returns its PID; nil if there is none.
func (e *Engine) RetireWorker(pid *actor.PID) (retired *actor.PID) {
	e.world(func(then *after) {
		for _, w := range e.roster.view.Load().routees {
			if w.address().Equal(pid) {
				e.leaveLocked(w, then)
				retired = w.pid
				return
			}
		}
	})
	e.progressed()
	return retired
}

// Remove forgets a worker that has stopped. It reports whether the worker had settled
// any task, and whether its handler was abandoned.
func (e *Engine) Remove(pid *actor.PID) (worked, abandoned bool) {
	r := e.roster
	r.mu.Lock()
	w := r.byID[pid.Id]
	r.mu.Unlock()
	if w == nil {
		return false, false
	}
	e.leave(w) // it has, unless it was stopped without a word
	for _, message := range e.strike(w) {
		e.deliver.DeadLetter(pid, message)
	}
	e.progressed()
	return w.worked.Load(), w.abandoned.Load()
}

// strike enters what a worker has done among the departed and forgets the worker. It
// returns the messages that the worker has not read.
func (e *Engine) strike(w *Worker) (mail []any) {
	r := e.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	r.strikeLocked(w)
	d := &r.departed
	outcomes := w.outcomes
	w.addBatchLocked(&outcomes) // of an abandoned worker
	d.outcomes.add(&outcomes)
	worked := w.retried > 0
	for _, n := range outcomes {
		worked = worked || n > 0
	}
	w.worked.Store(worked)
	if w.q.owner != nil {
		d.submitted += w.q.submitted
		d.outcomes.add(&w.q.unstarted)
	}
	d.restarts += w.restarts
	if w.rare != nil {
		addTo(&d.counters, w.rare.counters)
	}
	mail = w.mail.waiting()
	w.mail = fifo{}
	return mail
}

// Replaced counts a worker that has been replaced.
func (e *Engine) Replaced() {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	e.roster.departed.replaced++
}

// Barren returns how many times in a row the worker has failed to start.
func (e *Engine) Barren(pid *actor.PID) int {
	e.roster.mu.Lock()
	w := e.roster.byID[pid.Id]
	e.roster.mu.Unlock()
	if w == nil {
		return 0
	}
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return int(w.barren)
}

// Lost says how many workers are gone for good.
func (e *Engine) Lost(n int) { e.lost.Store(int64(n)) }

// Size returns the number of workers in dispatch, or about to be.
func (e *Engine) Size() int {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	return len(e.roster.view.Load().routees) + len(e.roster.joining)
}

// Routees returns the PIDs of the workers in dispatch, or of the actors they stand for.
func (e *Engine) Routees() (pids []*actor.PID) {
	for _, w := range e.roster.view.Load().routees {
		pids = append(pids, w.address())
	}
	return pids
}

// resumeSuspended lets the workers go on whose failure was escalated, when the pool's
// parent has decided so.
func (e *Engine) resumeSuspended() {
	for _, w := range e.allWorkers() {
		w.q.mu.Lock()
		suspended := w.suspended
		w.q.mu.Unlock()
		if suspended {
			w.PostSystemMessage(&actor.ResumeMailbox{})
		}
	}
}

// readdressWaitersLocked has submitters that wait for a worker which has left wait for
// another.
func (e *Engine) readdressWaitersLocked() {
	v := e.roster.view.Load()
	for link := e.waits.all.First(); link != nil; link = link.Next() {
		to := &link.Of.to
		switch {
		case to.keyed:
			to.worker = hashTo(to.hash, v)
		case to.worker != nil && to.worker.leaving.Load():
			to.worker = nil
		}
	}
}

// admitWaitingLocked has submitters that wait admitted, now that there may be room. The
// world is stopped.
func (e *Engine) admitWaitingLocked(then *after) {
	for link := e.waits.all.First(); link != nil; {
		wt := link.Of
		link = link.Next() // before wt leaves
		err := e.enterLocked(wt.task, &wt.spec, &wt.to, then)
		switch {
		case err == nil:
			e.waits.endLocked(wt, nil)
		case !errors.Is(err, errNoRoom):
			e.waits.endLocked(wt, err)
		case wt.to.worker == nil:
			return
		}
	}
}

// enterLocked is place while the world is stopped.
func (e *Engine) enterLocked(t *Task, s *Spec, to *target, then *after) error {
	v := e.roster.view.Load()
	if e.late() || len(v.routees) == 0 {
		err := e.enterSharedLocked(t, s, to, nil)
		if err == nil {
			e.wakeForTaskLocked(&e.shared, nil, then)
		}
		return err
	}
	switch {
	case to.keyed:
		to.worker = hashTo(to.hash, v)
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
			e.acceptLocked(w.q, t, s, to, e.dispatch.number(turn), nil)
			e.wakeForTaskLocked(w.q, w, then)
			return nil
		}
	}
	return errNoRoom
}
