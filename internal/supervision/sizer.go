package supervision

import (
	"log/slog"
	"math"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/internal/invalid"
	"github.com/troupe-go/troupe/messages"
)

// sizer changes the number of workers.
type sizer struct {
	pool    *pool
	nursery *nursery
	spawner *spawner
	wanted  int // workers that there should be; fewer run while one is being replaced
	target  int // wanted after the resize that is under way; 0: none is
	lost    int // workers lost since the last resize by request

	routeesOnly bool // the last worker may be removed
}

// request resizes the pool because a user asked for it. This makes up for lost workers.
func (s *sizer) request(size int, done func(error)) {
	s.resize(size, "requested", func(err error) {
		if err == nil {
			s.lost = 0
			s.pool.workers.Lost(0)
		}
		done(err)
	})
}

// resize spawns workers, or retires those that the data plane selects. It calls done with
// the result. A worker that stops meanwhile is replaced like any other.
func (s *sizer) resize(size int, reason string, done func(error)) {
	if err := CheckSize(size); err != nil {
		done(err)
		return
	}
	missing := size - s.pool.workers.Size()
	if missing <= 0 {
		s.resized(size, reason)
		done(nil)
		return
	}
	from, answered := s.wanted, false
	s.aim(size)
	s.nursery.order(missing, s.pool.workers.NewWorker, func(d delivery) {
		if answered { // with an error; the worker fills a gap if there is one
			s.spawner.take(d.made, s.wanted)
			return
		}
		answered = true
		s.spawner.take(d.made, size)
		s.target = 0 // change comes next
		if d.err != nil {
			s.nursery.cancel(d.order)
			s.change(max(s.pool.workers.Size(), min(from, size)), reason) // workers that are still to be spawned count
		} else {
			s.resized(size, reason)
		}
		done(d.err)
	})
}

// resized retires workers if there are more than the new size.
func (s *sizer) resized(size int, reason string) {
	for _, pid := range s.pool.workers.Retire(size) {
		s.spawner.retire("resized", pid)
	}
	s.change(size, reason)
}

// change sets the number of workers that there should be.
func (s *sizer) change(to int, reason string) {
	from := s.wanted
	s.want(to)
	if from != to {
		s.pool.publish(&messages.PoolResized{Pool: s.pool.name, From: from, To: to, Reason: reason})
	}
}

// want sets how many workers there should be.
func (s *sizer) want(n int) {
	s.wanted = n
	s.pool.workers.Wanted(max(n, s.target))
}

// aim notes the size for which workers are being made.
func (s *sizer) aim(size int) {
	s.target = size
	s.want(s.wanted)
}

// adopt adds a worker that stands for a foreign actor. It calls done with the result.
func (s *sizer) adopt(foreign *actor.PID, done func(error)) {
	if foreign.GetId() == "" {
		done(invalid.Option("routee %v: no PID", foreign))
		return
	}
	if foreign.Equal(s.pool.mailbox.pool) {
		done(invalid.Option("routee %s: it is the pool itself", foreign))
		return
	}
	for _, pid := range s.pool.workers.Routees() {
		if pid.Equal(foreign) {
			done(nil)
			return
		}
	}
	props := s.pool.workers.Adopt(foreign)
	if props == nil {
		done(invalid.Option("routee %s: the pool's tasks are for its own handler", foreign))
		return
	}
	answered := false
	s.nursery.order(1, func() *actor.Props { return props }, func(d delivery) {
		if answered || d.err != nil {
			s.nursery.cancel(d.order)
			s.pool.discard(d.made)
		} else {
			s.pool.routees.assign(foreign, d.made[0])
			s.spawner.take(d.made, math.MaxInt)
			s.change(s.wanted+1, "routee added")
		}
		if !answered {
			answered = true
			done(d.err)
		}
	})
}

// remove retires one worker, unless it is the last of a pool of own workers. Like Proto.Actor's own
// pools, it ignores a PID that belongs to no worker.
func (s *sizer) remove(pid *actor.PID) error {
	if pid == nil {
		return invalid.Option("nil PID")
	}
	if routees := s.pool.workers.Routees(); len(routees) == 1 && routees[0].Equal(pid) && !s.routeesOnly {
		return invalid.Option("%s is the last worker", pid.Id)
	}
	if worker := s.pool.workers.RetireWorker(pid); worker != nil {
		s.spawner.retire("removed", worker)
		s.change(s.wanted-1, "routee removed")
	}
	return nil
}

// bereave records that a worker has stopped since its foreign actor has terminated. If no other
// worker has taken its place, the pool is smaller from now on.
func (s *sizer) bereave(worker *actor.PID) {
	s.pool.routees.forget(worker)
	s.pool.deliver.Log(slog.LevelWarn, "routee terminated", "worker", worker.GetId())
	if s.hasGap() {
		s.change(s.wanted-1, routeeTerminated)
	}
}

// hasGap reports whether a worker is missing.
func (s *sizer) hasGap() bool { return s.pool.workers.Size() < s.wanted }

// lose records that a worker will not be replaced. If no other worker has taken
// its place, the pool is smaller from now on.
func (s *sizer) lose(worker *actor.PID, reason string) {
	s.pool.routees.forget(worker)
	s.pool.deliver.Log(slog.LevelWarn, "worker not replaced", "worker", worker.GetId(), "reason", reason)
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
