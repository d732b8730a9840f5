package model_test

import (
	"errors"
	"slices"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// settleDown lets free workers take tasks, and then whoever waits take their place.
func (m *reference) settleDown() {
	for {
		if !m.takeOne() && !m.admitOne() {
			return
		}
	}
}

// takeOne lets a free worker take a task, if there is one for it.
func (m *reference) takeOne() bool {
	t := m.next()
	if t == nil {
		return false
	}
	m.unqueue(t)
	m.hands = append(m.hands, t)
	m.start(t)
	return true
}

// next is the next task that a free worker takes; nil: none.
func (m *reference) next() *refTask {
	switch {
	case m.workers != nil:
		return m.workers.next()
	case m.free() > 0 && len(m.queue) > 0:
		return m.queue[0]
	default:
		return nil
	}
}

// admitOne accepts the first task that waits for admission and finds room.
func (m *reference) admitOne() bool {
	for i, t := range m.waiters {
		first := i == 0 || m.workers != nil && !m.workers.competes(t, m.waiters[:i])
		if first && m.findRoom(t) {
			m.accept(t)
			return true
		}
	}
	return false
}

// admit lets those who wait in before a worker takes a task.
func (m *reference) admit() {
	for m.admitOne() {
	}
	m.settleDown()
}

func (m *reference) start(t *refTask) {
	t.state, t.leaving, t.begun = refRunning, false, m.now
	t.attempts++
	t.next = m.now + m.script.span(t.run, t.index, ofRun, t.attempts)
	t.seen.begun = append(t.seen.begun, m.now)
	if m.workers != nil {
		t.seen.worker = append(t.seen.worker, m.workers.name(t))
	}
}

// attemptEnds is what happens when the handler returns of its own accord.
func (m *reference) attemptEnds(t *refTask) {
	how, again := t.ending(t.attempts), time.Duration(0)
	if !t.settled {
		if !m.dropped {
			again = m.script.retryIn(&t.op, t.index, t.attempts, m.now, t.due, t.givesUp)
		}
		if outcome, err := how.outcome(); again == 0 {
			m.settle(t, outcome, err)
		}
	}
	m.handlerReturned(t, how, again)
}

// handlerReturned frees the worker. It was the end of an attempt, in the given way,
// after which the task is retried if again is positive.
func (m *reference) handlerReturned(t *refTask, how ending, again time.Duration) {
	ofWorker := slices.Contains(m.hands, t)
	m.hands, m.callers = without(m.hands, t), without(m.callers, t)
	t.state, t.ended = refOver, m.now
	t.ran += m.now - t.begun
	if again > 0 {
		m.books.retries++
		t.state, t.next = refDelayed, m.now+again
		m.delayed = append(m.delayed, t)
		if m.script.dispatch == leastBusy && t.kind != doBroadcast {
			t.worker = none
		}
	}
	if t.inCaller && t.back == 0 {
		m.cameBack(t)
	}
	if ofWorker && (how.restarts() || how.replaces()) {
		m.workerFailed(t, how)
	}
	m.settleDown()
	m.ifQuiet()
}

// workerFailed is what else happens when a handler panics or calls runtime.Goexit, or a
// user actor stops itself.
func (m *reference) workerFailed(t *refTask, how ending) {
	// Until the worker has restarted, or has its successor, it takes nothing. Who waits
	// until nothing is queued or running may have heard by then.
	if m.quiet() {
		for _, step := range m.waits {
			m.account.waits[step] = append(m.account.waits[step], m.now)
		}
	}
	switch {
	case t.leaving && how != endRestart: // which comes before the worker is told to stop
	case how.replaces():
		m.books.replaced++
		m.admit() // a successor joins as a worker that is added does
	default:
		m.books.restarts++
	}
}

// cameBack says that Submit, which had the task run in the caller, returns.
func (m *reference) cameBack(t *refTask) {
	t.back = m.now
	m.submitted(t)
}

func (m *reference) tryAgain(t *refTask) {
	m.unqueue(t)
	m.enqueue(t)
	m.settleDown()
}

// interrupt gives a running task an outcome and ends its handler's context.
func (m *reference) interrupt(t *refTask, outcome messages.Outcome, err error) {
	m.settle(t, outcome, err)
	if !t.stubborn {
		m.handlerReturned(t, endWell, 0)
	}
}

// end gives the task an outcome, wherever it is.
func (m *reference) end(t *refTask, outcome messages.Outcome, err error) {
	if t.state == refRunning {
		m.interrupt(t, outcome, err)
		return
	}
	m.unqueue(t)
	m.settle(t, outcome, err)
	t.state = refOver
	m.settleDown()
	m.ifQuiet()
}

func (m *reference) settle(t *refTask, outcome messages.Outcome, err error) {
	t.settled = true
	m.books.outcomes[outcome]++
	if t.inCaller && t.back == 0 {
		m.cameBack(t)
	}
	switch t.kind {
	case doAsk, doSubmit:
		t.seen.told, t.seen.what = m.now, describe(err)
	case doRequest, doBroadcast:
		result := &messages.Result{Outcome: outcome, Err: err, Attempts: t.attempts, Run: t.ran}
		if t.state == refRunning {
			result.Run += m.now - t.begun
		}
		result.Wait = m.now - t.accepted - result.Run
		t.seen.told, t.seen.what = m.now, m.script.answer(result)
	}
}

func (m *reference) timeUp(t *refTask) {
	if t.state == refWaiting {
		m.refuse(t, errors.Join(messages.ErrQueueFull, messages.ErrTaskTimeout))
		return
	}
	m.end(t, messages.TimedOut, messages.ErrTaskTimeout)
}

func (m *reference) giveUp(t *refTask) {
	t.givesUp = 0
	if t.state == refWaiting {
		m.refuse(t, errors.Join(messages.ErrQueueFull, errDeadline))
		return
	}
	if t.inCaller && t.back == 0 {
		m.cameBack(t)
	}
	if t.endsWithContext() && !t.settled {
		m.end(t, messages.Canceled, errors.Join(messages.ErrCanceled, errDeadline))
	}
}

func (m *reference) snap() {
	shot := m.books
	shot.queued, shot.delayed = int64(len(m.queue)+len(m.delayed)), int64(len(m.delayed))
	for _, t := range slices.Concat(m.hands, m.callers) {
		if !t.settled {
			shot.running++
		}
	}
	shot.paused = m.paused
	if m.phase != refOpen || m.script.allForOne {
		shot.restarts, shot.replaced = anyNumber, anyNumber // a stop may come first, or another's failure
	}
	if m.phase != refClosed {
		shot.size, shot.busy = m.size, m.busy()
	}
	if m.workers != nil && m.workers.early && m.phase == refOpen {
		shot.loads = m.workers.loads()
	}
	for _, t := range m.queue {
		shot.oldest = max(shot.oldest, m.now-t.accepted)
	}
	m.account.snapshots = append(m.account.snapshots, shot)
}

func without(tasks []*refTask, t *refTask) []*refTask {
	return slices.DeleteFunc(slices.Clone(tasks), func(other *refTask) bool { return other == t })
}
