package supervision

import (
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// A pool becomes overloaded when more than overload tasks per worker are queued, and
// recovers when at most recovery tasks per worker are queued. The two limits differ so that
// a queue near one of them does not make the pool change back and forth.
const (
	overload = 5
	recovery = 2.5
)

// healthChecks publish a snapshot of the pool at an interval, and an event when
// the pool has become overloaded or has recovered.
type healthChecks struct {
	pool       *pool
	every      time.Duration // 0: no health checks
	timer      *time.Timer
	overloaded bool
}

// schedule plans the next check.
func (h *healthChecks) schedule() {
	if h.every != 0 {
		h.timer = h.pool.after(h.every, h.check)
	}
}

func (h *healthChecks) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}

func (h *healthChecks) check() {
	stats := h.pool.workers.Stats()
	h.pool.publish(stats)
	h.assess(stats)
	h.schedule()
}

// assess publishes whether the pool has become overloaded or has recovered.
func (h *healthChecks) assess(stats *messages.Stats) {
	limit := float64(overload)
	if h.overloaded {
		limit = recovery
	}
	queued := stats.Queued - stats.Delayed // a delayed task is no load before its time
	overloaded := float64(queued) > limit*float64(stats.Size)
	if overloaded == h.overloaded {
		return
	}
	h.overloaded = overloaded
	figures := []any{"queued", queued, "size", stats.Size}
	if overloaded {
		h.pool.deliver.Log(slog.LevelWarn, "pool overloaded", figures...)
		h.pool.publish(&messages.Overloaded{Pool: h.pool.name, Queued: queued, Size: stats.Size})
		return
	}
	h.pool.deliver.Log(slog.LevelInfo, "pool recovered", figures...)
	h.pool.publish(&messages.Recovered{Pool: h.pool.name, Queued: queued, Size: stats.Size})
}
