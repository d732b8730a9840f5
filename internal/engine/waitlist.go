package engine

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/chain"
)

// A waitList has the submitters that wait for room, in lines: one for each worker that some
// of them wait for, and one for those that wait for any room. So however many submitters
// wait for one worker, the tasks of other workers are not delayed. It also has the actors that
// asked for a message when there is room.
type waitList struct {
	mu       sync.Mutex
	lines    map[*Worker]*waitLine // guarded by mu; those that are not empty; by nil: for any room
	spare    *waitLine             // guarded by mu; for reuse
	arrivals uint64                // guarded by mu
	askers   askers                // guarded by mu
	_        [64]byte
	some     atomic.Bool // lines is not empty, or asked; written under mu
	asked    atomic.Bool // askers is not idle; written under mu
	_        [62]byte
}

// A waitLine has the submitters that wait for one worker, or for any room, in order of
// arrival.
type waitLine struct {
	to      *Worker // nil: any room
	waiters chain.Chain[*waiter]
}

// A waiter is a submitter that waits for room. It is in a line until its task is accepted or
// refused; in either case ready then gets a value.
type waiter struct {
	task    *Task
	spec    Spec
	wait    *poolWait           // of the handler that waits; nil: not a handler of this pool
	arrival uint64              // guarded by waitList.mu
	line    *waitLine           // guarded by waitList.mu; nil: the wait is over
	link    chain.Link[*waiter] // guarded by waitList.mu; in line
	err     error               // guarded by waitList.mu until ready has been received
	ready   chan struct{}       // has one slot
}

func newWaiter(t *Task, s *Spec) *waiter {
	wt := &waiter{task: t, spec: *s, ready: make(chan struct{}, 1)}
	wt.link.Of = wt
	return wt
}

// point records for which worker's queue a handler waits.
func (wt *waiter) point() {
	if wt.wait != nil {
		wt.wait.room.Store(wt.spec.to.worker)
	}
}

// addLocked adds a submitter that has just arrived.
func (l *waitList) addLocked(wt *waiter) {
	l.arrivals++
	wt.arrival = l.arrivals
	l.enterLocked(wt)
	l.noteLocked()
}

// noteLocked updates some and asked.
func (l *waitList) noteLocked() {
	asked := !l.askers.idle()
	l.asked.Store(asked)
	l.some.Store(asked || len(l.lines) > 0)
}

// enterLocked puts a waiter into the line of its worker, in order of arrival.
func (l *waitList) enterLocked(wt *waiter) {
	line := l.lines[wt.spec.to.worker]
	if line == nil {
		line = l.openLocked(wt.spec.to.worker)
	}
	wt.line = line
	var later []*chain.Link[*waiter]
	for last := line.waiters.Last(); last != nil && last.Of.arrival > wt.arrival; last = line.waiters.Last() {
		line.waiters.Remove(last)
		later = append(later, last)
	}
	line.waiters.Push(&wt.link)
	for _, link := range slices.Backward(later) {
		line.waiters.Push(link)
	}
	wt.point()
}

// openLocked returns a new line.
func (l *waitList) openLocked(to *Worker) *waitLine {
	line := l.spare
	if line == nil {
		line = new(waitLine)
	}
	l.spare, line.to = nil, to
	if l.lines == nil {
		l.lines = make(map[*Worker]*waitLine)
	}
	l.lines[to] = line
	return line
}

// exitLocked takes a waiter out of its line.
func (l *waitList) exitLocked(wt *waiter) {
	line := wt.line
	wt.line = nil
	line.waiters.Remove(&wt.link)
	if line.waiters.Len() == 0 {
		delete(l.lines, line.to)
		l.spare, line.to = line, nil // it must not keep the worker
	}
}

// moveLocked puts a waiter whose worker may have changed into the right line.
func (l *waitList) moveLocked(wt *waiter) {
	if wt.line.to != wt.spec.to.worker {
		l.exitLocked(wt)
		l.enterLocked(wt)
	}
}

// headsLocked returns the first waiters of all lines, the last to arrive first.
func (l *waitList) headsLocked() (heads []*waiter) {
	for _, line := range l.lines {
		heads = append(heads, line.waiters.First().Of)
	}
	slices.SortFunc(heads, latestFirst)
	return heads
}

func latestFirst(a, b *waiter) int { return cmp.Compare(b.arrival, a.arrival) }

// followLocked adds the first waiter of a line, if there is one, to heads, which are sorted as
// those of headsLocked.
func (l *waitList) followLocked(heads []*waiter, line *Worker) []*waiter {
	next := l.lines[line]
	if next == nil {
		return heads
	}
	wt := next.waiters.First().Of
	at, _ := slices.BinarySearchFunc(heads, wt, latestFirst)
	return slices.Insert(heads, at, wt)
}

// allLocked returns all waiters in order of arrival.
func (l *waitList) allLocked() (all []*waiter) {
	for _, line := range l.lines {
		for link := line.waiters.First(); link != nil; link = link.Next() {
			all = append(all, link.Of)
		}
	}
	slices.SortFunc(all, func(a, b *waiter) int { return cmp.Compare(a.arrival, b.arrival) })
	return all
}

// regroupLocked puts all waiters into the lines of their workers, which may have changed.
func (l *waitList) regroupLocked(all []*waiter) {
	for _, wt := range all {
		l.exitLocked(wt)
	}
	for _, wt := range all { // in order of arrival, so each goes to the end of its line
		l.enterLocked(wt)
	}
}

// endLocked ends the wait of a submitter with an error, which is nil if its task has been
// accepted.
func (l *waitList) endLocked(wt *waiter, err error) {
	l.exitLocked(wt)
	l.noteLocked()
	wt.err = err
	if wt.wait != nil {
		wt.wait.over.Store(true)
	}
	wt.ready <- struct{}{}
}

// refuseAllLocked ends all waits with an error.
func (l *waitList) refuseAllLocked(err error) {
	for _, wt := range l.allLocked() {
		l.endLocked(wt, err)
	}
}
