package engine

// Tasks are short if a worker's last ones took less than shortTime each, in nanoseconds,
// and brief if they took less than briefTime. Short tasks are claimed in batches that last
// for about batchTime and have at most maxBatch tasks. While at least backlog of them are
// queued, only one submission in stampEvery reads the clock; the others use the last
// reading. A batch that has lasted for overdueTime is recalled by the next worker that
// claims tasks.
const (
	briefTime   = 500
	shortTime   = 20_000
	batchTime   = 50_000
	overdueTime = 1_000_000
	maxBatch    = 128

	backlog    = 16
	stampEvery = 16
)

// Tasks are timed as follows.
//
//   - If a worker's last tasks took preciseTime or more, its tasks are timed one by one.
//   - Otherwise tasks are timed in groups of up to groupSize. A group that took longTime
//     or more had one long task. The long task is recorded as such, at most
//     (groupSize-1)*preciseTime off; the others are recorded with the mean of the tasks
//     before.
//   - After a long task, the next carefulTasks are timed one by one, since long tasks
//     seldom come alone.
const (
	preciseTime  = 1_000
	groupSize    = 32
	longTime     = 64_000
	carefulTasks = 256
)

// A workerPace is how long the recent tasks of a worker took.
type workerPace struct {
	mean    int64 // nanoseconds, of the last tasks; -1: unknown
	careful int32 // tasks still to be timed one by one
}

func newWorkerPace() workerPace { return workerPace{mean: -1} }

// batch returns how many tasks to claim, and tells submitters whether tasks are short.
func (p *workerPace) batch(g *gauges, q *taskQueue) int {
	q.short = p.mean >= 0 && p.mean < shortTime
	if brief := q.short && p.mean < briefTime; brief != g.brief.Load() {
		g.brief.Store(brief)
	}
	if !q.short {
		return 1
	}
	return min(int(batchTime/(p.mean+1))+1, maxBatch)
}

// precise reports whether the next task is timed by itself.
func (p *workerPace) precise() bool { return p.careful > 0 || p.mean < 0 || p.mean >= preciseTime }

// learn updates the mean. A task that was cut short says only that tasks take at least so
// long.
func (p *workerPace) learn(mean int64, cutShort bool) {
	switch {
	case !cutShort:
		p.mean = mean
	case p.mean >= 0:
		p.mean = max(p.mean, mean)
	}
}
