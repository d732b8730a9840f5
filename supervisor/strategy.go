package supervisor

import (
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// Option configures a strategy. The options are [Restarts], [PoolRestarts],
// [PoolRestartsElseEscalate], [Backoff] and [Decider].
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

type poolBudget struct {
	budget
	escalates bool
}

func (b poolBudget) apply(s *Strategy) { s.poolBudget = &b }

// PoolRestarts bounds the restarts of all workers of a pool together: once there
// have been n within the given time, a further worker that would be restarted is
// stopped instead and not replaced. The pool goes on degraded, with those that are
// left, and says so: see [messages.Degraded] and [messages.Stats].Lost. within = 0
// counts the pool's whole life. With [AllForOne], a failure counts once, however many
// it restarts. The default is no bound.
func PoolRestarts(n int, within time.Duration) Option {
	return poolBudget{budget: budget{restarts: n, within: within}}
}

// PoolRestartsElseEscalate is [PoolRestarts], save that one failure too many is left
// to the strategy of the pool's parent.
func PoolRestartsElseEscalate(n int, within time.Duration) Option {
	return poolBudget{budget: budget{restarts: n, within: within}, escalates: true}
}

// A Strategy is an [actor.SupervisorStrategy] made by [OneForOne], [AllForOne]
// or [Escalate]. It may serve any number of pools.
type Strategy struct {
	decide     Decider
	budget     *budget     // nil: no bound
	poolBudget *poolBudget // nil: no bound
	backoff    *Backoff    // nil: restarts are not delayed
	all        bool        // what befalls one worker befalls all
	invalid    error       // what is wrong with the options; nil: see Validate

	mu       sync.Mutex
	failures map[*actor.PID]record // guarded by mu
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
		failures: make(map[*actor.PID]record),
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
// strategy cannot work. A pool calls it for every strategy that has it.
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
		if err := s.budget.validate(); err != nil {
			return err
		}
	}
	if s.poolBudget != nil {
		if err := s.poolBudget.validate(); err != nil {
			return err
		}
	}
	if s.backoff != nil {
		return s.backoff.Validate()
	}
	return nil
}

func (b budget) validate() error {
	switch {
	case b.restarts < 0:
		return invalid.Option("%d restarts", b.restarts)
	case b.within < 0:
		return invalid.Option("restarts within %v", b.within)
	}
	return nil
}

// patience returns how restarts are delayed, and whether they are.
func (s *Strategy) patience() (Backoff, bool) {
	if s.backoff == nil {
		return Backoff{}, false
	}
	return *s.backoff, true
}

// dismisser is the supervisor of a pool: it stops workers without replacing them.
type dismisser interface {
	dismiss(why string, workers ...*actor.PID)
	spent(b budget) bool // counts a failure of any of its workers
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
		pool, inPool := supervisor.(dismisser)
		stop := func(why string) {
			if inPool {
				pool.dismiss(why, workers...)
			} else {
				supervisor.StopChildren(workers...)
			}
		}
		switch {
		case s.spent(child, rs):
			stop(restartsSpent)
		case s.poolBudget != nil && inPool && pool.spent(s.poolBudget.budget):
			if s.poolBudget.escalates {
				supervisor.EscalateFailure(reason, message)
				return
			}
			stop(poolRestartsSpent)
		case s.backoff != nil:
			s.backoff.restartLater(supervisor, child, rs, workers)
		default:
			supervisor.RestartChildren(workers...)
		}
	}
}

// Why a worker is not replaced.
const (
	restartsSpent     = "restarts spent"
	poolRestartsSpent = "the pool's restarts spent"
	cannotStart       = "cannot start"
)

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
	times := s.failures[worker]
	spent := times.spent(*s.budget, now)
	s.failures[worker] = times
	if spent {
		delete(s.failures, worker)
	}
	return spent
}

// record has the latest failures, oldest first: one more at most than its budget has
// restarts.
type record []time.Time

// spent counts a failure and reports whether that was one too many for the budget.
func (r *record) spent(b budget, now time.Time) bool {
	times := append(*r, now)
	if len(times)-1 > b.restarts {
		times = times[1:]
	}
	*r = times
	return len(times) > b.restarts && (b.within == 0 || now.Sub(times[0]) < b.within)
}
