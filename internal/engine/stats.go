package engine

import (
	"time"

	"github.com/troupe-go/troupe/messages"
)

// Stats takes a snapshot. It stops the world, so it sees every accepted task once and the
// ledger adds up. Workers may start and settle tasks of their batches meanwhile: see
// batchReading.
func (e *Engine) Stats() *messages.Stats {
	s := &messages.Stats{Pool: e.name, Custom: make(map[string]int64)}
	sum := summary{engine: e, stats: s}
	e.stopWorld(sum.takeLocked)
	sum.complete()
	return s
}

// A summary adds up a snapshot.
type summary struct {
	engine      *Engine
	stats       *messages.Stats
	tally       tally
	now         int64
	oldest      int64 // when the oldest queued task was accepted
	longest     int64 // nanoseconds that the longest running attempt has taken so far
	windowStart int64
	busy        int64 // nanoseconds of the window spent on the tasks in hand
}

// takeLocked takes the figures for which the world must be stopped.
func (sum *summary) takeLocked() {
	e, s := sum.engine, sum.stats
	now := e.now()
	sum.now, sum.oldest = now, now
	sum.windowStart = max(now-int64(messages.StatsWindow), 0)
	d := &e.roster.departed
	s.At = e.timeOf(now)
	s.QueueCapacity = int(e.capacity.Load())
	s.Paused = e.shared.paused
	s.Submitted = d.submitted
	s.Delayed = e.delays.count.Load()
	s.Queued = s.Delayed
	s.Retries, s.Restarts, s.Replaced = e.delays.retries, d.restarts, d.replaced
	sum.tally = d.outcomes
	sum.tally.add(&e.delays.outcomes)
	e.queuesLocked(sum.addQueueLocked)
	e.counters.addAllTo(&s.Custom)
	s.Workers = make([]messages.WorkerStats, 0, len(e.roster.workers))
	for _, w := range e.roster.view.Load().routees {
		sum.countLocked(w)
		sum.addWorkerLocked(w)
	}
	for _, w := range e.roster.joining { // they take tasks from the shared queue already
		sum.countLocked(w)
	}
	for _, w := range e.roster.workers {
		if !w.routed {
			sum.addWorkerLocked(w)
		}
	}
	callers := e.callers.tallied()
	sum.tally.add(&callers)
	sum.longest = max(sum.longest, now-e.callers.oldest(now))
	for _, x := range e.races.parked {
		sum.longest = max(sum.longest, now-x.started)
	}
	s.Copies = e.races.copies.Load()
}

func (sum *summary) addQueueLocked(q *taskQueue) {
	sum.stats.Submitted += q.submitted
	queued := q.rings.Len() - int(q.dead)
	if q.late != nil {
		queued += q.late.pinned + q.late.shunned.count
		q.late.shunned.eachLocked(func(t *Task) { sum.see(t.enqueued) })
	}
	q.eachBatchLocked(func(w *Worker) {
		w.runner.reading = w.readBatchLocked()
		queued += w.runner.reading.waiting
	})
	sum.stats.Queued += int64(queued)
	sum.tally.add(&q.unstarted)
	q.oldestLocked(sum.see)
}

func (sum *summary) see(enqueued int64) { sum.oldest = min(sum.oldest, enqueued) }

// countLocked counts a worker that takes tasks.
func (sum *summary) countLocked(w *Worker) {
	sum.stats.Size++
	if w.busyLocked() {
		sum.stats.Busy++
	}
}

// addWorkerLocked adds the figures of a worker.
func (sum *summary) addWorkerLocked(w *Worker) {
	s := sum.stats
	ws := messages.WorkerStats{ID: w.hand.worker, State: w.stateLocked(), Restarts: w.restarts}
	if w.q.owner != nil {
		ws.Queued = w.q.rings.Len() - int(w.q.dead)
		if w.batch != nil {
			ws.Queued += w.runner.reading.waiting
		}
	}
	if w.rare != nil {
		ws.Queued += len(w.rare.pins)
		for _, t := range w.rare.pins {
			sum.see(t.enqueued)
		}
	}
	if reports := w.hand.reports.Load(); reports != nil {
		reports.addAllTo(&ws.Custom)
	}
	addTo(&s.Custom, ws.Custom)
	t := w.outcomes
	if w.batch != nil {
		reading := &w.runner.reading
		t.add(&reading.settled)
		if reading.oldest > 0 {
			sum.see(reading.oldest)
		}
		if reading.task != nil {
			started := w.hand.started.Load()
			ws.Task = reading.task.id()
			ws.Since = sum.engine.timeOf(started)
			ws.Settled = reading.cut
			sum.longest = max(sum.longest, sum.now-started)
			sum.busy += max(sum.now-max(started, sum.windowStart), 0)
		}
	}
	sum.addHeldLocked(w, &ws)
	sum.tally.add(&t)
	ws.Succeeded, ws.Failed, ws.Panicked = t[messages.Succeeded], t[messages.Failed], t[messages.Panicked]
	ws.TimedOut, ws.Canceled = t[messages.TimedOut], t[messages.Canceled]
	ws.Dropped, ws.Quarantined = t[messages.Dropped], t[messages.Quarantined]
	attempts := w.retried
	for _, n := range w.outcomes {
		attempts += n
	}
	if attempts > 0 {
		ws.MeanRun = time.Duration(w.ran / attempts)
	}
	s.Restarts += ws.Restarts
	s.Workers = append(s.Workers, ws)
}

// addHeldLocked adds the figures of the tasks that a worker holds.
func (sum *summary) addHeldLocked(w *Worker, ws *messages.WorkerStats) {
	hs := w.held()
	if hs == nil || hs.tasks.Len() == 0 {
		return
	}
	ws.Held = hs.tasks.Len()
	oldest := hs.tasks.First().Of
	if ws.Task == "" {
		ws.Task, ws.Since = oldest.task.id(), sum.engine.timeOf(oldest.started)
	}
	sum.longest = max(sum.longest, sum.now-oldest.started)
	if hs.since > 0 {
		sum.busy += max(sum.now-max(hs.since, sum.windowStart), 0)
	}
}

// complete adds the figures that have locks of their own.
func (sum *summary) complete() {
	e, s, t := sum.engine, sum.stats, &sum.tally
	s.Succeeded, s.Failed, s.Panicked = t[messages.Succeeded], t[messages.Failed], t[messages.Panicked]
	s.TimedOut, s.Canceled = t[messages.TimedOut], t[messages.Canceled]
	s.Dropped, s.Quarantined = t[messages.Dropped], t[messages.Quarantined]
	s.Running = s.Submitted - s.Queued - s.Settled()
	s.Idle = s.Size - s.Busy
	s.OldestQueued = time.Duration(sum.now - sum.oldest)
	s.LongestRunning = time.Duration(sum.longest)
	s.Rejections = make(map[messages.Reason]int64)
	for reason := range e.rejected {
		if n := e.rejected[reason].Load(); n > 0 {
			s.Rejected += n
			s.Rejections[messages.Reason(reason)] = n
		}
	}
	s.Recycled = e.recycling.count.Load()
	s.Lost = int(e.lost.Load())
	s.Abandoned = e.watchdog.count()
	s.InQuarantine = e.quarantine.length()
	reading := e.meter.Read(sum.now)
	s.WaitTime, s.RunTime = reading.Wait, reading.Run
	window := sum.now - sum.windowStart
	s.Throughput = float64(reading.Tasks) / time.Duration(window).Seconds()
	if workers := int64(len(s.Workers)); workers > 0 {
		s.Utilization = min(float64(int64(reading.Busy)+sum.busy)/float64(window*workers), 1)
	}
}

func (w *Worker) stateLocked() messages.WorkerState {
	switch {
	case w.leaving.Load():
		return messages.WorkerStopping
	case w.sidelined && !w.busyLocked():
		return messages.WorkerSidelined
	case w.suspended:
		return messages.WorkerSuspended
	case w.busyLocked():
		return messages.WorkerBusy
	default:
		return messages.WorkerIdle
	}
}

// Load returns how much work the pool has. It costs much less than Stats.
func (e *Engine) Load() messages.Load {
	load := messages.Load{Capacity: int(e.capacity.Load()), Queued: int(e.delays.count.Load())}
	load.Size = e.Size()
	view := e.roster.view.Load()
	q := e.shared
	q.mu.Lock()
	load.Paused = q.paused
	load.Queued += max(q.liveLocked(), 0)
	if q.late != nil {
		load.Queued += q.late.pinned + q.late.shunned.count
		load.Free = q.late.able
		load.Busy = int(q.late.onlyHolding)
		for _, w := range q.late.batches {
			if !w.abandoned.Load() {
				load.Busy++
			}
		}
	}
	q.mu.Unlock()
	if e.late() {
		return load
	}
	for _, w := range view.routees {
		w.q.mu.Lock()
		load.Queued += max(w.q.liveLocked(), 0)
		if w.ableLocked() {
			load.Free++
		}
		if w.busyLocked() {
			load.Busy++
		}
		w.q.mu.Unlock()
	}
	return load
}
