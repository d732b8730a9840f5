package supervisor

import (
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/messages"
)

// Option configures a strategy. The options are [Restarts] and [Decider].
type Option interface{ apply(*Strategy) }

// Decider says what is to be done about a worker that failed. err is a
// *[messages.PanicError], without the stack: errors.Is and errors.As reach the
// value of the panic if that is an error, and errors.Is(err,
// messages.ErrGoexit) holds for a runtime.Goexit. A decider may be called by
// several pools at once. It is itself an option of a strategy.
type Decider func(err error) actor.Directive

func (d Decider) apply(s *Strategy) { s.decide = d }

type budget struct {
	restarts int
	within   time.Duration
}

func (b budget) apply(s *Strategy) { s.budget = &b }

// Restarts bounds the restarts of each worker: when one would be restarted for
// the (n+1)th time within the given time, it is stopped instead and not
// replaced. n = 0 allows none; within = 0 counts the worker's whole life. The
// default is no bound.
func Restarts(n int, within time.Duration) Option { return budget{restarts: n, within: within} }

// A Strategy is an [actor.SupervisorStrategy] made by [OneForOne], [AllForOne]
// or [Escalate]. It may serve any number of pools.
type Strategy struct {
	decide  Decider
	budget  *budget // nil: no bound
	all     bool    // what befalls one worker befalls all
	invalid error   // what is wrong with the options; nil: see Validate

	mu       sync.Mutex
	failures map[*actor.PID][]time.Time // guarded by mu; the latest of each worker, oldest first, budget.restarts+1 at most
}

var _ actor.SupervisorStrategy = (*Strategy)(nil)

// OneForOne restarts the worker that failed, unless a [Decider] says otherwise.
func OneForOne(options ...Option) *Strategy { return newStrategy(actor.RestartDirective, options) }

// AllForOne does to all workers what is to be done about the one that failed:
// by default, it restarts them.
func AllForOne(options ...Option) *Strategy {
	s := newStrategy(actor.RestartDirective, options)
	s.all = true
	return s
}

// Escalate leaves the failure to the strategy of the pool's parent, unless a
// [Decider] says otherwise. What that decides befalls the whole pool; the worker
// that failed waits for it.
func Escalate(options ...Option) *Strategy { return newStrategy(actor.EscalateDirective, options) }

func newStrategy(directive actor.Directive, options []Option) *Strategy {
	s := &Strategy{
		decide:   func(error) actor.Directive { return directive },
		failures: make(map[*actor.PID][]time.Time),
	}
	for i, option := range options {
		if option == nil {
			s.invalid = fmt.Errorf("%w: option %d of a strategy is nil", messages.ErrInvalidOption, i)
			continue
		}
		option.apply(s)
	}
	return s
}

// Validate returns an error that wraps [messages.ErrInvalidOption] if the
// strategy cannot work. A pool calls it for every strategy that has it.
func (s *Strategy) Validate() error {
	switch {
	case s == nil:
		return fmt.Errorf("%w: nil strategy", messages.ErrInvalidOption)
	case s.invalid != nil:
		return s.invalid
	case s.decide == nil:
		return fmt.Errorf("%w: nil decider", messages.ErrInvalidOption)
	case s.budget != nil && s.budget.restarts < 0:
		return fmt.Errorf("%w: %d restarts", messages.ErrInvalidOption, s.budget.restarts)
	case s.budget != nil && s.budget.within < 0:
		return fmt.Errorf("%w: restarts within %v", messages.ErrInvalidOption, s.budget.within)
	}
	return nil
}

// dismisser is the supervisor of a pool: it stops workers without replacing them.
type dismisser interface {
	dismiss(workers ...*actor.PID)
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
	if directive != actor.EscalateDirective {
		deliver.Deliverer{System: system, Logger: system.Logger()}.Publish(
			&actor.SupervisorEvent{Child: child, Reason: reason, Directive: directive})
	}
	switch directive {
	case actor.ResumeDirective:
		supervisor.ResumeChildren(child)
	case actor.StopDirective:
		supervisor.StopChildren(workers...)
	case actor.EscalateDirective:
		supervisor.EscalateFailure(reason, message)
	default:
		if !s.spent(child, rs) {
			supervisor.RestartChildren(workers...)
		} else if d, ok := supervisor.(dismisser); ok {
			d.dismiss(workers...)
		} else {
			supervisor.StopChildren(workers...)
		}
	}
}

// spent counts a failure of the worker and reports whether that was one too many.
func (s *Strategy) spent(worker *actor.PID, rs *actor.RestartStatistics) bool {
	if s.budget == nil {
		return false
	}
	if s.budget.within == 0 { // Proto.Actor's count will do, and goes with the worker
		rs.Fail()
		return rs.FailureCount() > s.budget.restarts
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for pid, times := range s.failures {
		if now.Sub(times[len(times)-1]) >= s.budget.within {
			delete(s.failures, pid)
		}
	}
	times := append(s.failures[worker], now)
	if len(times) > s.budget.restarts+1 {
		times = times[1:]
	}
	s.failures[worker] = times
	if len(times) <= s.budget.restarts || now.Sub(times[0]) >= s.budget.within {
		return false
	}
	delete(s.failures, worker)
	return true
}
