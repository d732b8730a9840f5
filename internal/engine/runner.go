package engine

import (
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/messages"
)

// A runner is a goroutine that runs workers, and the room that it lends them.
type runner struct {
	wake  chan bool // holds one; false: it is to end
	batch [maxBatch]*Task
	free  [maxBatch]*Task // tasks that are done: the engine's own, and others nobody has told so
	frees int

	reading batchReading // of the batch, for a snapshot; guarded by the lock of the queue

	now        int64 // the last reading of the clock, engine time; 0: none since it slept
	settlement Settlement

	// Of the batch, entered into the ledger when it is returned.
	settled tally
	ran     int64 // nanoseconds
	dead    int32 // entries that others had settled
	cut     bool  // a task was settled from outside while it ran

	// Tasks that were done since now and have not been timed: brief ones, maybe of
	// several workers.
	untimed  int64
	waited   int64 // nanoseconds that they had waited
	waitBase int64 // nanoseconds that the first of them had waited, which stands for all
	cutShort bool  // one of them was interrupted, or returned since its context had ended
	record   meter.Batch

	stray   bool // tasks have been returned to a queue that nobody looks at any more
	flooded bool // the journals have no room for further successes of the batch
}

func newRunner() *runner { return &runner{wake: make(chan bool, 1)} }

// wakeUp is called when the runner begins to run a worker.
func (r *runner) wakeUp(e *Engine) {
	if r.now == 0 {
		r.now = e.now()
	}
}

// rest is called when the runner finds nothing to do.
func (r *runner) rest(e *Engine) {
	if r.untimed > 0 {
		n, took := r.measure(e)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		r.flush(e, 0)
	}
	r.now = 0
	r.settlement = Settlement{}
}

// readClock reads the clock after something that was no task.
func (r *runner) readClock(e *Engine) {
	if r.untimed == 0 {
		r.now = e.now()
	}
}

// Tasks are timed as follows.
//
//   - Tasks of preciseTime or more, by the worker's last ones, are timed one by one.
//   - Shorter tasks are timed in groups of up to groupSize. A group that took longTime or
//     more had one long task; it is recorded as such, at most (groupSize-1)*preciseTime
//     off, the others as the mean of the tasks before.
//   - After a long task, the next carefulTasks are timed one by one, since long tasks
//     seldom come alone.
const (
	preciseTime  = 1_000
	groupSize    = 32
	longTime     = 64_000
	carefulTasks = 4096
)

// A workerPace is how long the tasks of a worker take.
type workerPace struct {
	mean    int64 // nanoseconds, of the last ones; -1: unknown
	careful int32 // tasks still to be timed one by one
}

func newWorkerPace() workerPace { return workerPace{mean: -1} }

// batch is how many tasks to claim, and tells submitters whether they are short.
func (p *workerPace) batch(e *Engine, q *taskQueue) int {
	q.short = p.mean >= 0 && p.mean < shortTime
	if brief := q.short && p.mean < briefTime; brief != e.brief.Load() {
		e.brief.Store(brief)
	}
	if !q.short {
		return 1
	}
	return min(int(batchTime/(p.mean+1))+1, maxBatch)
}

// precise reports whether the next task is timed by itself.
func (p *workerPace) precise() bool { return p.careful > 0 || p.mean < 0 || p.mean >= preciseTime }

// learn notes how long tasks took. What was cut short says only that tasks take so long
// at least.
func (p *workerPace) learn(mean int64, cutShort bool) {
	switch {
	case !cutShort:
		p.mean = mean
	case p.mean >= 0:
		p.mean = max(p.mean, mean)
	}
}

// measure reads the clock: it returns how many tasks have been done since the last
// reading, and how long they took.
func (r *runner) measure(e *Engine) (n, took int64) {
	now := e.now()
	n, took = r.untimed, now-r.now
	r.record.Waits = append(r.record.Waits, meter.Sample{N: n, Sum: r.waited})
	r.record.Busy += took
	r.ran += took
	r.now, r.untimed, r.waited, r.cutShort = now, 0, 0, false
	return n, took
}

// flush hands the times to the meter.
func (r *runner) flush(e *Engine, shard uint32) {
	if len(r.record.Runs) == 0 {
		return
	}
	r.record.End = r.now
	e.meter.Record(shard, &r.record)
	r.record.Reset()
}

// time measures the tasks that w has done since the last reading of the clock.
func (w *Worker) time(r *runner) {
	if r.untimed == 0 {
		return
	}
	p, cutShort := &w.pace, r.cutShort
	n, took := r.measure(w.engine)
	if n > 1 && took >= longTime && p.mean >= 0 {
		rest := min((n-1)*p.mean, took)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n - 1, Sum: rest}, meter.Sample{N: 1, Sum: took - rest})
		p.careful = carefulTasks
	} else {
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		p.learn(took/n, cutShort)
		if took >= longTime {
			p.careful = carefulTasks
		} else {
			p.careful = max(p.careful-int32(n), 0)
		}
	}
	if len(r.record.Runs) >= maxBatch {
		r.flush(w.engine, w.shard())
	}
}

// skipTime leaves out the time of a task that was settled from outside, which recorded
// it then. The worker was busy with it until now.
func (w *Worker) skipTime(r *runner) {
	now := w.engine.now()
	if n := r.untimed; n > 0 {
		took := min(n*max(w.pace.mean, 0), now-r.now)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		r.record.Waits = append(r.record.Waits, meter.Sample{N: n, Sum: r.waited})
		r.untimed, r.waited, r.cutShort = 0, 0, false
	}
	w.engine.meter.RecordBusy(w.shard(), r.now, now)
	w.pace.learn(now-r.now, true)
	r.now = now
}

// count counts a task that the goroutine which ran it has settled.
func (r *runner) count(o messages.Outcome) {
	r.settled[o]++
	r.cutShort = r.cutShort || o == messages.TimedOut || o == messages.Canceled
}
