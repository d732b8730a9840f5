package supervision

import (
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/restarts"
	"github.com/troupe-go/troupe/messages"
	"github.com/troupe-go/troupe/supervisor"
)

// strategyGuard is the supervision strategy of a pool's workers. It asks the user's
// strategy, survives faults of that strategy, and has the state that the strategy needs. It
// outlives a restart of the supervisor. It is safe for concurrent use.
type strategyGuard struct {
	strategy actor.SupervisorStrategy
	delays   *restarts.Delays // of the strategy; nil: it does not delay restarts
	members  *members
	workers  Workers
	logger   *slog.Logger
	pool     string
	escalate func(reason, message any)
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
	return &strategyGuard{
		strategy: strategy, delays: restarts.Of(strategy),
		members: m, workers: cfg.Workers, logger: cfg.Logger, pool: cfg.Pool, escalate: cfg.Escalate,
	}
}

// start prepares for new workers.
func (g *strategyGuard) start() {
	g.members.clear()
	g.delayed.start()
}

// forget ends what is planned for a worker that has stopped.
func (g *strategyGuard) forget(worker *actor.PID) { g.delayed.cancel(worker) }

// stop ends everything that is planned.
func (g *strategyGuard) stop() { g.delayed.stop() }

// HandleFailure implements [actor.SupervisorStrategy].
func (g *strategyGuard) HandleFailure(
	system *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	rs *actor.RestartStatistics, reason, message any,
) {
	view := &poolView{Supervisor: supervisor, guard: g, failures: rs, before: rs.FailureCount()}
	if n := g.workers.FailedStarts(child); n > attempts && g.delays == nil {
		logTo(g.logger, slog.LevelError, "worker cannot start",
			"pool", g.pool, "worker", child.Id, "failures", n, "reason", reason)
		view.Dismiss(cannotStart, child)
		return
	}
	done := false
	defer func() {
		if !done {
			g.strategyFailed(view, child, recover())
		}
	}()
	g.strategy.HandleFailure(system, view, child, rs, reason, message)
	done = true
}

// strategyFailed restarts the worker after the strategy has panicked, or has ended its
// goroutine if value is nil: see dispatcher. A decision that the strategy had made before
// its goroutine ended stands: a subscriber of the decision's event may have ended it.
func (g *strategyGuard) strategyFailed(view *poolView, child *actor.PID, value any) {
	if value == nil {
		if view.decided.Load() {
			return
		}
		value = messages.ErrGoexit
	}
	logTo(g.logger, slog.LevelError, "supervision strategy failed",
		"pool", g.pool, "worker", child.Id, "error", &messages.PanicError{Value: value})
	view.Supervisor.RestartChildren(child)
}

// exceeds records a failure of any worker and reports whether restarting after it
// would exceed the budget.
func (g *strategyGuard) exceeds(b restarts.Budget) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.record.Exceeds(b, time.Now())
}
