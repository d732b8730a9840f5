package model_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/troupe-go/troupe/messages"
)

var (
	errDeadline        = context.DeadlineExceeded
	errCanceledContext = context.Canceled
)

// closeGrace is how long a close waits for handlers.
const closeGrace = 250 * time.Millisecond

// do carries out a step that is no submission. n tasks have been submitted.
func (m *reference) do(step int, o op, n int) {
	switch o.kind {
	case doCancel:
		if i := n - 1 - o.n; i >= 0 {
			m.cancel(m.tasks[i])
		}
	case doPause:
		m.paused = m.paused || m.phase == refOpen
	case doResume:
		m.paused = false
		m.admit()
	case doResize:
		m.resize(step, o.n)
	case doWait:
		m.waits = append(m.waits, step)
		m.ifQuiet()
	case doShutdown:
		m.shutdown(step, o.d, m.drain)
	case doFinish:
		m.shutdown(step, o.d, m.finish)
	case doPoison:
		m.drain()
	case doClose:
		s := &refStop{step: step}
		m.stops = append(m.stops, s)
		m.close(s)
	case doStop, doStopParent:
		m.close(nil)
	}
}

// shutdown drains or finishes the pool and closes it after the time d. A pool of user actors has no
// such limit; one that is closed gives no report.
func (m *reference) shutdown(step, d int, begin func()) {
	stop := &refStop{step: step}
	if !m.script.actors {
		stop.cutoff = m.now + m.script.span(d, step, ofTimeout)
	}
	if !m.script.actors || m.phase != refClosed {
		m.stops = append(m.stops, stop)
	}
	begin()
}

// cancel is the cancel of a future.
func (m *reference) cancel(t *refTask) {
	alive := t.state == refQueued || t.state == refDelayed || t.state == refRunning
	if t.kind == doSubmit && alive && !t.settled && t.seen.returned > 0 {
		m.end(t, messages.Canceled, messages.ErrCanceled)
	}
}

func (m *reference) resize(step, size int) {
	if m.phase == refClosed {
		m.account.resized[step] = describe(messages.ErrPoolStopped)
		return
	}
	m.account.resized[step] = describe(nil)
	// Who has which task is not predicted, so it is not known who leaves.
	for _, index := range m.seen.retired[step] {
		if i := slices.IndexFunc(m.hands, func(t *refTask) bool { return t.index == index }); i >= 0 {
			m.hands[i].leaving = true
		}
	}
	for m.size < size {
		m.size++
		m.admit()
	}
	m.size = size
}

// quiet reports whether nothing is queued or running, or has a handler that has not
// returned.
func (m *reference) quiet() bool {
	return len(m.queue)+len(m.delayed)+len(m.hands)+len(m.callers) == 0
}

func (m *reference) ifQuiet() {
	if m.quiet() {
		for _, step := range m.waits {
			m.account.waits[step] = append(m.account.waits[step], m.now)
		}
		m.waits = nil
	}
	if m.phase != refOpen {
		m.whenStopping()
	}
}

// whenStopping is what a stop has to wait for.
func (m *reference) whenStopping() {
	if m.quiet() {
		m.phase = refClosed
		for _, s := range m.stops {
			s.cutoff = 0
		}
	}
	if !m.isDone() {
		return
	}
	if m.account.done == 0 {
		m.account.done = m.now
	}
	for _, s := range slices.Clone(m.stops) {
		if s.cutoff == 0 {
			m.report(s)
		}
	}
}

func (m *reference) isDone() bool { return m.phase == refClosed && len(m.hands) == 0 }

func (m *reference) drain() {
	if m.phase == refOpen {
		m.phase, m.before = refDraining, m.books
		m.paused = false
		m.refuseWaiters()
		m.settleDown()
	}
	m.ifQuiet()
}

// finish drops the queue, also of a pool that drains.
func (m *reference) finish() {
	if m.phase == refOpen {
		m.phase, m.before = refDraining, m.books
		m.refuseWaiters()
	}
	m.paused = m.paused && m.phase == refClosed
	m.dropQueue()
	m.ifQuiet()
}

// dropQueue drops what is queued, because the pool stops.
func (m *reference) dropQueue() {
	m.dropped = true
	for _, t := range slices.Concat(m.queue, m.delayed) {
		m.unqueue(t)
		t.state = refOver
		m.settle(t, messages.Dropped, errors.Join(messages.ErrDropped, messages.ErrPoolStopped))
	}
}

func (m *reference) refuseWaiters() {
	for _, t := range m.waiters {
		m.refuse(t, messages.ErrPoolStopped)
	}
}

// close ends everything at once. s is the shutdown or close that waits for it, nil if
// none does.
func (m *reference) close(s *refStop) {
	if s != nil {
		s.grace = m.now + closeGrace
	}
	if m.phase == refOpen {
		m.before = m.books
	}
	if m.phase != refClosed {
		m.phase = refClosed
		m.refuseWaiters()
		m.dropQueue()
		var running []*refTask
		for _, t := range slices.Concat(m.callers, m.hands) {
			if !t.settled {
				running = append(running, t)
				m.settle(t, messages.Canceled, errors.Join(messages.ErrCanceled, messages.ErrPoolStopped))
			}
		}
		for _, t := range running {
			if !t.stubborn {
				m.handlerReturned(t, endWell, 0)
			}
		}
	}
	m.ifQuiet()
}

// report is the return of a shutdown or close.
func (m *reference) report(s *refStop) {
	m.stops = slices.DeleteFunc(slices.Clone(m.stops), func(other *refStop) bool { return other == s })
	since := func(o messages.Outcome) int64 { return m.books.outcomes[o] - m.before.outcomes[o] }
	r := report{
		at: m.now, err: describe(s.err),
		finished: since(messages.Succeeded) + since(messages.Failed) + since(messages.Panicked) + since(messages.TimedOut) +
			since(messages.Quarantined),
		canceled: since(messages.Canceled), dropped: since(messages.Dropped), abandoned: len(m.hands) + len(m.callers),
	}
	for _, t := range m.tasks {
		if t.inCaller && t.ended == m.now {
			r.abandoned = anyNumber // a close does not wait for callers
		}
	}
	m.account.stops[s.step] = r
}
