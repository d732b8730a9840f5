package supervision

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// spawner takes workers into the pool, and stops those that are not to be replaced.
type spawner struct {
	pool    *pool
	members *members
	failed  bool // no worker has joined since fail was called
}

// take lets workers that have been made join, until there are limit workers. It discards the
// others. It returns the workers that have joined.
func (s *spawner) take(made []*actor.PID, limit int) (joined []*actor.PID) {
	if len(made) == 0 {
		return nil
	}
	s.pool.workers.BeginResize()
	defer s.pool.workers.EndResize()
	for i, worker := range made {
		if s.pool.workers.Size() >= limit {
			s.pool.discard(made[i:])
			return made[:i]
		}
		s.join(worker)
	}
	return made
}

func (s *spawner) join(worker *actor.PID) {
	s.members.join(worker)
	s.pool.workers.Join(worker)
	s.failed = false
	s.pool.workers.Revive()
	s.pool.publish(&messages.WorkerStarted{Pool: s.pool.name, Worker: worker})
}

// fail tells the data plane that no worker is left. It returns false, and does nothing, if
// no worker has joined since the last call.
func (s *spawner) fail() bool {
	if s.failed {
		return false
	}
	s.failed = true
	s.pool.deliver.Log(slog.LevelError, "no workers left")
	s.pool.workers.Fail(messages.ErrNoWorkers)
	return true
}

// retire stops a worker that a resize has taken out of dispatch.
func (s *spawner) retire(reason string, worker *actor.PID) {
	s.members.retire(reason, worker)
	s.pool.routees.forget(worker)
	s.pool.stop(worker)
}
