package router

import (
	"maps"
	"time"

	"github.com/troupe-go/troupe/messages"
)

// Stats takes a snapshot. Tasks are accepted and queued under mu only, and a
// worker begins those of its batch under the lock of its hand: so a task that was
// queued or running when mu was taken is seen once, and the ledger holds.
func (r *Router) Stats() *messages.Stats {
	s := &messages.Stats{Pool: r.cfg.Name, QueueCapacity: r.cfg.Capacity, Custom: make(map[string]int64)}
	r.mu.Lock()
	now := r.now()
	windowStart := max(now-int64(messages.StatsWindow), 0)
	sum := summary{stats: s, tally: r.departed, oldest: now, windowStart: windowStart}
	sum.tally.add(&r.unworked)
	for o := range r.inCallers {
		sum.tally[o] += r.inCallers[o].Load()
	}
	s.At = r.timeOf(now)
	s.Paused = r.paused
	s.Submitted = r.submitted
	s.Delayed = int64(r.delayed.Len())
	s.Queued = int64(r.shared.Len()+r.own) + s.Delayed
	s.Retries, s.Restarts, s.Replaced = r.retries, r.restarts, r.replaced
	s.Abandoned = len(r.abandoned)
	maps.Copy(s.Custom, r.counters)
	r.shared.Heads(sum.see)
	s.Workers = make([]messages.WorkerStats, 0, len(r.workers))
	for _, w := range *r.routees.Load() {
		s.Size++
		if w.taken {
			s.Busy++
		}
		sum.addLocked(w, now)
	}
	for _, w := range r.workers {
		if !w.routed {
			sum.addLocked(w, now)
		}
	}
	for _, run := range r.callers {
		sum.ran(now - run.hold.started)
	}
	r.mu.Unlock()

	t := &sum.tally
	s.Succeeded, s.Failed, s.Panicked = t[messages.Succeeded], t[messages.Failed], t[messages.Panicked]
	s.TimedOut, s.Canceled = t[messages.TimedOut], t[messages.Canceled]
	s.Dropped, s.Quarantined = t[messages.Dropped], t[messages.Quarantined]
	s.Running = s.Submitted - s.Queued - s.Settled()
	s.Idle = s.Size - s.Busy
	s.OldestQueued = time.Duration(now - sum.oldest)
	s.Rejections = make(map[messages.Reason]int64)
	for reason := range r.rejected {
		if n := r.rejected[reason].Load(); n > 0 {
			s.Rejected += n
			s.Rejections[messages.Reason(reason)] = n
		}
	}
	s.Lost = int(r.lost.Load())
	s.InQuarantine = r.inQuarantine()
	reading := r.meter.Read(now)
	s.WaitTime, s.RunTime = reading.Wait, reading.Run
	window := now - windowStart
	s.Throughput = float64(reading.Tasks) / time.Duration(window).Seconds()
	if workers := int64(len(s.Workers)); workers > 0 {
		s.Utilization = min(float64(int64(reading.Busy)+sum.busy)/float64(window*workers), 1)
	}
	return s
}

// Load is what a pool has to do, at the cost of one lock.
func (r *Router) Load() messages.Load {
	r.mu.Lock()
	defer r.mu.Unlock()
	return messages.Load{
		Size:     len(*r.routees.Load()),
		Busy:     r.busy,
		Free:     r.able,
		Queued:   r.shared.Len() + r.own + r.delayed.Len(),
		Capacity: r.cfg.Capacity,
		Paused:   r.paused,
	}
}

// summary adds up workers.
type summary struct {
	stats       *messages.Stats
	tally       tally
	oldest      int64 // when the oldest queued task was accepted
	windowStart int64
	busy        int64 // nanoseconds of the window spent on the tasks in hand
}

func (s *summary) ran(ns int64) {
	s.stats.LongestRunning = max(s.stats.LongestRunning, time.Duration(ns))
}

func (s *summary) see(c *Cell) { s.oldest = min(s.oldest, c.enqueued) }

// addLocked adds a worker. It needs Router.mu.
func (s *summary) addLocked(w *Worker, now int64) {
	ws := messages.WorkerStats{ID: w.id, State: w.stateLocked(), Queued: w.own.Len(), Custom: maps.Clone(w.counters)}
	w.own.Heads(s.see)
	w.hand.mu.Lock()
	for _, c := range w.hand.batch.cells[w.hand.batch.next:] {
		s.see(c)
		s.stats.Queued++
	}
	var t tally
	var settled int64
	for o := range t {
		t[o] = w.outcomes[o].Load()
		settled += t[o]
	}
	if c := w.hand.current; c != nil {
		ws.Task = c.id()
		ws.Since = w.router.timeOf(w.hold.started)
		ws.Settled = w.hold.interrupted
		s.ran(now - w.hold.started)
		s.busy += now - max(w.hold.started, s.windowStart)
	}
	w.hand.mu.Unlock()
	s.tally.add(&t)
	ws.Succeeded, ws.Failed, ws.Panicked = t[messages.Succeeded], t[messages.Failed], t[messages.Panicked]
	ws.TimedOut, ws.Canceled, ws.Quarantined = t[messages.TimedOut], t[messages.Canceled], t[messages.Quarantined]
	ws.Restarts = w.restarts.Load()
	if attempts := settled + w.retried; attempts > 0 {
		ws.MeanRun = time.Duration(w.ran.Load() / attempts)
	}
	s.stats.Restarts += ws.Restarts
	addTo(&s.stats.Custom, ws.Custom)
	s.stats.Workers = append(s.stats.Workers, ws)
}

// totalsLocked counts the outcomes so far.
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

func (w *Worker) stateLocked() messages.WorkerState {
	switch {
	case w.leaving:
		return messages.WorkerStopping
	case w.sidelined && !w.taken:
		return messages.WorkerSidelined
	case w.suspended:
		return messages.WorkerSuspended
	case w.taken:
		return messages.WorkerBusy
	default:
		return messages.WorkerIdle
	}
}
