package supervisor

import (
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/internal/invalid"
)

// Backoff delays restarts: of a worker that fails again and again, exponentially.
// The first delay is Min; each further one is twice the one before, up to Max. While
// a worker waits, the others do its work.
//
// It is a strategy of its own, the same as OneForOne(Backoff{…}), and an option of
// [OneForOne], [AllForOne] and [Escalate], to be combined with the others. All of it
// that is not set has its default.
type Backoff struct {
	// Min is the first delay, more than 0, and Max the longest.
	Min, Max time.Duration
	// Jitter is the share, 0 to 1, by which each delay is off at random, up or down,
	// though never below Min or above Max.
	Jitter float64
	// ResetAfter is for how long a worker must not have failed since its restart for
	// the delays to begin with Min again. 0 means twice Max.
	ResetAfter time.Duration
}

var _ actor.SupervisorStrategy = Backoff{}

func (b Backoff) apply(s *Strategy) { s.backoff = &b }

// Validate returns an error that wraps [messages.ErrInvalidOption] if the delays
// make no sense.
func (b Backoff) Validate() error {
	switch {
	case b.Min <= 0:
		return invalid.Option("minimum restart delay %v <= 0", b.Min)
	case b.ResetAfter < 0:
		return invalid.Option("restart delay reset after %v < 0", b.ResetAfter)
	}
	return b.delays().Validate("restart delay")
}

// HandleFailure implements [actor.SupervisorStrategy].
func (b Backoff) HandleFailure(
	system *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID,
	rs *actor.RestartStatistics, reason, message any,
) {
	OneForOne(b).HandleFailure(system, supervisor, child, rs, reason, message)
}

func (b Backoff) patience() (Backoff, bool) { return b, true }

func (b Backoff) delays() backoff.Backoff {
	return backoff.Backoff{Min: b.Min, Max: b.Max, Jitter: b.Jitter}
}

func (b Backoff) quiet() time.Duration {
	if b.ResetAfter == 0 {
		return b.Max + min(b.Max, math.MaxInt64-b.Max)
	}
	return b.ResetAfter
}

// restartLater restarts workers after the delay that the failed one has come to. A
// pool keeps count itself; elsewhere, the failures within ResetAfter are counted.
func (b Backoff) restartLater(s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, workers []*actor.PID) {
	if d, ok := s.(delayer); ok {
		d.restartLater(b, child, workers)
		return
	}
	rs.Fail()
	delay := b.delays().Delay(max(rs.NumberOfFailures(b.quiet())-1, 0))
	time.AfterFunc(delay, func() { s.RestartChildren(workers...) })
}

// delayer is the supervisor of a pool: it restarts workers after a delay.
type delayer interface {
	restartLater(b Backoff, child *actor.PID, workers []*actor.PID)
}

// delays are the delayed restarts of one pool. They are guarded by oversight.mu.
type delays struct {
	of      map[string]*delayedRestart // by the ID of the PID of the worker that failed
	stopped bool                       // no restart is begun any more
}

type delayedRestart struct {
	failures  int         // in a row
	restarted time.Time   // when it was last, or is to be
	timer     *time.Timer // of the restart
}

// restartLater implements delayer.
func (a *asked) restartLater(b Backoff, child *actor.PID, workers []*actor.PID) {
	o := a.oversight
	o.crew.Sideline(child)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.delays.stopped {
		return
	}
	d := o.delays.of[child.Id]
	now := time.Now()
	switch {
	case d == nil:
		d = new(delayedRestart)
		o.delays.of[child.Id] = d
	case now.Sub(d.restarted) >= b.quiet():
		d.failures = 0
		fallthrough
	default:
		d.timer.Stop() // it may have been restarted by others before that came
	}
	delay := b.delays().Delay(d.failures)
	d.failures++
	d.restarted = now.Add(delay)
	d.timer = time.AfterFunc(delay, func() {
		if o.isDue(child, d, workers) {
			a.RestartChildren(workers...)
		}
	})
}

// isDue reports whether the restart is still to be done. If so, it serves for those
// of the others that are restarted with the worker and wait for their own.
func (o *oversight) isDue(worker *actor.PID, d *delayedRestart, workers []*actor.PID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.delays.stopped || o.delays.of[worker.Id] != d {
		return false
	}
	for _, other := range workers {
		if d := o.delays.of[other.Id]; d != nil {
			d.timer.Stop()
		}
	}
	return true
}

// forget ends what there is to do about a worker that is gone.
func (o *oversight) forget(worker *actor.PID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if d := o.delays.of[worker.Id]; d != nil {
		d.timer.Stop()
		delete(o.delays.of, worker.Id)
	}
}

// start begins anew, with workers that have not failed.
func (o *oversight) start() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delays = delays{of: make(map[string]*delayedRestart)}
}

// stop ends all that there is to do.
func (o *oversight) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delays.stopped = true
	for _, d := range o.delays.of {
		d.timer.Stop()
	}
}
