package supervision

import "github.com/asynkron/protoactor-go/actor"

// starter spawns the first workers.
type starter struct {
	sizer    *sizer
	replacer *replacer
	started  func(error) (awaited bool) // Config.Started
}

// start spawns one worker for each entry of the list, which is the foreign actor that the worker
// stands for, or nil. It calls done with true when all have been spawned, or when it waits for a
// slow constructor. It calls done with false if a worker could not be spawned, and the start has
// failed.
func (s *starter) start(workers []*actor.PID, done func(ok bool)) {
	s.sizer.want(len(workers))
	s.sizer.pool.workers.Lost(0)
	s.fill(workers, done)
}

// fill spawns the first workers that are still missing.
func (s *starter) fill(missing []*actor.PID, done func(ok bool)) {
	if len(missing) == 0 {
		s.sizer.pool.flush()
		s.started(nil)
		done(true)
		return
	}
	s.sizer.nursery.order(len(missing), s.propsOf(missing), func(d delivery) {
		for i, worker := range d.made {
			s.sizer.pool.routees.assign(missing[i], worker)
		}
		missing = missing[len(d.made):]
		s.sizer.spawner.take(d.made, s.sizer.wanted)
		switch {
		case !d.over:
			done(true)
		case d.err == nil:
			s.fill(nil, done)
		case s.started(d.err):
			done(false)
		default: // the pool has been restarted, and nobody waits for it
			s.replacer.spawnLater(&spawnAttempt{foreign: missing[0]}, d.err)
			s.fill(missing[1:], done)
		}
	})
}

// propsOf returns a function that yields the props of the workers, one per call.
func (s *starter) propsOf(workers []*actor.PID) func() *actor.Props {
	return func() *actor.Props {
		foreign := workers[0]
		workers = workers[1:]
		return s.sizer.pool.props(foreign)
	}
}
