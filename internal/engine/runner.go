package engine

import (
	"github.com/troupe-go/troupe/internal/meter"
	"github.com/troupe-go/troupe/messages"
)

// A runner is a goroutine that runs workers, with the buffers that it lends them.
type runner struct {
	wake  chan bool // has one slot; false: the runner must end
	batch [maxBatch]*Task
	free  [maxBatch]*Task // finished tasks: those the engine made, and others whose Unlinked must still be called
	frees int

	reading batchReading // of the batch, for a snapshot; guarded by the lock of the queue

	now        int64 // the last reading of the clock, engine time; 0: none since the runner slept
	settlement Settlement
	numbers    Numerals

	// Of the current batch; entered into the ledger when the batch is returned.
	settled tally
	ran     int64 // nanoseconds
	dead    int32 // entries that other goroutines had settled
	cut     bool  // a task was settled from outside while it ran

	// Of the tasks that have finished since now and have not been timed: brief ones,
	// perhaps of several workers.
	untimed  int64
	ended    int64 // when the last one ended, if its body needed to know; otherwise 0
	waited   int64 // nanoseconds that they had waited
	waitBase int64 // nanoseconds that the first of them had waited; stands for all
	cutShort bool  // one of them was interrupted, or returned because its context had ended
	record   meter.Batch

	holds bool // the worker holds tasks, so it is busy anyway

	stray   bool // tasks were returned to a queue that no worker serves any more
	flooded bool // the journals have no room for further successes of the batch
}

func newRunner() *runner { return &runner{wake: make(chan bool, 1)} }

// wakeUp reads the clock when the runner begins to run a worker, if it has slept.
func (r *runner) wakeUp(b *base) {
	if r.now == 0 {
		r.now = b.now()
	}
}

// rest records what is left to record when the runner finds nothing to do.
func (r *runner) rest(b *base) {
	if r.untimed > 0 {
		n, took := r.measure(b)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		r.flush(b, 0)
	}
	r.now, r.ended = 0, 0
	r.settlement = Settlement{}
}

// readClock reads the clock after the worker has done something other than tasks.
func (r *runner) readClock(b *base) {
	if r.untimed == 0 {
		r.now = b.now()
	}
}

// measure reads the clock. It returns how many tasks have finished since the last reading,
// and how long they took.
func (r *runner) measure(b *base) (n, took int64) {
	now := b.now()
	n, took = r.untimed, now-r.now
	r.record.Waits = append(r.record.Waits, meter.Sample{N: n, Sum: r.waited})
	if !r.holds {
		r.record.Busy += took
	}
	r.ran += took
	r.now, r.ended, r.untimed, r.waited, r.cutShort = now, 0, 0, 0, false
	return n, took
}

// flush passes the recorded times to the meter.
func (r *runner) flush(b *base, shard uint32) {
	if len(r.record.Runs) == 0 {
		return
	}
	r.record.End = r.now
	b.meter.Record(shard, &r.record)
	r.record.Reset()
}

// count counts a task that was settled by the goroutine that ran it.
func (r *runner) count(o messages.Outcome) {
	r.settled[o]++
	r.cutShort = r.cutShort || o == messages.TimedOut || o == messages.Canceled
}

// keep keeps a finished task until the batch is returned.
func (r *runner) keep(t *Task) {
	r.free[r.frees] = t
	r.frees++
}

// unlink calls Unlinked on finished tasks that are in no batch any more.
func (r *runner) unlink() {
	for i, t := range r.free[:r.frees] {
		r.free[i] = nil
		t.body.Unlinked()
	}
	r.frees = 0
}

// A batchReading is a snapshot of the tasks of a batch. Each word is read once, so every
// task is counted in one place.
type batchReading struct {
	waiting int   // tasks that have not started, whether others have settled them or not
	settled tally // outcomes that are not in Worker.outcomes yet
	task    *Task // the one in hand, settled or not; nil: none
	cut     bool  // the task in hand was settled from outside
	oldest  int64 // when the oldest task that has not started was accepted; 0: there is none
}

// time measures the tasks that a worker has finished since the last reading of the clock.
// shard is the worker's shard of the meter.
func (r *runner) time(b *base, p *workerPace, shard uint32) {
	if r.untimed == 0 {
		return
	}
	cutShort := r.cutShort
	n, took := r.measure(b)
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
		r.flush(b, shard)
	}
}

// setAside leaves out the running time of a task that is held from now on. It returns when
// the task began.
func (r *runner) setAside(b *base, p *workerPace) (began int64) {
	now := b.now()
	began = r.now
	if n := r.untimed; n > 0 {
		took := min(n*max(p.mean, 0), now-r.now)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		r.record.Waits = append(r.record.Waits, meter.Sample{N: n, Sum: r.waited})
		if !r.holds {
			r.record.Busy += took
		}
		r.ran += took
		began += took
		r.untimed, r.waited, r.cutShort = 0, 0, false
	}
	p.learn(now-began, false)
	r.now, r.ended = now, 0
	return began
}

// skipTime leaves out the running time of a task that was settled from outside, since that
// was recorded then. The worker still counts as busy until now.
func (r *runner) skipTime(b *base, p *workerPace, shard uint32) {
	now := b.now()
	if n := r.untimed; n > 0 {
		took := min(n*max(p.mean, 0), now-r.now)
		r.record.Runs = append(r.record.Runs, meter.Sample{N: n, Sum: took})
		r.record.Waits = append(r.record.Waits, meter.Sample{N: n, Sum: r.waited})
		r.untimed, r.waited, r.cutShort = 0, 0, false
	}
	b.meter.RecordBusy(shard, r.now, now)
	p.learn(now-r.now, true)
	r.now = now
}
