package supervision

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/supervisor"
)

// Config configures the supervisor of a pool. Its values have been validated.
type Config struct {
	Pool      string // the pool's name
	Size      int    // the number of workers at the start
	Strategy  actor.SupervisorStrategy
	Workers   Workers
	Health    time.Duration         // the interval of health checks; 0: none
	Autoscale *supervisor.Autoscale // nil: the size changes by request only
	Logger    *slog.Logger

	// Started is called when all workers have been spawned, or with the error of a worker
	// that could not be spawned. It reports whether someone waits for the start. If so, an
	// error stops the pool. Otherwise the pool has been restarted, and the supervisor tries
	// again.
	Started func(error) (awaited bool)
	// Escalate passes a worker's failure to the pool's parent. It may be called on
	// any goroutine.
	Escalate func(reason, message any)
	// NoWorkers is called when the last worker has stopped and none will replace it.
	NoWorkers func()
}

// Props returns the props of a supervisor.
func Props(cfg Config) *actor.Props {
	members := newMembers()
	guard := newStrategyGuard(cfg, members)
	return actor.PropsFromProducer(
		func() actor.Actor { return newSupervisorActor(cfg, members, guard) },
		actor.WithSupervisor(guard), actor.WithDispatcher(newDispatcher()),
	)
}

// ResizeRequest asks for another number of workers, like [messages.Resize], but
// without an actor as its sender. Done is called with the outcome.
type ResizeRequest struct {
	Size int
	Done func(error)
}

// ForSupervisor marks a message that the pool passes to its supervisor.
func (*ResizeRequest) ForSupervisor() {}

// CheckSize returns an error that wraps messages.ErrInvalidOption if a pool cannot
// have this number of workers.
func CheckSize(size int) error {
	switch {
	case size < 1:
		return invalid.Option("size %d < 1", size)
	case size > supervisor.MaxSize:
		return invalid.Option("size %d > %d", size, supervisor.MaxSize)
	}
	return nil
}
