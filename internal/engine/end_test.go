package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/timelimit"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/router"
)

// A worker starts a task at the very moment at which another goroutine withdraws it,
// thousands of times.
func TestATaskIsEitherStartedOrWithdrawn(t *testing.T) {
	timelimit.Set(t)
	const rounds = 20_000
	e := newEngine(t, router.LeastBusy())
	w, r := seat(e, 1)[0], newRunner()
	var task *Task
	var started, withdrawn bool
	var round, done atomic.Int64 // those that have begun, and those in which Withdraw has returned
	until := func(n *atomic.Int64, reached int64) {
		for spins := 1; n.Load() < reached; spins++ {
			if spins%1000 == 0 { // else it would come too late for a close finish
				runtime.Gosched()
			}
		}
	}
	var other sync.WaitGroup
	other.Go(func() {
		for i := range int64(rounds) {
			until(&round, i+1)
			withdrawn = e.Withdraw(task, messages.ErrCanceled)
			done.Add(1)
		}
	})
	wrong, delay := 0, 0
	for i := range int64(rounds) {
		task, started = claimBatch(t, e, w, r, 1)[0], false
		task.body.(*job).work = func(*Context) error { started = true; return nil }
		round.Add(1)
		for range delay {
			done.Load()
		}
		mailboxOf(w).runBatch(r)
		until(&done, i+1)
		e.shared.mu.Lock()
		w.returnLocked(e.shared, r)
		e.shared.mu.Unlock()
		r.unlink()
		if started == withdrawn {
			wrong++
		}
		if withdrawn { // whoever was late is a little earlier in the next round
			delay = max(delay-1, 0)
		} else {
			delay = (delay + 1) % 5000 // the other may not have run at all
		}
	}
	other.Wait()
	assert.Zero(t, wrong, "tasks that were both, or neither")
	assert.True(t, e.Stats().Balanced())
}

// An accountant is a body that keeps the account of its task.
type accountant struct {
	Body
	account Account
}

func (a *accountant) Settled(s *Settlement) { s.Account(&a.account) }

// A worker reads the clock before it takes a batch, in which there may be a task that is
// accepted a moment later.
func TestATaskDoesNotRunBeforeItsAdmission(t *testing.T) {
	timelimit.Bubble(t, func(t *testing.T) {
		e := newEngine(t, router.LeastBusy())
		w := seat(e, 1)[0]
		w.hand.started.Store(e.now())
		time.Sleep(time.Second)
		task := claimBatch(t, e, w, newRunner(), 1)[0]
		body := &accountant{Body: task.body}
		task.body = body
		time.Sleep(time.Minute)
		state := task.load()
		task.swap(state, state.with(running).of(w.index))
		e.Cancel(task, messages.ErrCanceled)
		assert.Equal(t, Account{Worker: "a", Attempts: 1, Run: time.Minute}, body.account)
	})
}

// A worker's index is used again when the worker is gone. Whoever waits for the lock of the old
// worker's queue meanwhile must not settle a task of the new worker under that lock.
func TestATaskIsSettledUnderTheLockOfItsOwnQueue(t *testing.T) {
	timelimit.Set(t)
	e := newEngine(t, router.RoundRobin())
	old := seat(e, 1)[0]
	task := accept(e, old, &Spec{})
	old.q.mu.Lock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		var then after
		assert.True(t, e.end(task, task.load().sequence(), messages.Canceled, errEnd, errEnd, &then))
	}()
	for range 1000 {
		runtime.Gosched() // it comes to the lock
	}
	e.roster.mu.Lock()
	e.roster.strikeLocked(old)
	successor := newTestWorker(e, "successor")
	e.roster.enrollLocked(successor)
	e.roster.mu.Unlock()
	require.Equal(t, old.index, successor.index)
	successor.q.mu.Lock()
	successor.q.pushLocked(old.q.rings.Pop(), 0)
	successor.q.mu.Unlock()
	old.q.mu.Unlock()
	<-over
	assert.Zero(t, old.q.unstarted[messages.Canceled])
	assert.EqualValues(t, 1, successor.q.unstarted[messages.Canceled])
}
