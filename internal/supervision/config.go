package supervision

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/deliver"
	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/supervisor"
)

// Config configures the supervisor of a pool. Its values have been validated.
type Config struct {
	Pool      string     // the pool's name
	PID       *actor.PID // the pool's
	Size      int        // the number of workers at the start
	Strategy  actor.SupervisorStrategy
	Workers   Workers
	Health    time.Duration         // the interval of health checks; 0: none
	Autoscale *supervisor.Autoscale // nil: the size changes by request only
	Deliverer *deliver.Deliverer
	Kept      *Kept // shared by the supervisors of the pool
	// Routees are the foreign actors of the pool. RouteesOnly says that it has no workers of its
	// own: its size is the number of routees, which may be 0.
	Routees     *Routees
	RouteesOnly bool

	// Started is called when all workers have been spawned, or with the error of a worker
	// that could not be spawned. It reports whether someone waits for the start. If so, an
	// error stops the pool. Otherwise the pool has been restarted, and the supervisor tries
	// again. Started, Escalate and NoWorkers must return at once.
	Started func(error) (awaited bool)
	// Escalate passes a worker's failure to the pool's parent. It may be called on
	// any goroutine.
	Escalate func(reason, message any)
	// NoWorkers is called when the last worker has stopped and none will replace it.
	NoWorkers func()
}

// Props returns the props of a single supervisor.
func Props(cfg Config) *actor.Props {
	members := newMembers()
	guard := newStrategyGuard(cfg, members)
	m := newSupervisorMailbox(cfg)
	return actor.PropsFromProducer(
		func() actor.Actor { return newSupervisorActor(cfg, m, members, guard) },
		actor.WithSupervisor(guard), actor.WithMailbox(func() actor.Mailbox { return m }),
	)
}

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
