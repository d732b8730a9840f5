package supervision

import (
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// sizer changes the number of workers.
type sizer struct {
	pool    *pool
	spawner *spawner
	wanted  int // workers that there should be; fewer run while one is being replaced
	lost    int // workers lost since the last resize by request
}

// start spawns the first workers. It calls failed for each worker that cannot be spawned,
// and stops when failed returns false.
func (s *sizer) start(ctx actor.Context, size int, failed func(error) bool) (complete bool) {
	s.wanted = size
	s.pool.workers.Lost(0)
	s.pool.workers.BeginResize()
	defer s.pool.workers.EndResize()
	for range size {
		if _, err := s.spawner.spawn(ctx); err != nil && !failed(err) {
			return false
		}
	}
	return true
}

// request resizes the pool because a user asked for it. This makes up for lost workers.
func (s *sizer) request(ctx actor.Context, size int) error {
	err := s.resize(ctx, size, "requested")
	if err == nil {
		s.lost = 0
		s.pool.workers.Lost(0)
	}
	return err
}

// resize spawns workers, or retires those that the data plane selects.
func (s *sizer) resize(ctx actor.Context, size int, reason string) error {
	if err := CheckSize(size); err != nil {
		return err
	}
	if s.pool.stopping {
		return messages.ErrPoolStopped
	}
	from := s.wanted
	if err := s.grow(ctx, size); err != nil {
		s.change(max(s.pool.workers.Size(), min(from, size)), reason) // workers that are still to be spawned count
		return err
	}
	for _, pid := range s.pool.workers.Retire(size) {
		s.spawner.retire(ctx, "resized", pid)
	}
	s.change(size, reason)
	return nil
}

// grow spawns the missing workers. A worker that stops meanwhile is replaced like any
// other.
func (s *sizer) grow(ctx actor.Context, size int) error {
	missing := size - s.pool.workers.Size()
	if missing <= 0 {
		return nil
	}
	s.pool.workers.BeginResize()
	defer s.pool.workers.EndResize()
	for range missing {
		if _, err := s.spawner.spawn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// change sets the number of workers that there should be.
func (s *sizer) change(to int, reason string) {
	from := s.wanted
	s.wanted = to
	if from != to {
		s.pool.publish(&messages.PoolResized{Pool: s.pool.name, From: from, To: to, Reason: reason})
	}
}

// adopt adds a worker that stands for a foreign actor.
func (s *sizer) adopt(ctx actor.Context, foreign *actor.PID) error {
	if foreign == nil {
		return invalid.Option("nil PID")
	}
	for _, pid := range s.pool.workers.Routees() {
		if pid.Equal(foreign) {
			return nil
		}
	}
	props := s.pool.workers.Adopt(foreign)
	if props == nil {
		return invalid.Option("routee %s: the pool's tasks are for its own handler", foreign)
	}
	_, err := s.spawner.spawnFrom(ctx, func() *actor.Props { return props })
	if err == nil {
		s.change(s.wanted+1, "routee added")
	}
	return err
}

// remove retires one worker, unless it is the last. Like Proto.Actor's own pools, it
// ignores a PID that belongs to no worker.
func (s *sizer) remove(ctx actor.Context, pid *actor.PID) error {
	if pid == nil {
		return invalid.Option("nil PID")
	}
	if routees := s.pool.workers.Routees(); len(routees) == 1 && routees[0].Equal(pid) {
		return invalid.Option("%s is the last worker", pid.Id)
	}
	if worker := s.pool.workers.RetireWorker(pid); worker != nil {
		s.spawner.retire(ctx, "removed", worker)
		s.change(s.wanted-1, "routee removed")
	}
	return nil
}

// hasGap reports whether a worker is missing.
func (s *sizer) hasGap() bool { return s.pool.workers.Size() < s.wanted }

// lose records that a worker will not be replaced. If no other worker has taken
// its place, the pool is smaller from now on.
func (s *sizer) lose(worker *actor.PID, reason string) {
	logTo(s.pool.logger, slog.LevelWarn, "worker not replaced",
		"pool", s.pool.name, "worker", worker.GetId(), "reason", reason)
	if !s.hasGap() {
		return
	}
	s.lost++
	s.pool.workers.Lost(s.lost)
	s.change(s.wanted-1, reason)
	s.pool.publish(&messages.Degraded{
		Pool: s.pool.name, Worker: worker, Size: s.wanted, Lost: s.lost, Reason: reason,
	})
}
