package troupe_test

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/messages"
)

// A reference is a pool without goroutines: it jumps from one event to the next and
// does at each what the documentation says. Of the workers it knows only how many
// there are, and what they have in hand.
type reference struct {
	script    *script
	seen      *account // of the pool itself; only who is retired is taken from it
	account   account  // what is predicted
	ambiguous bool     // two things were due at one instant

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
	m.account = account{
		tasks: make([]sighting, len(tasks)), resized: map[int]string{}, waits: map[int]instants{}, stops: map[int]report{},
	}
	for i, o := range tasks {
		m.tasks = append(m.tasks, &refTask{op: o, index: i, seen: &m.account.tasks[i]})
	}
	n := 0
	for i, o := range s.complete() {
		m.passUntil(m.now + s.span(o.after, i, ofStep))
		m.snap()
		for range o.submissions() {
			m.submit(m.tasks[n])
			n++
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
	case m.room():
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

// room reports whether there is room for one more task: in the queue, save what
// waiting retries take of it, or since a worker is free to take one out at once.
func (m *reference) room() bool {
	return len(m.waiters) == 0 && m.roomForWaiter()
}

func (m *reference) roomForWaiter() bool {
	return len(m.queue)-max(m.script.capacity-len(m.delayed), 0) < m.free()
}

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
	case doRequest:
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
// give up.
func (m *reference) submitted(t *refTask) {
	if t.kind == doSubmit || t.kind == doTell {
		t.seen.returned, t.seen.refusal = m.now, describe(nil)
	}
	if t.kind != doAsk {
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
	victim := oldestOfLowest(m.queue)
	if d := oldestOfLowest(m.delayed); victim == nil || d != nil &&
		(d.priority < victim.priority || d.priority == victim.priority && d.index < victim.index) {
		victim = d
	}
	if m.script.overflow == actors.DropOldest && victim != nil && victim.priority <= t.priority {
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

// oldestOfLowest is who came first into the list, of those with the lowest priority.
func oldestOfLowest(tasks []*refTask) (first *refTask) {
	for _, t := range tasks {
		if first == nil || t.priority < first.priority {
			first = t
		}
	}
	return first
}
