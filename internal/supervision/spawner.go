package supervision

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/messages"
)

// spawner starts workers, and stops those that are not to be replaced.
type spawner struct {
	pool    *pool
	members *members
	last    int  // the number of the last worker; workers are named by their numbers
	failed  bool // no worker has been spawned since fail was called
}

// spawn starts a worker with props from the data plane.
func (s *spawner) spawn(ctx actor.Context) (*actor.PID, error) {
	return s.spawnFrom(ctx, s.pool.workers.NewWorker)
}

// spawnFrom starts a worker. It turns a panic of the worker's constructor, or of an option
// of its props, into an error.
func (s *spawner) spawnFrom(ctx actor.Context, props func() *actor.Props) (pid *actor.PID, err error) {
	s.last++
	panicked := runGuarded(func() { pid, err = ctx.SpawnNamed(props(), strconv.Itoa(s.last)) })
	if panicked != nil {
		err = panicked
	}
	if err != nil {
		return nil, fmt.Errorf("worker not started: %w", err)
	}
	s.members.join(pid)
	s.failed = false
	s.pool.workers.Revive()
	s.pool.publish(&messages.WorkerStarted{Pool: s.pool.name, Worker: pid})
	return pid, nil
}

// fail tells the data plane that no worker is left. It returns false, and does nothing, if
// no worker has been spawned since the last call.
func (s *spawner) fail() bool {
	if s.failed {
		return false
	}
	s.failed = true
	logTo(s.pool.logger, slog.LevelError, "no workers left", "pool", s.pool.name)
	s.pool.workers.Fail(messages.ErrNoWorkers)
	return true
}

// retire stops a worker that a resize has taken out of dispatch.
func (s *spawner) retire(ctx actor.Context, reason string, worker *actor.PID) {
	s.members.retire(reason, worker)
	ctx.Stop(worker)
}
