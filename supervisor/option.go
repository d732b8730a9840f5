package supervisor

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/restarts"
)

// Option configures a strategy. The options are [Restarts], [PoolRestarts],
// [PoolRestartsElseEscalate], [Backoff] and [Decider].
type Option interface{ apply(*Strategy) }

// Decider decides what happens to a worker that failed. It is an option of a
// strategy. err is a *[messages.PanicError] without the stack: errors.Is and
// errors.As reach the value of the panic if it is an error, and errors.Is(err,
// messages.ErrGoexit) reports a runtime.Goexit. Several pools may call a decider
// at the same time.
type Decider func(err error) actor.Directive

func (d Decider) apply(s *Strategy) { s.decide = d }

type budget struct{ restarts.Budget }

func (b budget) apply(s *Strategy) { s.budget = &b }

// Restarts bounds the restarts of each worker to n within the given time. A
// worker that fails once more is stopped and not replaced. n = 0 allows no
// restart; within = 0 counts the worker's whole life. The default is no bound.
func Restarts(n int, within time.Duration) Option {
	return budget{restarts.Budget{Max: n, Within: within}}
}

type poolBudget struct {
	budget
	escalates bool
}

func (b poolBudget) apply(s *Strategy) { s.poolBudget = &b }

// PoolRestarts bounds the restarts of all workers of a pool together to n within
// the given time. A worker that fails once more is stopped and not replaced. The
// pool continues with the remaining workers and reports the loss: see
// [messages.Degraded] and [messages.Stats].Lost. within = 0 counts the pool's
// whole life. With [AllForOne], a failure counts once, however many workers it
// restarts. The default is no bound.
func PoolRestarts(n int, within time.Duration) Option {
	return poolBudget{budget: budget{restarts.Budget{Max: n, Within: within}}}
}

// PoolRestartsElseEscalate is [PoolRestarts], except that a failure beyond the
// budget is passed to the strategy of the pool's parent.
func PoolRestartsElseEscalate(n int, within time.Duration) Option {
	return poolBudget{budget: budget{restarts.Budget{Max: n, Within: within}}, escalates: true}
}
