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
	all := f.all()
	var long []*delivery
	for _, d := range all {
		age := now.Sub(d.taken)
		f.mu.Lock()
		inPool := d.running != nil // else its record is being read
		f.mu.Unlock()
		if inPool && age >= min(f.queue.settings.Lease/3, f.cfg.maxRun) {
			d.withdraw()
		}
		if inPool && age >= f.cfg.maxRun {
			long = append(long, d)
		}
		d.answer(ackProgress)
	}
	// Only now, for each leaves its worker to one that waits, and has not run at all.
	for _, d := range long {
		d.cancel(late)
	}
	// A lease has been extended when the server has heard of it, not when it was sent.
	if f.queue.store.conn.FlushTimeout(f.queue.settings.Lease/6) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range all {
		if !d.lapsedLocked(now) { // else it does not come back
			d.kept = now
		}
	}
}
