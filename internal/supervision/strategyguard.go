package supervisor

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
)

// barrenLimit is how many times in a row a worker may fail to start, or be
// replaced without ever having settled a task. It would else be restarted for
// ever, as fast as the machine can. A strategy that delays restarts has no limit.
const barrenLimit = 10

// oversight is the pool's supervision strategy: it asks the user's, and notes
// which workers that one stops for good.
type oversight struct {
	strategy actor.SupervisorStrategy
	crew     Crew
	logger   *slog.Logger
	pool     string
	escalate func(reason, message any)

	mu        sync.Mutex
	dismissed map[string]string // guarded by mu; why a worker is not to be replaced, by the ID of its PID
	delays    delays            // guarded by mu
	restarts  record            // guarded by mu; of all workers; kept if the strategy asks for it
}

// patient is a strategy that may delay restarts.
type patient interface{ patience() (Backoff, bool) }

// patience returns how the strategy delays restarts, and whether it does.
func (o *oversight) patience() (Backoff, bool) {
	if p, ok := o.strategy.(patient); ok {
		return p.patience()
	}
	return Backoff{}, false
}

// HandleFailure implements [actor.SupervisorStrategy].
func (o *oversight) HandleFailure(
	system *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	rs *actor.RestartStatistics, reason, message any,
) {
	asked := &asked{Supervisor: supervisor, oversight: o, failures: rs, before: rs.FailureCount()}
	_, delays := o.patience()
	if n := o.crew.Barren(child); n > barrenLimit && !delays {
		o.logger.Error("worker cannot start", "pool", o.pool, "worker", child.Id, "failures", n, "reason", reason)
		asked.dismiss(cannotStart, child)
		return
	}
	deliver.Apart(func() {
		decided := false
		defer func() {
			if value := recover(); !decided { // a panic, or a runtime.Goexit
				o.logger.Error("supervision strategy failed", "pool", o.pool, "worker", child.Id, "panic", value)
				supervisor.RestartChildren(child)
			}
		}()
		o.strategy.HandleFailure(system, asked, child, rs, reason, message)
		decided = true
	})
}

// takeDismissal returns why a worker that has stopped is not to be replaced.
func (o *oversight) takeDismissal(worker *actor.PID) (why string, dismissed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	why, dismissed = o.dismissed[worker.Id]
	delete(o.dismissed, worker.Id)
	return why, dismissed
}

// asked is the supervisor as the user's strategy sees it. A strategy may keep it
// and use it later, from any goroutine.
type asked struct {
	actor.Supervisor
	oversight *oversight
	failures  *actor.RestartStatistics
	before    int // failures counted before the strategy was asked
}

var (
	_ dismisser = (*asked)(nil)
	_ delayer   = (*asked)(nil)
)

// Children are the workers.
func (a *asked) Children() []*actor.PID { return slices.Clone(a.Supervisor.Children()) }

// EscalateFailure leaves the failure to the pool's parent. The workers' own
// supervisor goes on.
func (a *asked) EscalateFailure(reason, message any) { a.oversight.escalate(reason, message) }

// StopChildren stops workers. They are replaced, unless the strategy has spent
// its budget: Proto.Actor's own clear the count of failures then.
func (a *asked) StopChildren(workers ...*actor.PID) {
	if a.before > 0 && a.failures.FailureCount() == 0 {
		a.dismiss(restartsSpent, workers...)
		return
	}
	a.Supervisor.StopChildren(workers...)
}

// spent counts a failure of any worker of the pool and reports whether that was one
// too many.
func (a *asked) spent(b budget) bool {
	o := a.oversight
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.restarts.spent(b, time.Now())
}

// dismiss stops workers that are not to be replaced.
func (a *asked) dismiss(why string, workers ...*actor.PID) {
	a.oversight.mu.Lock()
	for _, w := range workers {
		a.oversight.dismissed[w.Id] = why
	}
	a.oversight.mu.Unlock()
	a.Supervisor.StopChildren(workers...)
}
