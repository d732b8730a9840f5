package supervision

// starter spawns the first workers.
type starter struct {
	sizer    *sizer
	replacer *replacer
	started  func(error) (awaited bool) // Config.Started
}

// start spawns size workers. It calls done with true when they have been spawned, or when
// it waits for a constructor that is slow, and with false if nobody waits for the start any
// more because one could not be spawned.
func (s *starter) start(size int, done func(ok bool)) {
	s.sizer.want(size)
	s.sizer.pool.workers.Lost(0)
	s.fill(size, done)
}

// fill spawns the first workers that are still missing.
func (s *starter) fill(missing int, done func(ok bool)) {
	if missing == 0 {
		s.sizer.pool.flush()
		s.started(nil)
		done(true)
		return
	}
	s.sizer.nursery.order(missing, s.sizer.pool.workers.NewWorker, func(d delivery) {
		missing -= len(d.made)
		s.sizer.spawner.take(d.made, s.sizer.wanted)
		switch {
		case !d.over:
			done(true)
		case d.err == nil:
			s.fill(0, done)
		case s.started(d.err):
			done(false)
		default: // the pool has been restarted, and nobody waits for it
			s.replacer.spawnLater(new(spawnAttempt), d.err)
			s.fill(missing-1, done)
		}
	})
}
