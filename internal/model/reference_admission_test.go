package model_test

import (
	"slices"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// submit is what happens when a task is submitted.
func (m *reference) submit(t *refTask) {
	if d := m.script.timeoutOf(&t.op, t.index); d > 0 {
		t.due = m.now + d
	}
	if t.patience > 0 {
		t.givesUp = m.now + m.script.span(t.patience, t.index, ofPatience)
	}
	cannotWait := t.noWait || t.kind == doRequest
	switch policy := m.script.overflow; {
	case t.patience < 0:
		m.refuse(t, errCanceledContext)
	case m.phase != refOpen:
		if t.kind != doRequest || !m.isDone() { // else it is a dead letter
			m.refuse(t, messages.ErrPoolStopped)
		}
	case !m.mustQueueUp(t) && m.findRoom(t):
		m.accept(t)
		m.settleDown()
	case policy == actors.Reject, cannotWait && (policy == actors.Block || policy == actors.CallerRuns):
		m.refuse(t, messages.ErrQueueFull)
	case policy == actors.Block:
		t.state = refWaiting
		m.waiters = append(m.waiters, t)
	case policy == actors.CallerRuns:
		m.enter(t)
		t.inCaller = true
		m.callers = append(m.callers, t)
		m.start(t)
	default:
		m.dropFor(t)
	}
}

// broadcast submits one task for each worker: all are accepted or none. The overflow
// policy does not apply.
func (m *reference) broadcast(copies []*refTask) {
	switch {
	case m.phase != refOpen:
		if !m.isDone() { // else it is a dead letter
			m.refuse(copies[0], messages.ErrPoolStopped)
		}
	case !m.fits(len(copies)):
		m.refuse(copies[0], messages.ErrQueueFull)
	default:
		for i, t := range copies {
			t.worker = i
			m.accept(t)
		}
		m.settleDown()
	}
}

// fits reports whether there is room for one more task at each of n workers. Under late
// binding the workers have no shares: as many tasks may wait as the capacity allows.
func (m *reference) fits(n int) bool {
	if m.workers != nil && m.workers.early {
		return m.workers.allHaveRoom()
	}
	return len(m.queue)+n-m.free() <= m.room()
}

// mustQueueUp reports whether others wait for the place that t needs.
func (m *reference) mustQueueUp(t *refTask) bool {
	if m.workers != nil {
		return m.workers.competes(t, m.waiters)
	}
	return len(m.waiters) > 0
}

// findRoom reports whether there is room for one more task, and under early binding
// chooses the worker: there is room in the queue, or a worker is free to take a task out
// of it at once.
func (m *reference) findRoom(t *refTask) bool {
	if m.workers != nil {
		return m.workers.findRoom(t)
	}
	return len(m.queue)-m.room() < m.free()
}

// room is what waiting retries leave of the capacity.
func (m *reference) room() int { return m.script.room(len(m.delayed)) }

// free is the number of workers that would take a task.
func (m *reference) free() int {
	if m.paused {
		return 0
	}
	return m.size - m.busy()
}

// busy is the number of workers with a task in hand, save those that are leaving.
func (m *reference) busy() (n int) {
	for _, t := range m.hands {
		if !t.leaving {
			n++
		}
	}
	return n
}

func (m *reference) refuse(t *refTask, err error) {
	m.waiters = without(m.waiters, t)
	m.books.rejected++
	t.state = refOver
	switch t.kind {
	case doAsk:
		t.seen.told, t.seen.what = m.now, describe(err)
	case doRequest, doBroadcast:
		t.seen.told = m.now
		t.seen.what = describeResult(&messages.Result{Outcome: messages.Rejected, Err: err})
	default:
		t.seen.returned, t.seen.refusal = m.now, describe(err)
	}
}

// enter enters the task into the ledger.
func (m *reference) enter(t *refTask) {
	m.books.submitted++
	t.accepted = m.now
}

func (m *reference) accept(t *refTask) {
	m.waiters = without(m.waiters, t)
	m.enter(t)
	m.enqueue(t)
	m.submitted(t)
}

// submitted says that Submit or Tell returns. From then on, only who asks may still
// give up, or whose context is bound to the task.
func (m *reference) submitted(t *refTask) {
	if t.kind == doSubmit || t.kind == doTell {
		t.seen.returned, t.seen.refusal = m.now, describe(nil)
	}
	if !t.endsWithContext() {
		t.givesUp = 0
	}
}

// enqueue puts the task behind those of its priority.
func (m *reference) enqueue(t *refTask) {
	t.state = refQueued
	i := slices.IndexFunc(m.queue, func(q *refTask) bool { return q.priority < t.priority })
	if i < 0 {
		i = len(m.queue)
	}
	m.queue = slices.Insert(m.queue, i, t)
}

func (m *reference) unqueue(t *refTask) {
	m.queue, m.delayed = without(m.queue, t), without(m.delayed, t)
}

// dropFor accepts t and drops the oldest task of the lowest priority, or t itself.
func (m *reference) dropFor(t *refTask) {
	var victim *refTask
	if m.script.overflow == actors.DropOldest {
		victim = m.victimFor(t)
	}
	if victim != nil && victim.priority <= t.priority {
		m.unqueue(victim)
		m.settle(victim, messages.Dropped, messages.ErrDropped)
		victim.state = refOver
		m.accept(t)
		return
	}
	m.enter(t)
	m.submitted(t)
	m.settle(t, messages.Dropped, messages.ErrDropped)
	t.state = refOver
}

// victimFor is the task that DropOldest drops for t, if it is of no higher priority.
func (m *reference) victimFor(t *refTask) *refTask {
	if m.workers != nil && m.workers.early {
		return m.workers.victimFor(t)
	}
	return oldestOfLowest(m.queue)
}

// oldestOfLowest is the task that came first into the list, of those with the lowest
// priority. A retry is never dropped.
func oldestOfLowest(tasks []*refTask) (first *refTask) {
	for _, t := range tasks {
		if t.attempts == 0 && (first == nil || t.priority < first.priority) {
			first = t
		}
	}
	return first
}
