package router

import (
	"maps"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// Stats takes a snapshot. Tasks are accepted and taken from the queues under mu
// only, so those that were running when it was taken have either an outcome by
// now or none: the ledger holds.
func (r *Router) Stats() *messages.Stats {
	s := &messages.Stats{Pool: r.cfg.Name, QueueCapacity: r.cfg.Capacity}
	r.mu.Lock()
	now := r.now()
	s.At = r.epoch.Add(time.Duration(now))
	s.Paused = r.paused
	s.Submitted = r.submitted
	s.Queued = int64(r.shared.Len() + r.own)
	t := r.totalsLocked()
	s.Succeeded, s.Failed, s.Panicked = t[messages.Succeeded], t[messages.Failed], t[messages.Panicked]
	s.TimedOut, s.Canceled = t[messages.TimedOut], t[messages.Canceled]
	s.Dropped, s.Quarantined = t[messages.Dropped], t[messages.Quarantined]
	s.Running = s.Submitted - s.Queued - s.Settled()
	s.Restarts, s.Replaced = r.restarts, r.replaced
	s.Custom = make(map[string]int64)
	maps.Copy(s.Custom, r.custom)

	oldest := now
	see := func(c *Cell) { oldest = min(oldest, c.enqueued) }
	r.shared.Heads(see)
	var leaving []messages.WorkerStats
	var busyNow int64 // of the tasks in hand, in the window
	windowStart := max(now-int64(messages.StatsWindow), 0)
	add := func(w *Worker) messages.WorkerStats {
		w.own.Heads(see)
		ws := w.statsLocked()
		s.Restarts += ws.Restarts
		addTo(&s.Custom, ws.Custom)
		if w.current != nil {
			busyNow += now - max(w.current.started, windowStart)
		}
		return ws
	}
	s.Workers = make([]messages.WorkerStats, 0, len(r.workers))
	for _, w := range *r.routees.Load() {
		s.Size++
		if w.current != nil {
			s.Busy++
		}
		s.Workers = append(s.Workers, add(w))
	}
	for _, w := range r.workers {
		if w.leaving {
			leaving = append(leaving, add(w))
		}
	}
	s.Workers = append(s.Workers, leaving...)
	r.mu.Unlock()

	s.Idle = s.Size - s.Busy
	s.OldestQueued = time.Duration(now - oldest)
	s.Rejected = r.rejected.Load()
	reading := r.meter.Read(now)
	s.WaitTime, s.RunTime = reading.Wait, reading.Run
	if window := now - windowStart; window > 0 {
		s.Throughput = float64(reading.Tasks) / time.Duration(window).Seconds()
		if workers := len(s.Workers); workers > 0 {
			s.Utilization = min(float64(int64(reading.Busy)+busyNow)/float64(window*int64(workers)), 1)
		}
	}
	return s
}

func (r *Router) totalsLocked() tally {
	t := r.departed
	t.add(&r.unworked)
	for o := range r.inCallers {
		t[o] += r.inCallers[o].Load()
	}
	for _, w := range r.workers {
		for o := range w.outcomes {
			t[o] += w.outcomes[o].Load()
		}
	}
	return t
}

func (w *Worker) statsLocked() messages.WorkerStats {
	ws := messages.WorkerStats{
		ID:          w.id,
		State:       w.stateLocked(),
		Succeeded:   w.outcomes[messages.Succeeded].Load(),
		Failed:      w.outcomes[messages.Failed].Load(),
		Panicked:    w.outcomes[messages.Panicked].Load(),
		TimedOut:    w.outcomes[messages.TimedOut].Load(),
		Canceled:    w.outcomes[messages.Canceled].Load(),
		Quarantined: w.outcomes[messages.Quarantined].Load(),
		Restarts:    w.restarts.Load(),
		Queued:      w.own.Len(),
		Custom:      maps.Clone(w.custom),
	}
	if n := ws.Succeeded + ws.Failed + ws.Panicked + ws.TimedOut + ws.Canceled + ws.Quarantined; n > 0 {
		ws.MeanRun = time.Duration(w.ran.Load() / n)
	}
	if c := w.current; c != nil {
		ws.Task = c.id()
		ws.Since = w.router.epoch.Add(time.Duration(c.started))
	}
	return ws
}

func (w *Worker) stateLocked() messages.WorkerState {
	switch {
	case w.leaving:
		return messages.WorkerStopping
	case w.suspended:
		return messages.WorkerSuspended
	case w.current != nil:
		return messages.WorkerBusy
	default:
		return messages.WorkerIdle
	}
}
