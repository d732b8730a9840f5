package supervisor

import (
	"math"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/backoff"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/internal/restarts"
)

// Backoff delays the restarts of a worker that keeps failing. The first delay is
// Min; each further one is twice the one before, up to Max. While a worker waits
// for its restart, the other workers run its tasks. A worker that could not be
// started is also started again after these delays.
//
// Backoff is an option of [OneForOne], [AllForOne] and [Escalate]. It is also a
// strategy, the same as OneForOne(Backoff{…}).
type Backoff struct {
	// Min is the first delay, more than 0. Max is the longest.
	Min, Max time.Duration
	// Jitter varies each delay at random by up to this share of it, 0 to 1, up or
	// down. No delay is below Min or above Max.
	Jitter float64
	// ResetAfter is how long a worker must run without failure, counted from its
	// last restart, before its delays begin with Min again. 0 means twice Max.
	ResetAfter time.Duration
}

var _ actor.SupervisorStrategy = Backoff{}

func (b Backoff) apply(s *Strategy) { s.backoff, s.delaying = &b, restarts.By(b.delays()) }

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

func (b Backoff) delays() restarts.Delays {
	d := restarts.Delays{
		Backoff:    backoff.Backoff{Min: b.Min, Max: b.Max, Jitter: b.Jitter},
		ResetAfter: b.ResetAfter,
	}
	if b.ResetAfter == 0 {
		d.ResetAfter = b.Max + min(b.Max, math.MaxInt64-b.Max)
	}
	return d
}

// restartLater restarts children of an actor that is not a pool. It delays them by
// the number of failures within ResetAfter.
func (b Backoff) restartLater(s actor.Supervisor, rs *actor.RestartStatistics, children []*actor.PID) {
	rs.Fail()
	d := b.delays()
	delay := d.Delay(max(rs.NumberOfFailures(d.ResetAfter)-1, 0))
	time.AfterFunc(delay, func() { s.RestartChildren(children...) })
}
