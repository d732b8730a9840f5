package supervision

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/restarts"
	"github.com/troupe-go/troupe/supervisor"
)

// decisionTime is how long a strategy may think about a failure.
const decisionTime = supervisor.DecisionTime

var errUndecided = fmt.Errorf("it has not returned for %v", decisionTime)

// strategyGuard is the supervision strategy of a pool's workers. It asks the user's strategy
// on another goroutine, survives faults of that strategy, and has the state that the
// strategy needs. It is safe for concurrent use.
type strategyGuard struct {
	strategy actor.SupervisorStrategy
	delays   *restarts.Delays // of the strategy; nil: it does not delay restarts
	members  *members
	workers  Workers
	deliver  *deliver.Deliverer
	escalate func(reason, message any)
	failures failureQueue
	delayed  delayedRestarts

	mu     sync.Mutex
	record restarts.Record // guarded by mu; failures of all workers, if the strategy has a budget for them
}

func newStrategyGuard(cfg Config, m *members) *strategyGuard {
	strategy := cfg.Strategy
	switch b := strategy.(type) {
	case supervisor.Backoff:
		strategy = supervisor.OneForOne(b)
	case *supervisor.Backoff:
		strategy = supervisor.OneForOne(*b)
	}
	g := &strategyGuard{
		strategy: strategy, delays: restarts.Of(strategy),
		members: m, workers: cfg.Workers, deliver: cfg.Deliverer, escalate: cfg.Escalate,
	}
	g.failures.ask = g.ask
	g.failures.late = func(f *failure) { g.overrule(f, errUndecided) }
	return g
}

// start prepares for new workers.
func (g *strategyGuard) start() {
	g.members.clear()
	g.failures.start()
	g.delayed.start()
}

// forget ends what is planned for a worker that has stopped.
func (g *strategyGuard) forget(worker *actor.PID) {
	g.failures.forget(worker)
	g.delayed.cancel(worker)
}

// stop ends everything that is planned.
func (g *strategyGuard) stop() {
	g.failures.start()
	g.delayed.stop()
}

// HandleFailure implements [actor.SupervisorStrategy].
func (g *strategyGuard) HandleFailure(
	_ *actor.ActorSystem, _ actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, message any,
) {
	if !g.members.has(child) {
		return // it has stopped
	}
	f := &failure{worker: child, stats: rs, reason: reason, message: message}
	f.view = &poolView{guard: g, failure: f}
	g.failures.add(f)
}

// ask asks the strategy.
func (g *strategyGuard) ask(f *failure) {
	if n := g.workers.FailedStarts(f.worker); n > attempts && g.delays == nil {
		g.deliver.Log(slog.LevelError, "worker cannot start", "worker", f.worker.Id, "failures", n, "reason", f.reason)
		f.view.Dismiss(cannotStart, f.worker)
		return
	}
	guard.Report(func() {
		g.strategy.HandleFailure(g.deliver.System(), f.view, f.worker, f.stats, f.reason, f.message)
	}, func(err error) { g.overrule(f, err) })
}

// overrule restarts a worker about which the strategy has failed to decide. What the
// strategy has decided before it failed stands, and what it decides later is ignored.
func (g *strategyGuard) overrule(f *failure, err error) {
	if f.view.end() {
		g.deliver.Log(slog.LevelError, "supervision strategy failed: worker restarted", "worker", f.worker.Id, "error", err)
		g.tell(&actor.Restart{}, f.worker)
	}
}

// tell sends workers a message of the actor system.
func (g *strategyGuard) tell(message any, workers ...*actor.PID) {
	for _, worker := range workers {
		g.deliver.TellSystem(worker, message)
	}
}

// exceeds records a failure of any worker and reports whether restarting after it
// would exceed the budget.
func (g *strategyGuard) exceeds(b restarts.Budget) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.record.Exceeds(b, time.Now())
}
