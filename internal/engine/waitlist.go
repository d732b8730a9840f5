package engine

import (
	"sync"
	"sync/atomic"

	"github.com/troupe-go/troupe/internal/chain"
)

// A waitList has the submitters that wait for room, in order of arrival. Those whose tasks
// are for one worker wait for that worker. All others wait for any room.
type waitList struct {
	mu   sync.Mutex
	all  chain.Chain[*waiter] // guarded by mu
	_    [64]byte
	some atomic.Bool // all is not empty; written under mu
	_    [63]byte
}

// A waiter is a submitter that waits for room. It is in waitList.all until its task is
// accepted or refused; in either case ready then gets a value.
type waiter struct {
	task  *Task
	spec  Spec
	wait  *poolWait           // of the handler that waits; nil: not a handler of this pool
	link  chain.Link[*waiter] // guarded by waitList.mu; in all
	waits bool                // guarded by waitList.mu; it is in all
	err   error               // guarded by waitList.mu until ready has been received
	ready chan struct{}       // has one slot
}

func newWaiter(t *Task, s *Spec) *waiter {
	wt := &waiter{task: t, spec: *s, waits: true, ready: make(chan struct{}, 1)}
	wt.link.Of = wt
	return wt
}

// point records for which worker's queue a handler waits.
func (wt *waiter) point() {
	if wt.wait != nil {
		wt.wait.room.Store(wt.spec.to.worker)
	}
}

// endLocked ends the wait of a submitter with an error, which is nil if its task has been
// accepted.
func (l *waitList) endLocked(wt *waiter, err error) {
	l.all.Remove(&wt.link)
	l.some.Store(l.all.Len() > 0)
	wt.waits = false
	wt.err = err
	if wt.wait != nil {
		wt.wait.over.Store(true)
	}
	wt.ready <- struct{}{}
}

// refuseAllLocked ends all waits with an error.
func (l *waitList) refuseAllLocked(err error) {
	for l.all.Len() > 0 {
		l.endLocked(l.all.First().Of, err)
	}
}
