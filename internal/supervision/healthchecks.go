package supervisor

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// A pool is overloaded when its queue exceeds overload times its size, until it is
// down to recovery times the size: so a queue about as long as either is not said
// to be overloaded and recovered by turns.
const (
	overload = 5
	recovery = 2.5
)

// health is the state of the health checks.
type health struct {
	timer      *time.Timer
	overloaded bool
}

func (h *health) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}

// checkHealth is what the supervisor sends itself at the health interval.
type checkHealth struct{}

func (s *supervisor) nextHealthCheck(ctx actor.Context) {
	if s.Health == 0 || s.stopping {
		return
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	s.health.timer = time.AfterFunc(s.Health, func() { root.Send(self, &checkHealth{}) })
}

// checkHealth publishes a snapshot, and an event when the pool has become
// overloaded or has recovered.
func (s *supervisor) checkHealth(ctx actor.Context) {
	stats := s.Crew.Stats()
	s.deliver.Publish(stats)
	limit := float64(overload)
	if s.health.overloaded {
		limit = recovery
	}
	queued := stats.Queued - stats.Delayed // what waits for its time is no load
	overloaded := float64(queued) > limit*float64(stats.Size)
	switch {
	case overloaded && !s.health.overloaded:
		s.Logger.Warn("pool overloaded", "pool", s.Pool, "queued", queued, "size", stats.Size)
		s.deliver.Publish(&messages.Overloaded{Pool: s.Pool, Queued: queued, Size: stats.Size})
	case !overloaded && s.health.overloaded:
		s.Logger.Info("pool recovered", "pool", s.Pool, "queued", queued, "size", stats.Size)
		s.deliver.Publish(&messages.Recovered{Pool: s.Pool, Queued: queued, Size: stats.Size})
	}
	s.health.overloaded = overloaded
	s.nextHealthCheck(ctx)
}
