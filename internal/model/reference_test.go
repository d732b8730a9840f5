package model_test

import "time"

// A reference is a pool without goroutines: it jumps from one event to the next and
// does at each what the documentation says. Unless it has workers, it knows of the
// workers only how many there are and what they have in hand.
type reference struct {
	script    *script
	workers   *refWorkers // the workers one by one; nil if the script does not depend on that
	seen      *account    // of the pool itself; for what is not specified: see resize and refWorkers.taker
	account   account     // what is predicted
	ambiguous bool        // two things were due at one instant

	now     time.Duration
	tasks   []*refTask
	queue   []*refTask // in the order in which they are taken
	delayed []*refTask // for a retry, in the order of acceptance
	waiters []*refTask // for admission, first come first
	hands   []*refTask // in the workers' hands, settled or not
	callers []*refTask // in their callers', settled or not
	size    int
	paused  bool
	phase   refPhase
	dropped bool     // the queue was dropped by a stop: nothing is retried
	books   snapshot // only its sums
	before  snapshot // the books when the stop began
	waits   []int    // the steps whose waits go on
	stops   []*refStop
}

type refPhase int

const (
	refOpen refPhase = iota
	refDraining
	refClosed
)

type refTask struct {
	op
	index    int
	worker   int // the worker that has the task queued or in hand; none: no worker, or any
	state    refState
	settled  bool
	accepted time.Duration
	attempts int
	begun    time.Duration // the last of them
	ran      time.Duration // all that have ended
	due      time.Duration // when its time is up
	givesUp  time.Duration // when its submitter's context ends
	next     time.Duration // when its attempt ends, or the next begins
	leaving  bool          // its worker is
	inCaller bool          // its first attempt was
	ended    time.Duration // when its handler had returned
	back     time.Duration // when Submit had it run in the caller, or gave up
	seen     *sighting     // what is predicted to be seen
}

type refState int

const (
	refFresh refState = iota
	refWaiting
	refQueued
	refDelayed
	refRunning
	refOver
)

// A refStop is a shutdown or a close that has not returned. Since it began, or was cut
// off, a close waits for its grace at most.
type refStop struct {
	step          int
	cutoff, grace time.Duration // 0: not yet, or no longer
	err           error
}

// predict carries the script out. It reports false if the script leaves open what
// is to happen.
func predict(s *script, seen *account) (*account, bool) {
	m := &reference{script: s, seen: seen, size: s.size, now: begin}
	tasks := s.tasks()
	if s.named() {
		m.workers = newRefWorkers(m)
	}
	m.account = account{
		tasks: make([]sighting, len(tasks)), resized: map[int]string{}, waits: map[int]instants{}, stops: map[int]report{},
	}
	for i, o := range tasks {
		m.tasks = append(m.tasks, &refTask{op: o, index: i, worker: none, seen: &m.account.tasks[i]})
	}
	n := 0
	for i, o := range s.complete() {
		m.passUntil(m.now + s.span(o.after, i, ofStep))
		m.snap()
		submitted := m.tasks[n : n+o.submissions()]
		n += len(submitted)
		if o.kind == doBroadcast {
			m.broadcast(submitted)
			submitted = nil
		}
		for _, t := range submitted {
			m.submit(t)
		}
		m.do(i, o, n)
		m.snap()
	}
	m.passUntil(m.now + s.span(finale))
	m.snap()
	return &m.account, !m.ambiguous
}

// passUntil lets time pass.
func (m *reference) passUntil(at time.Duration) {
	for {
		when, act := m.nextEvent()
		if act == nil || when > at {
			break
		}
		m.ambiguous = m.ambiguous || when == at
		m.now = when
		act()
	}
	m.now = at
}

func (m *reference) nextEvent() (at time.Duration, act func()) {
	see := func(possible bool, when time.Duration, what func()) {
		if !possible || when == 0 || act != nil && when > at {
			return
		}
		m.ambiguous = m.ambiguous || act != nil && when == at
		at, act = when, what
	}
	for _, t := range m.tasks {
		alive := t.state != refFresh && t.state != refOver
		see(alive && !t.settled, t.due, func() { m.timeUp(t) })
		see(alive, t.givesUp, func() { m.giveUp(t) })
		see(t.state == refRunning, t.next, func() { m.attemptEnds(t) })
		see(t.state == refDelayed, t.next, func() { m.tryAgain(t) })
	}
	for _, s := range m.stops {
		see(true, s.cutoff, func() {
			s.cutoff, s.err = 0, errDeadline
			m.close(s)
		})
		see(true, s.grace, func() { m.report(s) })
	}
	return at, act
}
