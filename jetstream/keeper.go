package jetstream

import "time"

// keep extends the leases of the tasks that handlers have. A timer alone must not do
// that: what waits in the pool's queue is given back instead, for others may have a
// free worker, and what runs for too long is canceled.
func (f *Feeder) keep() {
	// The first look at a task may come just after it was taken, so the next ones must
	// leave the time for one that is missed.
	ticker := time.NewTicker(f.queue.settings.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.extend()
		case <-f.pool.Done():
			f.abandon()
			<-f.stopped
			f.keepRest(ticker)
			return
		case <-f.stopped:
			f.keepRest(ticker)
			return
		}
	}
}

// keepRest extends leases until nothing is held any more.
func (f *Feeder) keepRest(ticker *time.Ticker) {
	for {
		select {
		case <-ticker.C:
			f.extend()
		case <-f.quiet:
			return
		}
	}
}

// extend looks at each task once.
func (f *Feeder) extend() {
	now := time.Now()
	for _, d := range f.all() {
		age := now.Sub(d.taken)
		f.mu.Lock()
		running := d.running
		if !d.lapsed(now) { // it does not come back
			d.kept = now
		}
		f.mu.Unlock()
		switch {
		case running == nil: // its record is being read, or its end is being stored
		case age >= f.cfg.maxRun:
			d.withdraw() // what no handler has begun has not run
			d.cancel(late)
		case age >= f.queue.settings.Lease/3:
			d.withdraw()
		}
		d.answer(ackProgress)
	}
}
