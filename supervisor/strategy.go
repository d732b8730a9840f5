package supervisor

import (
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/guard"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/restarts"
	"github.com/troupe-go/troupe/messages"
)

// DecisionTime limits how long a pool waits for a strategy's decision. If it has neither decided
// nor returned by then, or has panicked, the pool restarts the worker and ignores what the
// strategy decides later. A strategy may also return first and decide later, without a
// limit.
const DecisionTime = time.Second

// A Strategy is an [actor.SupervisorStrategy] made by [OneForOne], [AllForOne]
// or [Escalate]. Any number of pools may share one.
type Strategy struct {
	delaying

	decide     Decider
	budget     *budget     // nil: no bound
	poolBudget *poolBudget // nil: no bound
	backoff    *Backoff    // nil: restarts are not delayed
	all        bool        // one worker's failure affects all workers
	invalid    error       // what is wrong with the options; nil: see Validate

	mu       sync.Mutex
	failures map[*actor.PID]restarts.Record // guarded by mu
}

// delaying is embedded by its alias to keep it out of the documentation.
type delaying = restarts.Delaying

var _ actor.SupervisorStrategy = (*Strategy)(nil)

// OneForOne restarts the worker that failed, unless a [Decider] decides otherwise.
func OneForOne(options ...Option) *Strategy { return newStrategy(actor.RestartDirective, options) }

// AllForOne restarts all workers when one has failed. With a [Decider], whatever
// it decides about the failed worker applies to all.
func AllForOne(options ...Option) *Strategy {
	s := newStrategy(actor.RestartDirective, options)
	s.all = true
	return s
}

// Escalate passes the failure to the strategy of the pool's parent, unless a
// [Decider] decides otherwise. The parent's decision applies to the whole pool.
// The failed worker is suspended until then.
func Escalate(options ...Option) *Strategy { return newStrategy(actor.EscalateDirective, options) }

func newStrategy(directive actor.Directive, options []Option) *Strategy {
	s := &Strategy{
		decide:   func(error) actor.Directive { return directive },
		failures: make(map[*actor.PID]restarts.Record),
	}
	for i, option := range options {
		if option == nil {
			s.invalid = invalid.Option("option %d of a strategy is nil", i)
			continue
		}
		option.apply(s)
	}
	return s
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the
// strategy cannot work. A pool validates every strategy that has this method.
func (s *Strategy) Validate() error {
	switch {
	case s == nil:
		return invalid.Option("nil strategy")
	case s.invalid != nil:
		return s.invalid
	case s.decide == nil:
		return invalid.Option("nil decider")
	}
	if s.budget != nil {
		if err := s.budget.Validate(); err != nil {
			return err
		}
	}
	if s.poolBudget != nil {
		if err := s.poolBudget.Validate(); err != nil {
			return err
		}
	}
	if s.backoff != nil {
		return s.backoff.Validate()
	}
	return nil
}

// HandleFailure implements [actor.SupervisorStrategy].
func (s *Strategy) HandleFailure(
	system *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	rs *actor.RestartStatistics, reason, message any,
) {
	directive := s.decide(&messages.PanicError{Value: reason})
	workers := []*actor.PID{child}
	if s.all {
		workers = supervisor.Children()
	}
	s.act(directive, supervisor, child, rs, workers, reason, message)
	if directive == actor.EscalateDirective {
		return
	}
	event := &actor.SupervisorEvent{Child: child, Reason: reason, Directive: directive}
	if pool, ok := supervisor.(restarts.Pool); ok {
		pool.Publish(event)
		return
	}
	// A subscriber's panic is the subscriber's own concern.
	_ = guard.Apart(func() { system.EventStream.Publish(event) })
}

// act does what has been decided.
func (s *Strategy) act(
	directive actor.Directive, supervisor actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics,
	workers []*actor.PID, reason, message any,
) {
	switch directive {
	case actor.ResumeDirective:
		supervisor.ResumeChildren(child)
	case actor.StopDirective:
		supervisor.StopChildren(workers...)
	case actor.EscalateDirective:
		supervisor.EscalateFailure(reason, message)
	default:
		s.restart(supervisor, child, rs, workers, reason, message)
	}
}

// restart restarts the workers if the budgets allow it.
func (s *Strategy) restart(
	supervisor actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics,
	workers []*actor.PID, reason, message any,
) {
	pool, inPool := supervisor.(restarts.Pool)
	switch exceeds := s.exceedsBudget(child, rs); {
	case exceeds && inPool:
		pool.Dismiss(restarts.Spent, workers...)
	case exceeds:
		supervisor.StopChildren(workers...)
	case s.poolBudget != nil && inPool && pool.Exceeds(s.poolBudget.Budget):
		if s.poolBudget.escalates {
			supervisor.EscalateFailure(reason, message)
			return
		}
		pool.Dismiss(restarts.PoolSpent, workers...)
	case s.backoff != nil && inPool:
		pool.RestartLater(s.backoff.delays(), child, workers)
	case s.backoff != nil:
		s.backoff.restartLater(supervisor, rs, workers)
	default:
		supervisor.RestartChildren(workers...)
	}
}

// exceedsBudget records a failure of the worker and reports whether restarting it
// would exceed its budget.
func (s *Strategy) exceedsBudget(worker *actor.PID, rs *actor.RestartStatistics) bool {
	if s.budget == nil {
		return false
	}
	if s.budget.Within == 0 { // Proto.Actor's own count is forgotten with the worker
		rs.Fail()
		return rs.FailureCount() > s.budget.Max
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for pid, record := range s.failures {
		if record.Expired(s.budget.Budget, now) {
			delete(s.failures, pid)
		}
	}
	record := s.failures[worker]
	exceeds := record.Exceeds(s.budget.Budget, now)
	s.failures[worker] = record
	if exceeds {
		delete(s.failures, worker)
	}
	return exceeds
}
