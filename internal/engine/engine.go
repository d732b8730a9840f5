package engine

import (
	"cmp"
	"context"
	"runtime"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/messages"
)

// An Engine is the data plane of a pool: it admits tasks, queues them, gives workers their
// tasks and keeps the ledger. All its methods are safe for concurrent use.
//
// An Engine is made of layers: see core. ARCHITECTURE.md shows the steps of a task and the
// order of the locks.
type Engine struct {
	admission
	workerProps atomic.Pointer[actor.Props] // what the workers share; nil until the first
	mailbox     *poolMailbox                // of the pool's own actor; set by Props
}

// New returns an open engine without workers.
func New(cfg Config) *Engine {
	e := new(Engine)
	e.cfg, e.clock = cfg, newClock()
	e.name, e.self, e.work, e.tracer = cfg.Name, cfg.Self, cfg.Work, cfg.Tracer
	e.traces.Failed = func(_ any, err error) { e.tracerFailed(err) }
	e.contexts = cfg.Handled || cfg.Tracer != nil
	e.recycles = cfg.Recycling != (Recycling{})
	e.meter = meter.New()
	e.deliver = deliver.New(cfg.System, cfg.Logger, cfg.Name, (*workerMailbox)(nil), cfg.SupervisorMailbox)
	e.dispatch = newDispatch(cfg.Dispatch)
	e.races.plan = newRacePlan(cfg.Dispatch, cfg.Hedge)
	e.roster = newRoster()
	e.deadlocks.roster = e.roster
	e.sched = newScheduler(&e.base, idleRunners*runtime.GOMAXPROCS(0))
	e.shared = new(taskQueue)
	if e.late() {
		e.shared.late = new(lateQueue)
		e.shared.late.shunned.otherLocked = e.otherTakesLocked
	}
	e.timer.clock, e.timer.ring = e.clock, e.ring
	e.watchdog = newWatchdog(&e.base, &e.timer, &cfg.Watchdog)
	e.watchdog.expired = e.expire
	e.quarantine.keep = cmp.Or(cfg.Quarantine.Keep, defaultKeep)
	e.setCapacityLocked(0)
	return e
}

// Name returns the name of the pool.
func (e *Engine) Name() string { return e.name }

// Deliverer returns what hands out the pool's messages, events and log lines.
func (e *Engine) Deliverer() *deliver.Deliverer { return e.deliver }

// PeakBusy returns the largest number of workers that were busy at the same time since the
// last call.
func (e *Engine) PeakBusy() int {
	peak := e.pace.peak.Swap(e.pace.occupied.Load())
	return int(max(peak, e.pace.occupied.Load()))
}

// AddCounters adds sums to the counters of the worker with the given PID. If there is no
// such worker, it adds them to the counters of the pool.
func (e *Engine) AddCounters(pid *actor.PID, sums map[string]int64) {
	e.roster.mu.Lock()
	defer e.roster.mu.Unlock()
	if pid != nil {
		if w := e.roster.byID[pid.Id]; w != nil {
			w.hand.report(sums)
			return
		}
	}
	e.counters.add(sums)
}

// Cancel settles an accepted task as Canceled. A queued task is dropped from its queue; a
// running one has its context ended. Cancel does nothing if the task is settled.
func (e *Engine) Cancel(t *Task, err error) {
	var then after
	if e.end(t, t.load().sequence(), messages.Canceled, err, err, &then) {
		then.run(e.sched)
		e.progressed()
	}
}

// Withdraw settles an accepted task as Canceled if no worker has started it. It reports
// whether it settled the task.
func (e *Engine) Withdraw(t *Task, err error) bool {
	var then after
	for {
		w := t.load()
		if w.status() != queued || w&flagRetried != 0 {
			return false
		}
		if done, won := e.endQueued(t, w, messages.Canceled, err, &then); done {
			then.run(e.sched)
			e.progressed()
			return won
		}
	}
}

// Blocking records that the goroutine of ctx is about to wait for an accepted task of this
// pool. It returns ErrDeadlock if ctx belongs to one of the pool's own handlers and the
// wait is vain: see deadlocks. If err is nil, the caller must call done after the wait, and
// stuck is closed if the wait becomes vain.
func (e *Engine) Blocking(ctx context.Context, t *Task) (stuck <-chan struct{}, done func(), err error) {
	return e.BlockingOn(ctx, Ref{t, t.load().sequence()})
}

// BlockingOn is Blocking for a task that a Ref refers to.
func (e *Engine) BlockingOn(ctx context.Context, ref Ref) (stuck <-chan struct{}, done func(), err error) {
	self := e.handlerOf(ctx)
	if self == nil || ref.settled() {
		return nil, func() {}, nil
	}
	wait := newPoolWait(self, ref.task)
	if wait.word.sequence() != ref.sequence {
		return nil, func() {}, nil
	}
	if !e.block(wait) {
		return nil, nil, messages.ErrDeadlock
	}
	return wait.vain, func() { e.deadlocks.unblock(wait) }, nil
}

// RunHandled runs the task that its worker has in hand. The worker's actor calls it.
func (e *Engine) RunHandled(t *Task) {
	if w := e.roster.worker(t.load().worker()); w != nil && w.hand.task == t && !w.hand.settled {
		w.runs.finish(t, t.body.Run(w.hand.ctx))
	}
}

// ring handles all that is due: the deadlines queue by queue, then the retries, then the
// alarms, each list in order of time.
func (e *Engine) ring() {
	e.timer.mu.Lock()
	e.timer.at.Store(0)
	e.timer.mu.Unlock()
	now, next := e.now(), int64(0)
	soonest := func(at int64) {
		if at > 0 && (next == 0 || at < next) {
			next = at
		}
	}
	var then after
	for _, q := range e.queues() {
		due, at := q.popAllDue(now)
		for _, d := range due {
			e.timeUp(d, &then)
		}
		soonest(at)
	}
	soonest(e.releaseDue(now, &then))
	for a := e.timer.popDue(now); a != nil; a = e.timer.popDue(now) {
		a.due(now)
	}
	soonest(e.timer.next())
	if next > 0 {
		e.timer.set(next)
	}
	then.run(e.sched)
	e.progressed()
}
